import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { image } from "../helpers/images.ts";
import { type Api, readProblem, startApi } from "./api-support/start-api.ts";

let api: Api;
beforeAll(async () => {
  api = await startApi();
  await api.source.seedImage("team/app", "1", image());
});
afterAll(() => api[Symbol.asyncDispose]());

const aSchedule = (changes: object = {}) => ({
  source: { registry: api.source.host, repositories: ["team/app"] },
  target: { registry: api.target.host, repository: "mirror/{repository}" },
  cron: "0 3 1 1 *",
  ...changes,
});
const send = (method: string, name: string, body?: object, headers: Readonly<Record<string, string>> = {}) =>
  fetch(`${api.url}/api/schedules/${name}`, { method, headers, ...(body && { body: JSON.stringify(body) }) });
const etagOf = ({ headers }: Response) => headers.get("etag") ?? "";

describe("schedules", () => {
  it("are not written over what another has changed", async () => {
    const etag = etagOf(await send("PUT", "etag", aSchedule(), { "if-none-match": "*" }));
    await send("PUT", "etag", aSchedule({ labels: { by: "another" } }));

    const answers = [
      await send("PUT", "etag", aSchedule(), { "if-match": etag }),
      await send("PUT", "etag", aSchedule(), { "if-match": "nonsense" }),
      await send("PUT", "etag", aSchedule(), { "if-none-match": "*" }),
      await send("PUT", "new", aSchedule(), { "if-match": etag }),
      await send("DELETE", "etag", undefined, { "if-match": etag }),
    ];

    expect(answers.map(({ status }) => status)).toEqual([412, 412, 412, 412, 412]);
    expect((await readProblem(await send("GET", "new"))).code).toBe("SCHEDULE_NOT_FOUND");
    expect(await (await send("GET", "etag")).json()).toMatchObject({ labels: { by: "another" } });
  });

  it("are written over their own runs: those are no change of the definition", async () => {
    const read = await send("PUT", "runs", aSchedule());
    expect((await api.post("/api/schedules/runs/run")).status).toBe(202);

    const later = await send("GET", "runs", undefined, { "if-none-match": etagOf(read) });
    const replaced = await send("PUT", "runs", aSchedule({ enabled: false }), { "if-match": etagOf(read) });
    const deleted = await send("DELETE", "runs", undefined, { "if-match": etagOf(replaced) });

    expect(await later.json()).toMatchObject({ lastRun: { by: "request" } }); // not 304
    expect([replaced.status, deleted.status]).toEqual([200, 204]);
  });
});
