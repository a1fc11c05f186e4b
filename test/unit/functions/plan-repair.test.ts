import { describe, expect, it } from "vitest";
import type { Digest } from "../../../src/digest.ts";
import type { ImportRecord } from "../../../src/domain/import-record.ts";
import { ImportError, type UpstreamError } from "../../../src/errors.ts";
import { createPlanRepair } from "../../../src/functions/activities/plan-repair.ts";
import { multiPlatformImage, type TestManifest } from "../../helpers/images.ts";
import { aRecord } from "../../helpers/import-records.ts";
import { createTestClient } from "../../helpers/registry-client.ts";

const pushed = multiPlatformImage({ sharedLayers: [50], layers: [10, 20] });
const [amd64, arm64] = pushed.manifests;

interface Refusal {
  readonly manifest?: TestManifest;
  readonly repository?: string;
  /** What the registry has named. */
  readonly named?: readonly Digest[];
}

/** What is planned when the target has refused manifests of `pushed`, whose parts are stored but for `unknown`. */
async function plan(refusals: readonly Refusal[], record: ImportRecord = theImport(), unknown: readonly Digest[] = []) {
  await using client = createTestClient();
  const repository = (name: string) => client.repository("t.example", { side: "target", name });
  const isKnown = (digest: Digest) => !unknown.includes(digest);
  const planRepair = createPlanRepair({
    parts: {
      readManifests: async (_, digests) =>
        new Map(
          pushed.manifests
            .filter(({ digest }) => digests.includes(digest) && isKnown(digest))
            .map(({ digest, mediaType, bytes }) => [
              digest,
              { mediaType, sizeBytes: bytes.byteLength, content: bytes },
            ]),
        ),
      readBlobs: async () =>
        [0, 1].flatMap((target) =>
          pushed.blobs
            .filter(({ descriptor }) => isKnown(descriptor.digest))
            .map(({ descriptor: { digest, mediaType, size: sizeBytes } }) => {
              return { kind: "blob" as const, target, digest, mediaType, sizeBytes, state: "pending" as const };
            }),
        ),
    },
    repositories: { ofImport: async () => ({ source: repository("team/app"), targets: [] }) },
  });
  const refused = refusals.map(({ manifest = pushed.root, repository: name = "alpine", named = [] }) => ({
    target: repository(name),
    manifest,
    error: refusalOf(named),
  }));
  return await planRepair(record, refused, new AbortController().signal);
}

function theImport(spec: Partial<ImportRecord["spec"]> = {}, more: Partial<ImportRecord> = {}): ImportRecord {
  const record = aRecord(more);
  const target = { ...record.spec.target, untaggedRepositories: ["mirror"] };
  return { ...record, spec: { ...record.spec, target, ...spec } };
}

function refusalOf(digests: readonly Digest[]): ImportError {
  const upstream: UpstreamError[] = digests.map((digest) => ({
    code: "MANIFEST_BLOB_UNKNOWN",
    message: "unknown",
    digest,
  }));
  return new ImportError({
    ...{ code: "TARGET_CONTENT_MISSING", side: "target", registry: "t.example", stage: "publish" },
    what: "blob unknown",
    ...(upstream.length > 0 && { upstream }),
  });
}

const aLayer = pushed.blobs[1]?.descriptor.digest;
const planned = ({ repair }: Awaited<ReturnType<typeof plan>>) => repair.units.flatMap(({ blobs }) => blobs);

describe("planRepair", () => {
  it("brings in what the target has named, and no more", async () => {
    const lost = aLayer;
    if (lost === undefined || amd64 === undefined) throw new Error("the image has no layer");

    const outcome = await plan([{ manifest: amd64, named: [lost] }]);

    expect(planned(outcome)).toMatchObject([{ digest: lost, targets: [0] }]);
    expect(outcome.repair.levels).toEqual([]);
    expect(outcome.error).toMatchObject({ code: "TARGET_CONTENT_MISSING", digest: lost });
  });

  it("brings in all that a manifest refers to where the target names nothing", async () => {
    const outcome = await plan([{}]);

    expect(new Set(planned(outcome).map(({ digest }) => digest))).toEqual(
      new Set(pushed.blobs.map(({ descriptor }) => descriptor.digest)),
    );
    expect(outcome.repair.levels).toEqual([[amd64?.digest, arm64?.digest]]);
    expect(outcome.error.digest).toBe(pushed.root.digest);
  });

  it("does not trust a list that may have been cut", async () => {
    const named = pushed.blobs.slice(0, 5).map(({ descriptor }) => descriptor.digest);
    expect(named).toHaveLength(5);

    expect(planned(await plan([{ named }]))).toHaveLength(pushed.blobs.length);
  });

  it("brings a child in again with its blobs, when the target names the child", async () => {
    if (amd64 === undefined) throw new Error("the index has no child");

    const outcome = await plan([{ named: [amd64.digest] }]);

    expect(outcome.repair.levels).toEqual([[amd64.digest]]);
    expect(planned(outcome)).toHaveLength(4); // config, a shared layer and two of its own
  });

  it("sends a blob once for all repositories that have refused it", async () => {
    const outcome = await plan([{ repository: "mirror" }, { repository: "alpine" }]);

    expect(planned(outcome)).toHaveLength(pushed.blobs.length);
    for (const { targets } of planned(outcome)) expect(targets).toEqual([0, 1]);
  });

  it("lets what it brings in be read again where every blob is", async () => {
    const full = await plan([{}], theImport({ verify: "full" }));

    expect(full.repair.verify).toEqual(full.repair.units);
    expect((await plan([{}])).repair).not.toHaveProperty("verify");
  });

  it("leaves out what the import has left out: it has no rows of that", async () => {
    const foreign = aLayer;
    if (foreign === undefined || arm64 === undefined) throw new Error("the image has no layer");

    const outcome = await plan([{}], theImport(), [foreign, arm64.digest]);

    expect(planned(outcome).map(({ digest }) => digest)).not.toContain(foreign);
    expect(outcome.repair.levels).toEqual([[amd64?.digest]]);
  });

  it("tells that a sparse index is refused, rather than to bring in what was left out on purpose", async () => {
    if (arm64 === undefined) throw new Error("the index has no second child");
    const sparse = theImport({ sparseIndex: true }, { targetDigest: pushed.root.digest });
    const refusal = { code: "TARGET_SPARSE_REFUSED" };

    await expect(plan([{}], sparse)).rejects.toMatchObject(refusal);
    await expect(plan([{ named: [arm64.digest] }], sparse, [arm64.digest])).rejects.toMatchObject(refusal);
  });
});
