import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { z } from "zod";
import type { ImportView } from "../../src/domain/import-view.ts";
import { importPageSchema } from "../../src/domain/import-view.ts";
import { promotionViewSchema } from "../../src/domain/promotion-record.ts";
import { image } from "../helpers/images.ts";
import { type ImportsApi, startImportsApi } from "./api-support/imports-api.ts";
import { readProblem } from "./api-support/start-api.ts";

let api: ImportsApi;
beforeAll(async () => {
  api = await startImportsApi();
});
afterAll(() => api[Symbol.asyncDispose]());

describe("GET /api/imports", () => {
  async function list(query: Readonly<Record<string, string>>): Promise<z.infer<typeof importPageSchema>> {
    const response = await api.get(`/api/imports?${new URLSearchParams(query)}`);
    const body: unknown = await response.json();
    expect(response.status, JSON.stringify(body)).toBe(200);
    return importPageSchema.parse(body);
  }
  async function listAll(query: Readonly<Record<string, string>>): Promise<readonly ImportView[]> {
    const first = await list(query);
    const { imports, continuationToken } = first;
    return continuationToken === undefined
      ? imports
      : [...imports, ...(await listAll({ ...query, continuationToken }))];
  }

  it("answers 304 while the page is what the caller has", async () => {
    await api.importAndWait({ source: api.from(), targetTags: ["tagged/app:1"] });
    const query = new URLSearchParams({ until: new Date().toISOString() });
    const etag = (await api.get(`/api/imports?${query}`)).headers.get("etag") ?? "";

    const again = await api.get(`/api/imports?${query}`, { "if-none-match": etag });

    expect(etag).toMatch(/^"[\w-]+"$/);
    expect(again.status).toBe(304);
  });

  it("finds what ended with an error, among all and among the imports of a promotion", async () => {
    const since = new Date().toISOString();
    const items = ["team/gone:1", "team/app:1"].map((image) => ({ source: api.from(image) }));
    const { id: promotion } = promotionViewSchema.parse(await (await api.post("/api/promotions", { items })).json());
    const find = async (query: Readonly<Record<string, string>>) =>
      (await listAll(query)).map(({ source }) => source?.repository);
    const error = "SOURCE_NOT_FOUND";

    await expect.poll(() => find({ promotion, error }), { timeout: 60_000 }).toEqual(["team/gone"]);
    expect(await find({ since, error })).toEqual(["team/gone"]);
    expect(await find({ since, error: "TARGET_LOCKED" })).toEqual([]);
    expect(await readProblem(await api.get("/api/imports?error=NOTHING"))).toMatchObject({ property: "error" });
  });

  it("finds by label, with or without its value", async () => {
    const labels = { [`team-${crypto.randomUUID()}`]: "a=b" };
    const [key = ""] = Object.keys(labels);
    const { id } = await api.importAndWait({ source: api.from(), targetTags: ["labelled/app:1"], labels });

    expect((await listAll({ label: key })).map((view) => view.id)).toEqual([id]);
    expect((await listAll({ label: `${key}=a=b` })).map((view) => view.id)).toEqual([id]);
    expect(await listAll({ label: `${key}=a` })).toEqual([]);
  });

  it("tells the progress of this moment when it is asked to", async () => {
    const manyLayers = image({ layers: Array.from({ length: 40 }, () => 100), seed: "progress" }); // more than one unit
    await api.source.seedImage("team/parts", "1", manyLayers);
    const last = manyLayers.blobs.at(-1)?.descriptor.digest;
    const hold = api.source.hold({ kind: "blob-get", ...(last && { digest: last }) });
    const { id } = await api.start({ source: api.from("team/parts:1"), targetTags: ["moving/app:1"] });
    await hold.reached;
    const readDone = async (progress: "now" | "stored") =>
      (await listAll({ state: "Copying", progress })).find((view) => view.id === id)?.progress?.blobs.done;

    await expect.poll(() => readDone("now"), { timeout: 20_000 }).toBeGreaterThanOrEqual(8);
    expect(await readDone("stored")).toBe(0);

    hold.release();
    await api.untilState(id, "Succeeded");
  });

  it("pages through all imports, newest first, each once", async () => {
    for (const tag of ["1", "2", "3"])
      await api.importAndWait({ source: api.from(), targetTags: [`listed/app:${tag}`] });

    const ids = (await listAll({ limit: "2" })).map(({ id }) => id);

    expect(ids.length).toBeGreaterThan(3);
    expect(ids).toEqual([...new Set(ids)].sort());
  });

  it("filters by state, registries, trigger and time", async () => {
    const failed = await api.importAndWait({ source: api.from("team/app:missing") });
    const later = new Date(Date.parse(failed.createdAt) + 3_600_000).toISOString();
    const ids = async (query: Readonly<Record<string, string>>) => (await listAll(query)).map(({ id }) => id);

    expect(await ids({ state: "Failed" })).toContain(failed.id);
    expect((await listAll({ state: "Failed" })).every(({ state }) => state === "Failed")).toBe(true);
    expect(await ids({ state: "Succeeded" })).not.toContain(failed.id);
    expect(await ids({ source: api.source.host, target: api.target.host, trigger: "http" })).toContain(failed.id);
    expect(await ids({ source: api.target.host })).toEqual([]);
    expect(await ids({ trigger: "queue" })).toEqual([]);
    expect(await ids({ endedSince: failed.finishedAt ?? "" })).toContain(failed.id);
    expect(await ids({ endedSince: later })).toEqual([]);
    expect(await ids({ since: failed.createdAt, until: later })).toContain(failed.id);
    expect(await ids({ since: later })).toEqual([]);
    expect(await ids({ until: failed.createdAt })).not.toContain(failed.id);
  });

  it("knows registries by any form that a request may name them in", async () => {
    const { id } = await api.importAndWait({ source: api.from(), targetTags: ["named/app:1"] });
    const query = { source: `http://${api.source.host}/`, target: `HTTPS://${api.target.host}` };

    expect((await listAll(query)).map((view) => view.id)).toContain(id);
    expect(await listAll({ source: "DOCKER.IO" })).toEqual([]);
    const refused = await readProblem(await api.get("/api/imports?source=no%20host"));
    expect(refused).toMatchObject({ status: 400, code: "INVALID_REFERENCE", property: "source" });
  });

  it("finds by repository, at the source or at the target, among all and among unfinished ones", async () => {
    const [to, alsoTo] = ["found/app", "also-found/app"];
    const places = { targetTags: [`${to}:1`], untaggedTargetRepositories: [alsoTo] };
    const { id } = await api.importAndWait({ source: api.from(), ...places });
    const held = await api.startHeld({ targetTags: [`${to}:2`] });
    const find = async (query: Readonly<Record<string, string>>) => (await listAll(query)).map((view) => view.id);

    expect(await find({ repository: alsoTo })).toEqual([id]);
    expect(await find({ repository: "team/app" })).toContain(id);
    expect(await find({ repository: "found" })).toEqual([]);
    expect(await find({ repository: to })).toEqual([held.id, id]);
    expect(await find({ repository: to, state: "Resolving" })).toEqual([held.id]);
    expect(await find({ repository: alsoTo, state: "Resolving" })).toEqual([]);

    held.release();
    await api.untilState(held.id, "Succeeded");
  });

  it("lists unfinished ones from what is open", async () => {
    const { id, release } = await api.startHeld();

    const resolving = await listAll({ state: "Resolving" });
    const elsewhere = await listAll({ state: "Resolving", target: api.source.host });
    release();
    await api.untilState(id, "Succeeded");

    expect(resolving.map((record) => record.id)).toEqual([id]);
    expect(elsewhere).toEqual([]);
    expect(await listAll({ state: "Resolving" })).toEqual([]);
  });

  it.each([
    ["limit=0", "INVALID_REQUEST"],
    ["limit=many", "INVALID_REQUEST"],
    ["state=Done", "INVALID_REQUEST"],
    ["since=yesterday", "INVALID_REQUEST"],
    ["colour=red", "INVALID_REQUEST"],
    ["continuationToken=nonsense", "INVALID_REQUEST"],
    ["continuationToken=nonsense&state=Copying", "INVALID_REQUEST"],
    ["promotion=p", "INVALID_REQUEST"],
  ])("refuses %s", async (query, code) => {
    expect(await readProblem(await api.get(`/api/imports?${query}`))).toMatchObject({ status: 400, code });
  });
});
