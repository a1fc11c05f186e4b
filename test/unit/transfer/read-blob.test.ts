import { expect, it } from "vitest";
import { readBlob } from "../../../src/transfer/read-blob.ts";
import { corruptByte, truncateBody } from "../../helpers/faults-source.ts";
import { startRegistry } from "../../helpers/registry.ts";
import { createTestClient, thrownBy } from "../../helpers/registry-client.ts";

const never = new AbortController().signal;

async function seedConfig() {
  const registry = await startRegistry();
  const client = createTestClient();
  const { digest, sizeBytes, content } = await registry.seedBlob({ repository: "team/app", sizeBytes: 1_000 });
  const descriptor = { mediaType: "application/vnd.oci.image.config.v1+json", digest, size: sizeBytes };
  return {
    registry,
    content,
    read: () => readBlob(client.repository(registry.host), descriptor, never),
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
    },
  };
}

it("asks again for a config that breaks off", async () => {
  await using world = await seedConfig();
  world.registry.addFault(truncateBody({ afterBytes: 10, times: 2 }));

  expect(await world.read()).toEqual(Buffer.from(world.content));
  expect(world.registry.countRequests({ kind: "blob-get" })).toBe(3);
});

it("refuses a config that is not what its digest says, once", async () => {
  await using world = await seedConfig();
  world.registry.addFault(corruptByte({ atBytes: 10 }));

  expect(await thrownBy(world.read)).toMatchObject({ code: "SOURCE_CONTENT_CORRUPT", retryable: false });
  expect(world.registry.countRequests({ kind: "blob-get" })).toBe(1);
});
