import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { planViewSchema } from "../../src/domain/plan-view.ts";
import { callableNames } from "../../src/functions/orchestrators/callable.ts";
import { image } from "../helpers/images.ts";
import { type Api, readImport, readProblem, startApi } from "./api-support/start-api.ts";

let api: Api;
beforeAll(async () => {
  api = await startApi();
  await api.source.seedImage("team/app", "1", image());
});
afterAll(() => api[Symbol.asyncDispose]());

const valid = (): Record<string, unknown> => ({
  source: { registryUri: api.source.host, sourceImage: "team/app:1" },
  target: api.target.host,
  targetTags: ["team/app:1"],
  conflict: "overwrite",
});
const writes = () => api.target.requests.filter(({ method }) => method !== "GET" && method !== "HEAD").length;

/** Sends a request that must be refused, and makes sure that nothing has come of it. */
async function refused(path: string, body: unknown, headers: Record<string, string> = {}) {
  const [rowsBefore, writesBefore] = [await api.rows(), writes()];
  const response = await api.post(path, body, headers);
  const problem = await readProblem(response);
  expect(await api.rows()).toEqual(rowsBefore);
  expect(writes()).toBe(writesBefore);
  return problem;
}

describe("a malformed request", () => {
  it.each<[string, (request: Record<string, unknown>) => unknown, string]>([
    ["no source", ({ source: _, ...rest }) => rest, "source"],
    ["a source of another type", (request) => ({ ...request, source: 7 }), "source"],
    ["no image", (request) => ({ ...request, source: { registryUri: "docker.io" } }), "source.sourceImage"],
    ["an unknown property", (request) => ({ ...request, platform: "linux/amd64" }), "platform"],
    [
      "an unknown property inside",
      (request) => ({ ...request, source: { sourceImage: "a.io/b", tag: "1" } }),
      "source.tag",
    ],
    ["a bad tag", (request) => ({ ...request, targetTags: ["team/app:1", "team/app:!"] }), "targetTags[1]"],
    ["an empty target tag", (request) => ({ ...request, targetTags: [""] }), "targetTags[0]"],
    ["an unknown mode", (request) => ({ ...request, conflict: undefined, mode: "force" }), "mode"],
    ["mode and conflict", (request) => ({ ...request, mode: "Force" }), "conflict"],
    ["a platform without architecture", (request) => ({ ...request, platforms: ["linux"] }), "platforms[0]"],
    ["a time that is no number", (request) => ({ ...request, timeoutSeconds: "60" }), "timeoutSeconds"],
    ["a negative time", (request) => ({ ...request, timeoutSeconds: -1 }), "timeoutSeconds"],
    ["labels that are no texts", (request) => ({ ...request, labels: { a: 1 } }), "labels.a"],
    ["sparseIndex without platforms", (request) => ({ ...request, sparseIndex: true }), "sparseIndex"],
  ])("is refused with the property at fault: %s", async (_, change, property) => {
    const problem = await refused("/api/imports", change(valid()));

    expect(problem).toMatchObject({ status: 400, property });
    expect(["INVALID_REQUEST", "INVALID_REFERENCE"]).toContain(problem.code);
    expect(problem.detail).toContain(property);
  });

  it.each(["", "no json", "[]", "null", '"text"', '{"source":', "\u0000"])("is refused: %j", async (body) => {
    expect(await refused("/api/imports", body)).toMatchObject({ status: 400, code: "INVALID_REQUEST" });
  });

  it.each([
    ["/api/imports?wait=1&force=true", "force"],
    ["/api/imports?wait=201", "wait"],
    ["/api/imports?wait=-1", "wait"],
    ["/api/imports?wait=soon", "wait"],
  ])("is refused for its query: %s", async (path, property) => {
    expect(await refused(path, valid())).toMatchObject({ status: 400, code: "INVALID_REQUEST", property });
  });

  it.each(["", "x".repeat(257)])("is refused for its Idempotency-Key: %j", async (key) => {
    expect(await refused("/api/imports", valid(), { "idempotency-key": key })).toMatchObject({ status: 400 });
  });

  it("is refused beyond 30,000 characters, and taken up to there", async () => {
    const text = JSON.stringify(valid());

    expect(await refused("/api/imports", text.padEnd(30_001))).toMatchObject({
      status: 400,
      detail: expect.stringContaining("30001 characters"),
    });
    expect((await api.post("/api/imports?wait=60", text.padEnd(30_000))).status).toBe(200);
  });

  it("never repeats a password", async () => {
    const credentials = { username: "u", password: "hunter2-hunter2", extra: "x" };

    const problem = await refused("/api/imports", { source: { sourceImage: "a.io/b", credentials } });

    expect(JSON.stringify(problem)).not.toContain("hunter2");
  });

  it("of any kind gives no 5xx, and leaves no import behind", { timeout: 120_000 }, async () => {
    const junk = fc.oneof(
      fc.string(),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.constant([]),
      fc.jsonValue({ maxDepth: 2 }),
    );
    const key = fc.oneof(
      fc.constantFrom("source", "target", "targetTags", "platforms", "labels", "dryRun", "mode"),
      fc.string(),
    );
    const path = fc.array(fc.nat(3), { minLength: 1, maxLength: 3 });
    const change = fc.record({ path, kind: fc.constantFrom("replace", "delete", "add"), key, value: junk });

    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
        const body =
          JSON.stringify(changes.reduce<unknown>((value, one) => mutate(value, one, one.path), valid())) ?? "";
        const before = (await api.rows()).Imports ?? [];

        const response = await api.post("/api/imports?wait=60", body);

        expect(response.status, body).toBeLessThan(500);
        if (response.status < 400) {
          await response.body?.cancel();
          return;
        }
        await readProblem(response);
        expect((await api.rows()).Imports ?? [], body).toEqual(before);
      }),
      { numRuns: 150 },
    );
  });
});

interface Change {
  readonly kind: string;
  readonly key: string;
  readonly value: unknown;
}

/** Changes what stands at `path`, whose numbers count properties or elements. */
function mutate(value: unknown, change: Change, [at = 0, ...deeper]: readonly number[]): unknown {
  if (typeof value !== "object" || value === null) return change.value;
  const entries: [string, unknown][] = Object.entries(value);
  const place = entries[at % Math.max(1, entries.length)];
  const inner = place?.[1];
  if (place !== undefined && deeper.length > 0 && typeof inner === "object" && inner !== null) {
    place[1] = mutate(inner, change, deeper);
  } else if (change.kind === "add" || place === undefined) entries.push([change.key, change.value]);
  else if (change.kind === "delete") entries.splice(entries.indexOf(place), 1);
  else place[1] = change.value;
  return Array.isArray(value) ? entries.map(([, element]) => element) : Object.fromEntries(entries);
}

describe("a host that the operator does not allow", () => {
  it.each<[string, () => object]>([
    ["source", () => ({ source: "docker.io/library/alpine:3.20" })],
    ["target", () => ({ target: "elsewhere.example" })],
  ])("is refused as %s", async (side, changes) => {
    expect(await refused("/api/imports", { ...valid(), ...changes() })).toMatchObject({
      status: 403,
      code: "HOST_NOT_ALLOWED",
      side,
    });
  });
});

describe("a dry run", () => {
  const planSchema = z.looseObject({
    dryRun: z.literal(true),
    action: z.string(),
    parts: z.array(z.looseObject({ kind: z.string(), action: z.string() })),
  });

  it("answers with the plan, and writes nothing anywhere", async () => {
    const [rowsBefore, writesBefore] = [await api.rows(), writes()];

    const response = await api.post("/api/imports", { ...valid(), targetTags: ["planned/app:1"], dryRun: true });

    expect(response.status).toBe(200);
    const plan = planSchema.parse(await response.json());
    expect(plan.action).toBe("copy");
    expect(plan.parts.map(({ kind, action }) => `${action} ${kind}`).sort()).toEqual([
      "copy blob",
      "copy blob",
      "copy manifest",
    ]);
    expect(await api.rows()).toEqual(rowsBefore);
    expect(writes()).toBe(writesBefore);
  });

  it("tells mounts from copies, and the import does as it was told", async () => {
    await api.source.seedImage("team/fresh", "1", image({ seed: "no other import has brought it" }));
    const source = `${api.source.host}/team/fresh:1`;
    const request = { ...valid(), source, targetTags: ["first/app:1", "second/app:1"] };

    const response = await api.post("/api/imports", { ...request, dryRun: true });

    const plan = planViewSchema.parse(await response.json());
    const planned = plan.parts.filter(({ kind }) => kind === "blob");
    const ways = planned.map(({ repository, action }) => `${action} into ${repository}`);
    expect(ways.sort()).toEqual([...Array(2).fill("copy into first/app"), ...Array(2).fill("mount into second/app")]);
    expect(plan.work.mount).toEqual({ blobs: 2, bytes: plan.work.copy.bytes });
    const { progress } = await api.importAndWait(request);
    expect(progress?.bytes).toMatchObject({ copied: plan.work.copy.bytes, mounted: plan.work.mount.bytes });
  });

  it("answers with the error that the import would end with", async () => {
    const missing = { ...valid(), source: `${api.source.host}/team/app:missing`, dryRun: true };

    expect(await refused("/api/imports", missing)).toMatchObject({
      status: 422,
      code: "SOURCE_NOT_FOUND",
      side: "source",
    });
  });
});

describe("Idempotency-Key", () => {
  const start = async (key: string, body: object) => api.post("/api/imports", body, { "idempotency-key": key });

  it("gives the same import for the same request, whatever its credentials", async () => {
    const source = { registryUri: api.source.host, sourceImage: "team/app:1" };
    const withCredentials = { ...source, credentials: { username: "u", password: "p" } };

    const first = await readImport(await start("same", valid()));
    const again = await readImport(await start("same", valid()));
    const signedIn = await readImport(await start("same", { ...valid(), source: withCredentials }));

    expect([again.id, signedIn.id]).toEqual([first.id, first.id]);
  });

  it("gives different imports under different keys, and without one", async () => {
    const answers = [await start("one", valid()), await start("two", valid()), await api.post("/api/imports", valid())];

    const ids = await Promise.all(answers.map(async (answer) => (await readImport(answer)).id));
    expect(new Set(ids).size).toBe(3);
  });

  it("gives one import to requests that come at the same time", async () => {
    const answers = await Promise.all(Array.from({ length: 6 }, () => start("at once", valid())));

    const ids = await Promise.all(answers.map(async (answer) => (await readImport(answer)).id));
    expect(new Set(ids).size).toBe(1);
  });

  it("is refused for another request", async () => {
    await start("other", valid());

    const answer = await start("other", { ...valid(), targetTags: ["team/app:2"] });

    expect(answer.status).toBe(422);
    expect(await readProblem(answer)).toMatchObject({ code: "IDEMPOTENCY_KEY_REUSED" });
  });
});

describe("the service", () => {
  it("serves its OpenAPI document", async () => {
    const response = await api.get("/api/openapi.json");

    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ openapi: "3.1.0", paths: { "/api/imports": { post: {} } } });
  });

  it("is healthy, and says so of the registries that the settings name", async () => {
    const response = await api.get("/api/health");

    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      status: "ok",
      storage: { status: "ok", transactions: expect.any(Number) },
      registries: { [api.target.host]: { status: "ok" } },
    });
  });

  it("has registered every name that an orchestrator may call", async () => {
    const listed = z.array(z.looseObject({ name: z.string() })).parse(await (await api.get("/admin/functions")).json());

    expect(listed.map(({ name }) => name)).toEqual(expect.arrayContaining([...callableNames, "importImage"]));
  });
});
