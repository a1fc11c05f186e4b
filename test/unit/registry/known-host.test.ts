import { describe, expect, it } from "vitest";
import type { HostFacts } from "../../../src/registry/host-board.ts";
import { createKnownHost } from "../../../src/registry/known-host.ts";
import type { RegistryAccess } from "../../../src/registry/registry.ts";
import { createFakeClock, emptyBoard } from "../../helpers/registry-client.ts";

const never = new AbortController().signal;
const dayMs = 24 * 3_600_000;
const refusals = { maxPutBytes: 1_000_000, refusesChunks: true };
const access: RegistryAccess = {
  side: "target",
  registry: "r.example",
  stage: "copy",
  credentials: { kind: "anonymous" },
  insecure: false,
};

/** A host of a process whose table of notes always says `noted`. */
function create(noted: HostFacts = {}) {
  const clock = createFakeClock();
  const board = { ...emptyBoard, read: async () => ({ pauses: [], facts: noted }) };
  const limits = { requestsPerHost: 1, connectionsPerHost: 1, maxWaitSeconds: 60, limitShares: 1 };
  return { clock, host: createKnownHost({ host: "r.example", board, ...limits, ...clock }) };
}

describe("what a host has refused", () => {
  it("is tried again after a day, since what stood before the registry may be gone", async () => {
    const { clock, host } = create();
    await host.sync(never);
    host.learn(refusals);

    clock.advance(dayMs - 1);
    await host.sync(never);
    await host.sync(never); // the first one does not wait for its answer
    const before = { ...host.learned };
    clock.advance(5_000);
    await host.sync(never);
    await host.sync(never);

    expect(before).toMatchObject(refusals);
    expect(host.learned).toMatchObject({ maxPutBytes: undefined, refusesChunks: false });
    expect(host.profileOf(access).chunkBytes).toBeGreaterThan(0);
  });

  it("is forgotten no sooner where the time of day is set", async () => {
    const { clock, host } = create();
    await host.sync(never);
    host.learn(refusals);

    clock.setBack(-2 * dayMs);
    clock.advance(5_000);
    await host.sync(never);
    await host.sync(never);

    expect(host.learned).toMatchObject(refusals);
  });

  it("holds as long as the notes of the processes say so", async () => {
    const { clock, host } = create(refusals);
    await host.sync(never);

    clock.advance(2 * dayMs);
    await host.sync(never);
    await host.sync(never);

    expect(host.learned).toMatchObject(refusals);
    expect(host.profileOf(access).chunkBytes).toBe(0);
  });
});
