import { afterAll, beforeAll, expect, it } from "vitest";
import { createHeartbeat } from "../../../src/store/heartbeat.ts";
import { type Azurite, openTables, startAzurite } from "../../helpers/azurite.ts";

let azurite: Azurite;
beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite[Symbol.asyncDispose]());

const at = (minute: number) => new Date(Date.UTC(2026, 2, 1, 12, minute));

it("is not there before a process has moved anything", async () => {
  expect(await createHeartbeat(openTables(azurite)).read()).toBeUndefined();
});

it("keeps the latest of what the processes say, in whatever order they come", async () => {
  const heartbeat = createHeartbeat(openTables(azurite));

  await Promise.all([
    heartbeat.advance({ movedAt: at(10), reachedAt: at(1) }),
    heartbeat.advance({ movedAt: at(9), reachedAt: at(5) }),
  ]);
  await heartbeat.advance({ movedAt: at(8), reachedAt: at(2) });

  expect(await heartbeat.read()).toEqual({ movedAt: at(10), reachedAt: at(5) });
});

it("remembers how far histories are purged, and never falls behind that", async () => {
  const heartbeat = createHeartbeat(openTables(azurite));
  expect(await heartbeat.readPurged()).toBeUndefined();

  await heartbeat.notePurged(at(5));
  await heartbeat.notePurged(at(3));

  expect(await heartbeat.readPurged()).toEqual(at(5));
  expect(await heartbeat.read()).toBeUndefined();
});
