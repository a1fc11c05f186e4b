import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Digest } from "../../../src/digest.ts";
import { createPlanRepair } from "../../../src/functions/activities/plan-repair.ts";
import { createPublishRoot } from "../../../src/functions/activities/publish-root.ts";
import { createPutTags } from "../../../src/transfer/put-tags.ts";
import { multiPlatformImage } from "../../helpers/images.ts";
import { aRecord } from "../../helpers/import-records.ts";
import { startRegistry, type TestRegistry } from "../../helpers/registry.ts";
import { createTestClient, type TestClient } from "../../helpers/registry-client.ts";

let target: TestRegistry;
let client: TestClient;
beforeEach(async () => {
  [target, client] = [await startRegistry(), createTestClient()];
});
afterEach(async () => {
  await client[Symbol.asyncDispose]();
  await target.close();
});

/** Publishes an index whose children are not at the target. */
async function publishWithoutChildren(sparseIndex: boolean): Promise<unknown> {
  const { root } = multiPlatformImage();
  const { spec } = aRecord({ targetRegistry: target.host });
  const record = aRecord({ targetRegistry: target.host, targetDigest: root.digest });
  const repository = client.repository(target.host, { side: "target", name: "alpine", actions: ["pull", "push"] });
  const stored = { mediaType: root.mediaType, sizeBytes: root.bytes.byteLength, content: root.bytes };
  const readManifests = async (_: unknown, digests: readonly Digest[]) =>
    new Map(digests.includes(root.digest) ? [[root.digest, stored]] : []);
  const repositories = { ofImport: async () => ({ source: repository, targets: [repository] }) };
  const publishRoot = createPublishRoot({
    ...{ parts: { readManifests }, repositories },
    publishManifests: async () => [],
    putTags: createPutTags({ sleep: async () => undefined, maintainReferrers: async () => undefined }),
    assertStored: async () => [],
    planRepair: createPlanRepair({ parts: { readManifests, readBlobs: async () => [] }, repositories }),
  });
  return await publishRoot({ ...record, spec: { ...spec, sparseIndex } }, new AbortController().signal).then(
    () => "published",
    (thrown: unknown) => thrown,
  );
}

describe("publishRoot", () => {
  it("says that a target takes no sparse index", async () => {
    expect(await publishWithoutChildren(true)).toMatchObject({ code: "TARGET_SPARSE_REFUSED", side: "target" });
  });

  it("leaves the error of a whole index as it is", async () => {
    expect(await publishWithoutChildren(false)).toMatchObject({ code: "TARGET_CONTENT_MISSING" });
  });
});
