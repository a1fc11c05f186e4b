import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parsePlatform } from "../../../src/domain/platform.ts";
import { isCompleteAtTargets } from "../../../src/transfer/complete-at-target.ts";
import { failing } from "../../helpers/faults-any.ts";
import { claimBlob } from "../../helpers/faults-target.ts";
import { multiPlatformImage, schema1Image, type TestImage } from "../../helpers/images.ts";
import { startRegistry, type TestRegistry } from "../../helpers/registry.ts";
import { digestOfCall } from "../../helpers/requests.ts";
import { createKit } from "./transfer-kit.ts";

let target: TestRegistry;
let kit: ReturnType<typeof createKit>;
beforeEach(async () => {
  [target, kit] = [await startRegistry(), createKit()];
});
afterEach(async () => {
  await kit[Symbol.asyncDispose]();
  await target.close();
});

const pushed = multiPlatformImage({ sharedLayers: [50], layers: [10] });
const [, arm64] = pushed.manifests;
const without = ({ blobs, manifests, root }: TestImage, ...digests: readonly (string | undefined)[]): TestImage => ({
  root,
  manifests: manifests.filter(({ digest }) => !digests.includes(digest)),
  blobs: blobs.filter(({ descriptor }) => !digests.includes(descriptor.digest)),
});
const aLayer = pushed.blobs[1]?.descriptor.digest;

/** Whether `image` is complete in `team/app` and in the others that are named. */
function ask(image: TestImage = pushed, others: readonly string[] = [], platform?: string) {
  const names = ["team/app", ...others];
  const spec = {
    sparseIndex: platform !== undefined,
    ...(platform !== undefined && { platforms: [parsePlatform(platform)] }),
  };
  const targets = names.map((name) => kit.repository(target, "target", name));
  return isCompleteAtTargets({ targets, root: image.root.digest, spec }, new AbortController().signal);
}

describe("isCompleteAtTargets", () => {
  it("finds a whole image complete, by one HEAD for each blob", async () => {
    await target.seedImage("team/app", "1", pushed);

    expect(await ask()).toBe(true);
    expect(target.countRequests({ kind: "blob-head" })).toBe(pushed.blobs.length);
    expect(target.countRequests({ kind: "blob-get" })).toBe(0);
  });

  it("takes a blob that the registry tells another size of for missing", async () => {
    await target.seedImage("team/app", "1", pushed);
    target.addFault(claimBlob({ ...(aLayer && { digest: aLayer }), sizeBytes: 7 }));

    expect(await ask()).toBe(false);
  });

  it.each([
    ["a blob", aLayer],
    ["a child", arm64?.digest],
    ["the root itself", pushed.root.digest],
  ])("finds that %s is missing", async (_, digest) => {
    await target.seedImage("team/app", undefined, without(pushed, digest));

    expect(await ask()).toBe(false);
  });

  it.each([
    ["a blob", aLayer],
    ["a child", arm64?.digest],
  ])("finds that %s is missing in another target", async (_, digest) => {
    await target.seedImage("team/app", "1", pushed);
    await target.seedImage("team/other", "1", without(pushed, digest));

    expect(await ask(pushed, ["team/other"])).toBe(false);
    await target.seedImage("team/other", "1", pushed);
    expect(await ask(pushed, ["team/other"])).toBe(true);
  });

  it("does not miss what a sparse index leaves out on purpose", async () => {
    await target.seedImage("team/app", "1", without(pushed, arm64?.digest));

    expect(await ask(pushed, [], "linux/amd64")).toBe(true);
    expect(await ask(pushed, [], "linux/arm64")).toBe(false);
  });

  it("leaves alone what it cannot look into", async () => {
    const old = schema1Image();
    await target.seedImage("team/app", "1", old);

    expect(await ask(old)).toBe(true);
  });

  it("leaves alone what a policy of Harbor does not show (goharbor/harbor#15885)", async () => {
    await target.seedImage("team/app", "1", pushed);
    target.addFault(
      failing({ kind: "manifest-get", when: (call) => digestOfCall(call) === arm64?.digest, status: 412 }),
    );

    expect(await ask()).toBe(true);
  });

  it("throws when the target cannot be asked", async () => {
    await target.seedImage("team/app", "1", pushed);
    target.addFault(failing({ kind: "blob-head", status: 503 }));

    await expect(ask()).rejects.toMatchObject({ code: "TARGET_UNAVAILABLE" });
  });
});
