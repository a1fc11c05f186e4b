import { afterAll, beforeAll, expect, it } from "vitest";
import { createCancelAbandoned } from "../../../../src/functions/housekeeping/cancel-abandoned.ts";
import { startUpload } from "../../../../src/registry/uploads.ts";
import { createSealer, randomSealingKey } from "../../../../src/store/sealing.ts";
import { createUploads } from "../../../../src/store/uploads.ts";
import { type Azurite, openTables, startAzurite } from "../../../helpers/azurite.ts";
import { aDigest } from "../../../helpers/import-records.ts";
import { startRegistry } from "../../../helpers/registry.ts";
import { createTestClient } from "../../../helpers/registry-client.ts";
import { createMemoryLog } from "../memory-stores.ts";

const dayMs = 24 * 3_600_000;
const never = new AbortController().signal;

let azurite: Azurite;
beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite[Symbol.asyncDispose]());

it("gives up at its registry, after a day, what nobody goes on with", async () => {
  await using registry = await startRegistry();
  await using client = createTestClient();
  const target = client.open(client.access(registry.host, { side: "target" }));
  const session = await startUpload(target.repository("team/app", ["pull", "push"]), never);
  let now = new Date();
  const uploads = createUploads(openTables(azurite), {
    now: () => now,
    every: () => () => {},
    sealer: createSealer([randomSealingKey()]),
  });
  const key = { registry: registry.host, repository: "team/app", digest: aDigest("left") };
  const lease = await uploads.acquire(key, "import-1", never);
  if (lease === "busy") throw new Error("the lease is somebody else's");
  await lease.keep(0);
  await lease.save({ ...session, profile: "distribution" });
  const { log, events } = createMemoryLog();
  const cancelAbandoned = createCancelAbandoned({
    ...{ uploads, stopping: never, log, now: () => now },
    repositories: { registryOf: () => target },
  });

  await cancelAbandoned();
  expect(registry.openSessions()).toHaveLength(1); // it may go on within the day
  now = new Date(now.getTime() + dayMs + 120_000);
  await cancelAbandoned();

  expect(registry.openSessions()).toEqual([]);
  expect(events()).toEqual(["upload-abandoned"]);
});
