import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { refusal } from "../../src/local/registry/call.ts";
import { fault } from "../helpers/faults.ts";
import { image } from "../helpers/images.ts";
import { type ImportsApi, startImportsApi } from "./api-support/imports-api.ts";
import { readImport, readProblem } from "./api-support/start-api.ts";

let api: ImportsApi;
beforeAll(async () => {
  api = await startImportsApi();
});
afterAll(() => api[Symbol.asyncDispose]());

describe("POST /api/imports/{id}/cancel", () => {
  it("ends a running import, which leaves no tag", async () => {
    const { id, release } = await api.startHeld({ targetTags: ["cancelled/app:1"] });

    const response = await api.post(`/api/imports/${id}/cancel`);

    expect(response.status).toBe(202);
    expect(await api.untilState(id, "Cancelled")).not.toHaveProperty("error");
    release();
    expect(api.target.tags("cancelled/app")).toEqual({});
  });

  it("may be repeated", async () => {
    const { id, release } = await api.startHeld();
    await api.post(`/api/imports/${id}/cancel`);
    await api.untilState(id, "Cancelled");
    release();

    const again = await api.post(`/api/imports/${id}/cancel`);

    expect(again.status).toBe(200);
    expect(await readImport(again)).toMatchObject({ state: "Cancelled" });
  });

  it("is refused once the import has ended otherwise", async () => {
    const { id } = await api.importAndWait({ source: api.from(), conflict: "overwrite" });

    expect(await readProblem(await api.post(`/api/imports/${id}/cancel`))).toMatchObject({
      status: 409,
      code: "IMPORT_STATE_CONFLICT",
    });
  });
});

describe("DELETE /api/imports/{id}", () => {
  it("is refused while the import runs", async () => {
    const { id, release } = await api.startHeld();

    const response = await api.delete(`/api/imports/${id}`);
    release();

    expect(await readProblem(response)).toMatchObject({ status: 409, code: "IMPORT_STATE_CONFLICT" });
    await api.untilState(id, "Succeeded");
  });

  it("forgets the import and its parts, and leaves what was copied", async () => {
    const { id } = await api.importAndWait({ source: api.from(), targetTags: ["kept/app:1"] });

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

  describe("of an import that fails when one of its tags was put", () => {
    /** Two tags, of which the second one is refused once the first one is there. */
    const halfTagged = async (name: string) => {
      await api.source.seedImage(name, "1", image({ seed: name }));
      const put = { kind: "manifest-put", repository: name, times: 1 } as const;
      const isPut = Promise.withResolvers<void>();
      api.target.addFault(
        fault("tells of the first tag", { ...put, reference: "1" }, async (call, next) => {
          const answer = await next(call);
          isPut.resolve();
          return answer;
        }),
      );
      api.target.addFault(
        fault("refuses the second tag", { ...put, reference: "2" }, async () => {
          await isPut.promise;
          return refusal(403, "DENIED", "no");
        }),
      );
      const failed = await api.importAndWait({
        source: api.from(`${name}:1`),
        targetTags: [`${name}:1`, `${name}:2`],
        conflict: "fail",
      });
      expect(failed).toMatchObject({ state: "Failed", error: { code: "TARGET_FORBIDDEN" } });
      expect(Object.keys(api.target.tags(name))).toEqual(["1"]);
      return failed.id;
    };

    it("takes that one as its own, also where no tag may exist", async () => {
      const id = await halfTagged("half/app");

      await api.post(`/api/imports/${id}/retry`);

      expect(await api.untilState(id, "Succeeded", "Failed")).toMatchObject({ state: "Succeeded", attempt: 2 });
      expect(Object.keys(api.target.tags("half/app"))).toEqual(["1", "2"]);
    });

    it("is refused a tag that somebody else has moved meanwhile", async () => {
      const id = await halfTagged("half/moved");
      await api.target.seedImage("half/moved", "1", image({ seed: "of somebody else" }));

      await api.post(`/api/imports/${id}/retry`);

      const error = { code: "TARGET_TAG_EXISTS" };
      expect(await api.untilState(id, "Succeeded", "Failed")).toMatchObject({ state: "Failed", error });
    });
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
    const { id } = await api.importAndWait({ source: api.from(), conflict: "overwrite" });

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
