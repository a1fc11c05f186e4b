import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { overviewSchema } from "../../src/domain/overview.ts";
import { image } from "../helpers/images.ts";
import { type Api, readImport, readProblem, startApi } from "./api-support/start-api.ts";

let api: Api;
beforeAll(async () => {
  api = await startApi();
  await api.source.seedImage("team/app", "1", image({ layers: [1_000, 2_000] }));
});
afterAll(() => api[Symbol.asyncDispose]());

describe("GET /api/overview", () => {
  it("counts what has ended, groups failures, and names what runs; 304 while it stays so", async () => {
    const source = (reference: string) => `${api.source.host}/${reference}`;
    const done = await api.importAndWait({ source: source("team/app:1") });
    const failed = await api.importAndWait({ source: source("missing/app:1") });
    const hold = api.source.hold({ kind: "manifest-get" });
    const held = { source: source("team/app:1"), targetTags: ["held/app:1"] };
    const running = await readImport(await api.post("/api/imports", held));
    await hold.reached;

    const response = await api.get("/api/overview?window=hour");

    const overview = overviewSchema.parse(await response.json());
    expect(overview.totals).toMatchObject({ succeeded: 1, failed: 1, running: 1 });
    expect(overview.totals.bytes.copied).toBe(done.progress?.bytes.copied);
    expect(overview.errors).toEqual([{ code: "SOURCE_NOT_FOUND", count: 1, newest: failed.id, import: failed }]);
    expect(overview.running).toMatchObject({ count: 1, imports: [{ id: running.id, state: "Resolving" }] });
    const again = await api.get("/api/overview?window=hour", {
      "if-none-match": response.headers.get("etag") ?? "none",
    });
    expect(again.status).toBe(304);
    hold.release();
  });

  it("refuses a window that it does not know", async () => {
    const response = await api.get("/api/overview?window=year");

    expect(await readProblem(response)).toMatchObject({ status: 400, code: "INVALID_REQUEST", property: "window" });
  });
});
