import { describe, expect, it } from "vitest";
import { MiB } from "../../../src/descriptor.ts";
import {
  type BlobToSend,
  defaultTransferSettings,
  learnUploadRate,
  needsCheckpoints,
} from "../../../src/transfer/transfer-settings.ts";
import { createTestClient } from "../../helpers/registry-client.ts";

function blobFrom(client: ReturnType<typeof createTestClient>, host: string, more: Partial<BlobToSend> = {}) {
  const target = client.repository("target.example", { side: "target" });
  return { sizeBytes: 500 * MiB, source: client.repository(host), target, isRepeated: false, ...more };
}

const isInChunks = (blob: BlobToSend) => needsCheckpoints(blob, defaultTransferSettings);

describe("needsCheckpoints", () => {
  it("goes by what was measured between the same two registries", async () => {
    await using client = createTestClient();
    const slow = blobFrom(client, "slow.example");
    const fast = blobFrom(client, "fast.example");

    learnUploadRate(10 * MiB, 10_000, slow); // 1 MiB/s

    expect([isInChunks(slow), isInChunks(fast)]).toEqual([true, false]);
  });

  it("sends in chunks what is repeated, but for blobs of less than one", async () => {
    await using client = createTestClient();
    const sizes = [MiB, MiB + 1];

    const repeated = sizes.map((sizeBytes) => blobFrom(client, "any.example", { sizeBytes, isRepeated: true }));

    expect(repeated.map(isInChunks)).toEqual([false, true]);
  });

  it("sends nothing in chunks to a registry that takes none", async () => {
    await using client = createTestClient();
    const target = client.repository("europe-docker.pkg.dev", { side: "target" });

    expect(isInChunks(blobFrom(client, "any.example", { target, isRepeated: true }))).toBe(false);
  });
});
