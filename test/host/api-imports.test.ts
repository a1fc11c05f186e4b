import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { z } from "zod";
import type { ImportView } from "../../src/domain/import-view.ts";
import { importPageSchema } from "../../src/domain/import-view.ts";
import { partPageSchema } from "../../src/domain/part-view.ts";
import { image, multiPlatformImage } from "../helpers/images.ts";
import { type Api, readImport, readProblem, startApi } from "./api-support/start-api.ts";

let api: Api;
beforeAll(async () => {
  api = await startApi();
  await api.source.seedImage("team/app", "1", image({ layers: [1_000, 2_000] }));
});
afterAll(() => api[Symbol.asyncDispose]());

const from = (reference = "team/app:1") => `${api.source.host}/${reference}`;
const start = async (request: object) => readImport(await api.post("/api/imports", request));

/** An import that stands still while the source does not answer, until it is let go. */
async function startHeld(request: object = {}, reference = "team/app:1") {
  const hold = api.source.hold({ kind: "manifest-get" });
  const record = await start({ source: from(reference), targetTags: [`held/app:${crypto.randomUUID()}`], ...request });
  await hold.reached;
  return { id: record.id, release: hold.release };
}

describe("POST /api/imports", () => {
  it("answers 202 with the import, where it is and when to look", async () => {
    const response = await api.post("/api/imports", { source: from(), targetTags: ["accepted/app:1"] });

    expect(response.status).toBe(202);
    const record = await readImport(response);
    expect(response.headers.get("location")).toBe(`/api/imports/${record.id}`);
    expect(response.headers.get("retry-after")).toBe("1");
    expect(record).toMatchObject({
      attempt: 1,
      trigger: { kind: "http" },
      target: { registry: api.target.host, tags: ["accepted/app:1"] },
      links: { self: `${api.url}/api/imports/${record.id}` },
    });
  });

  it("answers 200 when the import ends within ?wait", async () => {
    const response = await api.post("/api/imports?wait=60", { source: from(), targetTags: ["waited/app:1"] });

    expect(response.status).toBe(200);
    expect(response.headers.get("retry-after")).toBeNull();
    expect(await readImport(response)).toMatchObject({
      state: "Succeeded",
      progress: { manifests: { total: 1, done: 1 }, blobs: { total: 3, done: 3 } },
    });
  });

  it("answers 202 when it does not", async () => {
    const hold = api.source.hold({ kind: "manifest-get" });

    const response = await api.post("/api/imports?wait=1", { source: from(), targetTags: ["slow/app:1"] });

    expect(response.status).toBe(202);
    const { id, state } = await readImport(response);
    expect(["Accepted", "Resolving"]).toContain(state);
    hold.release();
    await api.untilState(id, "Succeeded");
  });

  it("answers 200 for an import that failed: the request itself was right", async () => {
    const response = await api.post("/api/imports?wait=60", { source: from("team/app:missing") });

    expect(response.status).toBe(200);
    expect(await readImport(response)).toMatchObject({
      state: "Failed",
      error: { code: "SOURCE_NOT_FOUND", side: "source", registry: api.source.host, stage: "resolve" },
    });
  });
});

describe("an import that is skipped", () => {
  it("tells the digest that is at the target, also where platforms are left out of an index", async () => {
    await api.source.seedImage("some/platforms", "1", multiPlatformImage());
    const request = { source: from("some/platforms:1"), targetTags: ["skipped/app:1"], platforms: ["linux/amd64"] };
    const first = await api.importAndWait(request);

    const second = await api.importAndWait({ ...request, conflict: "skipIfSame" });

    expect(first.target?.digest).not.toBe(first.source?.digest);
    expect(second).toMatchObject({ state: "Skipped", target: { digest: first.target?.digest } });
  });
});

describe("a sparse index", () => {
  it("that the target does not take is said to be just that", async () => {
    await api.source.seedImage("several/app", "1", multiPlatformImage());
    const sparse = { targetTags: ["sparse/app:1"], platforms: ["linux/amd64"], sparseIndex: true };

    const { error } = await api.importAndWait({ source: from("several/app:1"), ...sparse });

    expect(error).toMatchObject({ code: "TARGET_SPARSE_REFUSED", side: "target", stage: "publish" });
    expect(api.target.tags("sparse/app")).toEqual({});
  });
});

describe("GET /api/imports/{id}", () => {
  it("has an ETag that spares an unchanged answer", async () => {
    const { id } = await api.importAndWait({ source: from(), targetTags: ["etag/app:1"] });
    const first = await api.get(`/api/imports/${id}`);
    const etag = first.headers.get("etag") ?? "";

    const statuses = [];
    for (const header of [etag, `"other", W/${etag}`, '"other"']) {
      statuses.push((await api.get(`/api/imports/${id}`, { "if-none-match": header })).status);
    }

    expect(etag).toMatch(/^"[\w-]+"$/);
    expect(statuses).toEqual([304, 304, 200]);
  });

  it("has another ETag when the import has changed", async () => {
    const { id, release } = await startHeld();
    const running = await api.get(`/api/imports/${id}`);
    release();
    await api.untilState(id, "Succeeded");

    const ended = await api.get(`/api/imports/${id}`, { "if-none-match": running.headers.get("etag") ?? "" });

    expect(running.headers.get("retry-after")).toBe("1");
    expect(ended.status).toBe(200);
    expect(ended.headers.get("retry-after")).toBeNull();
  });

  it("takes an id in lower case", async () => {
    const { id } = await api.importAndWait({ source: from(), targetTags: ["lower/app:1"] });

    expect(await readImport(await api.get(`/api/imports/${id.toLowerCase()}`))).toMatchObject({ id });
  });

  it.each(["/api/imports/nonsense", "/api/imports/ZYBQRVZTHT2NK1GDG8EVRHVFQC", "/api/imports/%2e%2e%2f"])(
    "answers 404: %s",
    async (path) => {
      expect(await readProblem(await api.get(path))).toMatchObject({ status: 404, code: "IMPORT_NOT_FOUND" });
    },
  );
});

describe("GET /api/imports/{id}/parts", () => {
  it("lists every manifest and blob over all pages", async () => {
    const { id } = await api.importAndWait({ source: from(), targetTags: ["parts/app:1", "parts/other:1"] });

    const pages: z.infer<typeof partPageSchema>[] = [];
    for (let token: string | undefined = ""; token !== undefined; token = pages.at(-1)?.continuationToken) {
      const query = new URLSearchParams({ limit: "3", ...(token === "" ? {} : { continuationToken: token }) });
      pages.push(partPageSchema.parse(await (await api.get(`/api/imports/${id}/parts?${query}`)).json()));
    }

    const parts = pages.flatMap((page) => page.parts);
    expect(pages.every((page) => page.parts.length <= 3)).toBe(true);
    expect(parts.map(({ kind, repository }) => `${repository} ${kind}`).sort()).toEqual(
      ["parts/app", "parts/other"].flatMap((name) =>
        ["blob", "blob", "blob", "manifest"].map((kind) => `${name} ${kind}`),
      ),
    );
    expect(new Set(parts.map(({ state }) => state))).toEqual(new Set(["done"]));
    expect(parts.find(({ repository, kind }) => kind === "blob" && repository === "parts/other")?.via).toBe("mounted");
  });

  it.each([
    ["limit=0", "limit"],
    ["limit=1001", "limit"],
    ["size=1", "size"],
  ])("refuses %s", async (query, property) => {
    const { id } = await api.importAndWait({ source: from(), conflict: "overwrite" });

    expect(await readProblem(await api.get(`/api/imports/${id}/parts?${query}`))).toMatchObject({
      status: 400,
      property,
    });
  });

  it("refuses a token that is none", async () => {
    const { id } = await api.importAndWait({ source: from(), conflict: "overwrite" });

    const response = await api.get(`/api/imports/${id}/parts?continuationToken=nonsense`);

    expect(await readProblem(response)).toMatchObject({ status: 400, code: "INVALID_REQUEST" });
  });
});

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
    await api.importAndWait({ source: from(), targetTags: ["tagged/app:1"] });
    const query = new URLSearchParams({ until: new Date().toISOString() });
    const etag = (await api.get(`/api/imports?${query}`)).headers.get("etag") ?? "";

    const again = await api.get(`/api/imports?${query}`, { "if-none-match": etag });

    expect(etag).toMatch(/^"[\w-]+"$/);
    expect(again.status).toBe(304);
  });

  it("finds by label, with or without its value", async () => {
    const labels = { [`team-${crypto.randomUUID()}`]: "a=b" };
    const [key = ""] = Object.keys(labels);
    const { id } = await api.importAndWait({ source: from(), targetTags: ["labelled/app:1"], labels });

    expect((await listAll({ label: key })).map((view) => view.id)).toEqual([id]);
    expect((await listAll({ label: `${key}=a=b` })).map((view) => view.id)).toEqual([id]);
    expect(await listAll({ label: `${key}=a` })).toEqual([]);
  });

  it("tells the progress of this moment when it is asked to", async () => {
    const manyLayers = image({ layers: Array.from({ length: 40 }, () => 100), seed: "progress" }); // more than one unit
    await api.source.seedImage("team/parts", "1", manyLayers);
    const last = manyLayers.blobs.at(-1)?.descriptor.digest;
    const hold = api.source.hold({ kind: "blob-get", ...(last && { digest: last }) });
    const { id } = await start({ source: from("team/parts:1"), targetTags: ["moving/app:1"] });
    await hold.reached;
    const readDone = async (progress: "now" | "stored") =>
      (await listAll({ state: "Copying", progress })).find((view) => view.id === id)?.progress?.blobs.done;

    await expect.poll(() => readDone("now"), { timeout: 20_000 }).toBeGreaterThanOrEqual(8);
    expect(await readDone("stored")).toBe(0);

    hold.release();
    await api.untilState(id, "Succeeded");
  });

  it("pages through all imports, newest first, each once", async () => {
    for (const tag of ["1", "2", "3"]) await api.importAndWait({ source: from(), targetTags: [`listed/app:${tag}`] });

    const ids = (await listAll({ limit: "2" })).map(({ id }) => id);

    expect(ids.length).toBeGreaterThan(3);
    expect(ids).toEqual([...new Set(ids)].sort());
  });

  it("filters by state, registries, trigger and time", async () => {
    const failed = await api.importAndWait({ source: from("team/app:missing") });
    const later = new Date(Date.parse(failed.createdAt) + 3_600_000).toISOString();
    const ids = async (query: Readonly<Record<string, string>>) => (await listAll(query)).map(({ id }) => id);

    expect(await ids({ state: "Failed" })).toContain(failed.id);
    expect((await listAll({ state: "Failed" })).every(({ state }) => state === "Failed")).toBe(true);
    expect(await ids({ state: "Succeeded" })).not.toContain(failed.id);
    expect(await ids({ source: api.source.host, target: api.target.host, trigger: "http" })).toContain(failed.id);
    expect(await ids({ source: api.target.host })).toEqual([]);
    expect(await ids({ trigger: "queue" })).toEqual([]);
    expect(await ids({ since: failed.createdAt, until: later })).toContain(failed.id);
    expect(await ids({ since: later })).toEqual([]);
    expect(await ids({ until: failed.createdAt })).not.toContain(failed.id);
  });

  it("lists unfinished ones from what is open", async () => {
    const { id, release } = await startHeld();

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

describe("POST /api/imports/{id}/cancel", () => {
  it("ends a running import, which leaves no tag", async () => {
    const { id, release } = await startHeld({ targetTags: ["cancelled/app:1"] });

    const response = await api.post(`/api/imports/${id}/cancel`);

    expect(response.status).toBe(202);
    expect(await api.untilState(id, "Cancelled")).not.toHaveProperty("error");
    release();
    expect(api.target.tags("cancelled/app")).toEqual({});
  });

  it("may be repeated", async () => {
    const { id, release } = await startHeld();
    await api.post(`/api/imports/${id}/cancel`);
    await api.untilState(id, "Cancelled");
    release();

    const again = await api.post(`/api/imports/${id}/cancel`);

    expect(again.status).toBe(200);
    expect(await readImport(again)).toMatchObject({ state: "Cancelled" });
  });

  it("is refused once the import has ended otherwise", async () => {
    const { id } = await api.importAndWait({ source: from(), conflict: "overwrite" });

    expect(await readProblem(await api.post(`/api/imports/${id}/cancel`))).toMatchObject({
      status: 409,
      code: "IMPORT_STATE_CONFLICT",
    });
  });
});

describe("DELETE /api/imports/{id}", () => {
  it("is refused while the import runs", async () => {
    const { id, release } = await startHeld();

    const response = await api.delete(`/api/imports/${id}`);
    release();

    expect(await readProblem(response)).toMatchObject({ status: 409, code: "IMPORT_STATE_CONFLICT" });
    await api.untilState(id, "Succeeded");
  });

  it("forgets the import and its parts, and leaves what was copied", async () => {
    const { id } = await api.importAndWait({ source: from(), targetTags: ["kept/app:1"] });

    const statuses = [(await api.delete(`/api/imports/${id}`)).status, (await api.delete(`/api/imports/${id}`)).status];

    expect(statuses).toEqual([204, 404]);
    const rows = Object.values(await api.rows()).flat();
    expect(rows.filter((row) => row.includes(id))).toEqual([]);
    expect(Object.keys(api.target.tags("kept/app"))).toEqual(["1"]);
  });
});

describe("POST /api/imports/{id}/retry", () => {
  const credentials = { username: "u", password: "p" };
  /** An import that fails because its tag is not there. */
  const failing = async (name: string, source: object = {}) =>
    api.importAndWait({
      source: { registryUri: api.source.host, sourceImage: `${name}:1`, ...source },
      targetTags: [`${name}:1`],
    });

  it("begins the next attempt, which succeeds once the cause is gone", async () => {
    const { id } = await failing("retried/app");
    await api.source.seedImage("retried/app", "1", image());

    const response = await api.post(`/api/imports/${id}/retry`);

    expect(response.status).toBe(202);
    const accepted = await readImport(response);
    expect(accepted).toMatchObject({ id, attempt: 2 });
    expect(accepted).not.toHaveProperty("error");
    expect(await api.untilState(id, "Succeeded", "Failed")).toMatchObject({ state: "Succeeded", attempt: 2 });
  });

  it("wants credentials again where the first request had some", async () => {
    const { id } = await failing("secret/app", { credentials });
    await api.source.seedImage("secret/app", "1", image());

    const without = await readProblem(await api.post(`/api/imports/${id}/retry`));
    const withThem = await api.post(`/api/imports/${id}/retry`, { source: { credentials } });

    expect(without).toMatchObject({ status: 409, code: "CREDENTIALS_REQUIRED", property: "source.credentials" });
    expect(withThem.status).toBe(202);
    await api.untilState(id, "Succeeded");
    expect(await api.rows()).not.toHaveProperty("Secrets");
  });

  it("with ?resolve=true takes what the tag points to now, and counts that alone", async () => {
    await api.source.seedImage("moved/app", "1", image({ layers: [500, 600, 700], seed: "old" }));
    api.target.failNext({ kind: "manifest-put" }, 403, "DENIED");
    const failed = await failing("moved/app");
    const moved = await api.source.seedImage("moved/app", "1", image({ layers: [800], seed: "new" }));

    await api.post(`/api/imports/${failed.id}/retry?resolve=true`);
    const record = await api.untilState(failed.id, "Succeeded");

    expect(failed).toMatchObject({ state: "Failed", progress: { blobs: { total: 4, done: 4 } } });
    expect(record).toMatchObject({
      source: { digest: moved.root.digest },
      progress: { manifests: { total: 1 }, blobs: { total: 2, done: 2 } },
    });
  });

  it("keeps the first digest without it", async () => {
    const pinned = await api.source.seedImage("pinned/app", "1", image({ seed: "first" }));
    api.target.failNext({ kind: "manifest-put" }, 403, "DENIED");
    const { id } = await failing("pinned/app");
    await api.source.seedImage("pinned/app", "1", image({ seed: "second" }));

    await api.post(`/api/imports/${id}/retry`);

    expect(await api.untilState(id, "Succeeded")).toMatchObject({ source: { digest: pinned.root.digest } });
  });

  it.each<[object, string]>([
    [{ source: { credentials: { username: "u" } } }, "source.credentials.password"],
    [{ source: {} }, "source.credentials"],
    [{ target: "x" }, "source"],
  ])("refuses the body %j", async (body, property) => {
    const { id } = await failing("refused/app");

    expect(await readProblem(await api.post(`/api/imports/${id}/retry`, body))).toMatchObject({
      status: 400,
      property,
    });
  });

  it("refuses what has not failed, and unknown query parameters", async () => {
    const { id } = await api.importAndWait({ source: from(), conflict: "overwrite" });

    expect(await readProblem(await api.post(`/api/imports/${id}/retry`))).toMatchObject({
      status: 409,
      code: "IMPORT_STATE_CONFLICT",
    });
    expect(await readProblem(await api.post(`/api/imports/${id}/retry?force=1`))).toMatchObject({
      status: 400,
      property: "force",
    });
  });
});
