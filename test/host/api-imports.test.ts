import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { z } from "zod";
import { partPageSchema } from "../../src/domain/part-view.ts";
import { multiPlatformImage } from "../helpers/images.ts";
import { type ImportsApi, startImportsApi } from "./api-support/imports-api.ts";
import { readImport, readProblem } from "./api-support/start-api.ts";

let api: ImportsApi;
beforeAll(async () => {
  api = await startImportsApi();
});
afterAll(() => api[Symbol.asyncDispose]());

describe("POST /api/imports", () => {
  it("answers 202 with the import, where it is and when to look", async () => {
    const response = await api.post("/api/imports", { source: api.from(), targetTags: ["accepted/app:1"] });

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
    const response = await api.post("/api/imports?wait=60", { source: api.from(), targetTags: ["waited/app:1"] });

    expect(response.status).toBe(200);
    expect(response.headers.get("retry-after")).toBeNull();
    expect(await readImport(response)).toMatchObject({
      state: "Succeeded",
      progress: { manifests: { total: 1, done: 1 }, blobs: { total: 3, done: 3 } },
    });
  });

  it("answers 202 when it does not", async () => {
    const hold = api.source.hold({ kind: "manifest-get" });

    const response = await api.post("/api/imports?wait=1", { source: api.from(), targetTags: ["slow/app:1"] });

    expect(response.status).toBe(202);
    const { id, state } = await readImport(response);
    expect(["Accepted", "Resolving"]).toContain(state);
    hold.release();
    await api.untilState(id, "Succeeded");
  });

  it("answers 200 for an import that failed: the request itself was right", async () => {
    const response = await api.post("/api/imports?wait=60", { source: api.from("team/app:missing") });

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
    const request = { source: api.from("some/platforms:1"), targetTags: ["skipped/app:1"], platforms: ["linux/amd64"] };
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

    const { error } = await api.importAndWait({ source: api.from("several/app:1"), ...sparse });

    expect(error).toMatchObject({ code: "TARGET_SPARSE_REFUSED", side: "target", stage: "publish" });
    expect(api.target.tags("sparse/app")).toEqual({});
  });
});

describe("GET /api/imports/{id}", () => {
  it("has an ETag that spares an unchanged answer", async () => {
    const { id } = await api.importAndWait({ source: api.from(), targetTags: ["etag/app:1"] });
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
    const { id, release } = await api.startHeld();
    const running = await api.get(`/api/imports/${id}`);
    release();
    await api.untilState(id, "Succeeded");

    const ended = await api.get(`/api/imports/${id}`, { "if-none-match": running.headers.get("etag") ?? "" });

    expect(running.headers.get("retry-after")).toBe("1");
    expect(ended.status).toBe(200);
    expect(ended.headers.get("retry-after")).toBeNull();
  });

  it("takes an id in lower case", async () => {
    const { id } = await api.importAndWait({ source: api.from(), targetTags: ["lower/app:1"] });

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
    const { id } = await api.importAndWait({ source: api.from(), targetTags: ["parts/app:1", "parts/other:1"] });

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
    const { id } = await api.importAndWait({ source: api.from(), conflict: "overwrite" });

    expect(await readProblem(await api.get(`/api/imports/${id}/parts?${query}`))).toMatchObject({
      status: 400,
      property,
    });
  });

  it("refuses a token that is none", async () => {
    const { id } = await api.importAndWait({ source: api.from(), conflict: "overwrite" });

    const response = await api.get(`/api/imports/${id}/parts?continuationToken=nonsense`);

    expect(await readProblem(response)).toMatchObject({ status: 400, code: "INVALID_REQUEST" });
  });
});
