import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MiB } from "../../src/descriptor.ts";
import { startAzurite, uniquePrefix } from "../helpers/azurite.ts";
import { corruptByte, truncateBody } from "../helpers/faults-source.ts";
import { claimBlob } from "../helpers/faults-target.ts";
import { image, multiPlatformImage, type TestImage } from "../helpers/images.ts";
import { startRegistry, type TestRegistry } from "../helpers/registry.ts";
import { type Service, settingsFor, startService } from "../helpers/service.ts";
import { expectImage } from "./world.ts";

/** What an import makes of a target that does not have, or does not serve, what it was believed to have. */

const cleanup = new AsyncDisposableStack();
let source: TestRegistry;
let target: TestRegistry;
/** By how blobs travel: in one activity each, or in chunks beside the others. */
const services = new Map<string, Service>();

beforeAll(async () => {
  const { connectionString } = cleanup.use(await startAzurite());
  source = cleanup.use(await startRegistry());
  target = cleanup.use(await startRegistry());
  for (const [name, more] of [
    ["whole", {}],
    ["chunked", { LARGE_BLOB_BYTES: String(MiB) }],
  ] as const) {
    const directory = await mkdtemp(join(tmpdir(), "verify-"));
    cleanup.defer(() => rm(directory, { recursive: true, force: true }));
    const settings = settingsFor(
      { source: source.host, target: target.host },
      { TABLE_PREFIX: uniquePrefix(), ...more },
    );
    services.set(name, cleanup.use(await startService({ directory, storage: connectionString, settings })));
  }
});
afterAll(() => cleanup.disposeAsync());

function largestOf({ blobs }: TestImage) {
  return blobs.reduce((a, b) => (a.descriptor.size > b.descriptor.size ? a : b)).descriptor;
}

describe.each(["whole", "chunked"])("an import whose blobs travel %s", (how) => {
  const importImage = (repository: string, request: object = {}) =>
    services.get(how)?.importAndWait({ source: `${source.host}/${repository}:1`, target: target.host, ...request });
  const seed = async (name: string) => {
    const repository = `${how}/${name}`;
    const pushed = multiPlatformImage({ sharedLayers: [3_000_000], layers: [20_000], seed: repository });
    await source.seedImage(repository, "1", pushed);
    return { repository, pushed };
  };

  it("reads every blob again where verify is full, also what was there before", async () => {
    const { repository, pushed } = await seed("full");
    const [there] = pushed.blobs;
    if (there === undefined) throw new Error("the image has no blob");
    await target.seedBlob({ repository, content: there.content });

    const view = await importImage(repository, { verify: "full" });

    const bytes = pushed.blobs.reduce((sum, { descriptor }) => sum + descriptor.size, 0);
    expect(view).toMatchObject({
      state: "Succeeded",
      verify: "full",
      progress: { verified: { blobs: pushed.blobs.length, bytes } },
    });
    const read = target.requests.filter((one) => one.kind === "blob-get" && one.repository === repository);
    expect(new Set(read.map(({ digest }) => digest)).size).toBe(pushed.blobs.length);
    const parts = await services.get(how)?.parts(view?.id ?? "");
    expect(parts?.filter(({ kind }) => kind === "blob").every(({ isVerified }) => isVerified)).toBe(true);
  });

  it("sends a blob again that the target has damaged", async () => {
    const { repository, pushed } = await seed("damaged");
    const { digest } = largestOf(pushed);
    target.addFault(corruptByte({ repository, digest, atBytes: 1_000, times: 1 }));

    const view = await importImage(repository, { verify: "full" });

    expect(view).toMatchObject({ state: "Succeeded", progress: { verified: { blobs: pushed.blobs.length } } });
    await expectImage(target, repository, pushed, "1");
    const puts = { kind: "upload-put", repository, digest, status: 201 } as const;
    expect(target.countRequests(puts)).toBe(2);
  });

  it("sends a blob again that breaks off at the target whenever it is read", async () => {
    const { repository, pushed } = await seed("broken-off");
    const { digest } = largestOf(pushed);
    target.addFault(truncateBody({ repository, digest, afterBytes: 100_000, times: 4 }));

    const view = await importImage(repository, { verify: "full" });

    expect(view).toMatchObject({ state: "Succeeded", progress: { verified: { blobs: pushed.blobs.length } } });
    await expectImage(target, repository, pushed, "1");
    expect(target.countRequests({ kind: "upload-put", repository, digest, status: 201 })).toBe(2);
  });

  it("tags nothing that the target serves damaged for the second time", async () => {
    const { repository, pushed } = await seed("rotten");
    const { digest } = largestOf(pushed);
    target.addFault(corruptByte({ repository, digest, atBytes: 1_000 }));

    const view = await importImage(repository, { verify: "full" });

    const error = { code: "TARGET_CONTENT_CORRUPT", side: "target", digest, retryable: false };
    expect(view).toMatchObject({ state: "Failed", error });
    expect(target.tags(repository)).toEqual({});
  });

  it("sends a blob that the target only claimed to have", async () => {
    const { repository, pushed } = await seed("claimed");
    const { digest, size } = largestOf(pushed);
    target.addFault(claimBlob({ repository, digest, sizeBytes: size }));

    const view = await importImage(repository);

    expect(view).toMatchObject({ state: "Succeeded" });
    await expectImage(target, repository, pushed, "1");
  });

  it("publishes a child again that went while its index was being published", async () => {
    const { repository, pushed } = await seed("child");
    const [child] = pushed.manifests;
    if (child === undefined) throw new Error("the index has no child");
    await target.seedImage(repository, undefined, { ...pushed, manifests: [child] });
    const { reached, release } = target.hold({ kind: "manifest-put", repository, reference: "1" }, "request");
    const importing = importImage(repository);
    await reached;
    const deleted = await fetch(`${target.url}/v2/${repository}/manifests/${child.digest}`, { method: "DELETE" });
    expect(deleted.status).toBe(202);
    release();

    expect(await importing).toMatchObject({ state: "Succeeded" });

    await expectImage(target, repository, pushed, "1");
  });
});

it("re-reads what it has put by digest only", async () => {
  const repository = "by/digest";
  const pushed = image({ layers: [1_000], seed: repository });
  await source.seedImage(repository, "1", pushed);

  const view = await services.get("whole")?.importAndWait({
    source: `${source.host}/${repository}:1`,
    target: target.host,
    untaggedTargetRepositories: [repository],
  });

  expect(view).toMatchObject({ state: "Succeeded" });
  const { digest } = pushed.root;
  expect(target.countRequests({ kind: "manifest-get", repository, digest })).toBe(1);
});
