import { afterAll, beforeAll, expect, it } from "vitest";
import { createCancelAbandoned } from "../../../../src/functions/housekeeping/cancel-abandoned.ts";
import { refusal } from "../../../../src/local/registry/call.ts";
import { startUpload } from "../../../../src/registry/uploads.ts";
import { createSealer, randomSealingKey } from "../../../../src/store/sealing.ts";
import { createUploads } from "../../../../src/store/uploads.ts";
import { type Azurite, openTables, startAzurite } from "../../../helpers/azurite.ts";
import { fault } from "../../../helpers/faults.ts";
import { aDigest } from "../../../helpers/import-records.ts";
import { startRegistry, type TestRegistry } from "../../../helpers/registry.ts";
import { createTestClient } from "../../../helpers/registry-client.ts";
import { createMemoryLog } from "../memory-stores.ts";

const dayMs = 24 * 3_600_000;
const isOver = () => false;
const never = new AbortController().signal;

let azurite: Azurite;
beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite[Symbol.asyncDispose]());

/** A session at a registry for each blob, which an import has left, a day and some minutes ago as the returned clock goes on. */
async function leaveUpload(
  registry: TestRegistry,
  client: ReturnType<typeof createTestClient>,
  ...names: [string, ...string[]]
) {
  const target = client.open(client.access(registry.host, { side: "target" }));
  let now = new Date();
  const uploads = createUploads(openTables(azurite), {
    now: () => now,
    every: () => () => {},
    sealer: createSealer([randomSealingKey()]),
  });
  const key = { registry: registry.host, repository: "team/app", digest: aDigest(names[0]) };
  for (const name of names) {
    const session = await startUpload(target.repository("team/app", ["pull", "push"]), never);
    const lease = await uploads.acquire({ ...key, digest: aDigest(name) }, "import-1", never);
    if (lease === "busy") throw new Error("the lease is somebody else's");
    await lease.keep(0);
    await lease.save({ ...session, profile: "distribution" });
  }
  const { log, events } = createMemoryLog();
  const cancelAbandoned = createCancelAbandoned({
    ...{ uploads, stopping: never, log, now: () => now },
    repositories: { registryOf: () => target },
  });
  const passDay = () => {
    now = new Date(now.getTime() + dayMs + 120_000);
  };
  return { uploads, key, cancelAbandoned, passDay, events, now: () => now };
}

it("gives up at its registry, after a day, what nobody goes on with", async () => {
  await using registry = await startRegistry();
  await using client = createTestClient();
  const { cancelAbandoned, passDay, events } = await leaveUpload(registry, client, "left");

  await cancelAbandoned(isOver);
  expect(registry.openSessions()).toHaveLength(1); // it may go on within the day
  passDay();
  await cancelAbandoned(isOver);

  expect(registry.openSessions()).toEqual([]);
  expect(events()).toEqual(["upload-abandoned"]);
  passDay();
  await cancelAbandoned(isOver);
  expect(events()).toHaveLength(1); // it is forgotten
});

it("finds again what a crash has kept it from giving up", async () => {
  await using registry = await startRegistry();
  await using client = createTestClient();
  const { uploads, key, cancelAbandoned, passDay, events, now } = await leaveUpload(registry, client, "crashed");
  passDay();
  for await (const { target } of uploads.takeAbandoned(now())) {
    expect(target.repository).toBe("team/app");
    expect(await uploads.acquire(key, "import-2", never)).toBe("busy"); // nobody goes on with what is being cancelled
    break; // here the process ends
  }

  passDay();
  await cancelAbandoned(isOver);

  expect(registry.openSessions()).toEqual([]);
  expect(events()).toEqual(["upload-abandoned"]);
});

it("forgets what its registry knows no more, and tries again where that does not answer", async () => {
  let isAway = true;
  const away = fault("away", { kind: "upload-cancel" }, async () => refusal(isAway ? 503 : 404, "UNKNOWN", "no"));
  await using registry = await startRegistry({ faults: [away] });
  await using client = createTestClient();
  const { cancelAbandoned, passDay, events } = await leaveUpload(registry, client, "away");

  passDay();
  await cancelAbandoned(isOver);
  expect(events()).toEqual([]);
  isAway = false;
  passDay();
  await cancelAbandoned(isOver);

  expect(events()).toEqual(["upload-abandoned"]);
});

it("goes on with no further one where the time for it is over", async () => {
  await using registry = await startRegistry();
  await using client = createTestClient();
  const { cancelAbandoned, passDay } = await leaveUpload(registry, client, "first", "second");
  passDay();

  expect(await cancelAbandoned(() => true)).toBe(1);

  expect(registry.openSessions()).toHaveLength(1);
});
