import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { verificationSchema } from "../../src/domain/verification.ts";
import { multiPlatformImage } from "../helpers/images.ts";
import { type Api, readProblem, startApi } from "./api-support/start-api.ts";

let api: Api;
const pushed = multiPlatformImage({ layers: [4_000], attestations: "perPlatform" });
beforeAll(async () => {
  api = await startApi();
  await api.source.seedImage("team/app", "1", pushed);
});
afterAll(() => api[Symbol.asyncDispose]());

const references = (repository: string) => ({
  source: `${api.source.host}/team/app:1`,
  target: `${api.target.host}/${repository}:1`,
});
async function verify(body: object) {
  const response = await api.post("/api/verify", body);
  expect(response.status).toBe(200);
  return verificationSchema.parse(await response.json());
}

describe("POST /api/verify", () => {
  it("finds that what was imported is the same to its last byte", async () => {
    await api.importAndWait({ source: references("").source, targetTags: ["team/copy:1"], verify: "none" });

    const found = await verify({ ...references("team/copy"), full: true });

    expect(found).toMatchObject({
      same: true,
      differences: [],
      source: { repository: "team/app", reference: "1", digest: pushed.root.digest },
      target: { repository: "team/copy", reference: "1", digest: pushed.root.digest },
      checked: { manifests: 2 * pushed.manifests.length },
    });
    expect(found.checked.bytes).toBeGreaterThan(8_000);
  });

  it("compares an import of some platforms by those", async () => {
    const platforms = ["linux/arm64"];
    await api.importAndWait({ source: references("").source, targetTags: ["team/some:1"], platforms });

    expect(await verify(references("team/some"))).toMatchObject({ same: false });
    expect(await verify({ ...references("team/some"), platforms })).toMatchObject({ same: true, differences: [] });
  });

  it("answers with what the target lacks, and stores nothing of the request", async () => {
    const stored = async () => {
      const { Imports, Open, Secrets } = await api.rows();
      return { Imports, Open, Secrets };
    };
    const before = await stored();
    const [registryUri, sourceImage] = [api.source.host, "team/app:1"];
    const credentials = { username: "ci", password: "s3cret" };

    const found = await verify({ ...references("team/none"), source: { registryUri, sourceImage, credentials } });

    expect(found).toMatchObject({ same: false, differences: [{ kind: "missing", path: "image" }] });
    expect(found.target.digest).toBeUndefined();
    expect(await stored()).toEqual(before);
  });

  it("compares two repositories of a registry that is allowed as a target only", async () => {
    await api.target.seedImage("team/one", "1", pushed);
    await api.target.seedImage("team/two", "1", pushed);

    const [source, target] = ["one", "two"].map((name) => `${api.target.host}/team/${name}:1`);

    expect(await verify({ source, target })).toMatchObject({ same: true });
  });

  it.each([
    ["a host that is not allowed", { target: "10.0.0.1:5000/team/app:1" }, 403, "HOST_NOT_ALLOWED"],
    ["a property that there is not", { target: "x.example/a:1", conflict: "fail" }, 400, "INVALID_REQUEST"],
  ])("refuses %s", async (_, change, status, code) => {
    const problem = await readProblem(await api.post("/api/verify", { ...references("team/app"), ...change }));

    expect(problem).toMatchObject({ status, code });
  });

  it("answers with the registry's refusal where the source is not there", async () => {
    const body = { ...references("team/app"), source: `${api.source.host}/team/none:1` };

    expect(await readProblem(await api.post("/api/verify", body))).toMatchObject({
      status: 422,
      code: "SOURCE_NOT_FOUND",
    });
  });
});
