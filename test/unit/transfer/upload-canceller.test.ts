import { afterEach, describe, expect, it, vi } from "vitest";
import { MiB } from "../../../src/descriptor.ts";
import { digestOf } from "../../../src/digest.ts";
import type { Call } from "../../../src/local/registry/call.ts";
import { startUpload } from "../../../src/registry/uploads.ts";
import { putSmallBlob } from "../../../src/transfer/put-small-blob.ts";
import { failing, hangUp, rateLimited } from "../../helpers/faults-any.ts";
import { startRegistry, type TestRegistry } from "../../helpers/registry.ts";
import { chunky, createKit, holds } from "./transfer-kit.ts";

const never = new AbortController().signal;
const busy = { times: 1, retryAfter: "90" } as const;
const deadlineMs = 5_000;

async function begin(kit: ReturnType<typeof createKit>, target: TestRegistry) {
  const repository = kit.repository(target, "target", "team/app");
  return { repository, session: await startUpload(repository, never) };
}

async function cancelled(target: TestRegistry, ...sessions: readonly (string | undefined)[]): Promise<void> {
  for (const session of sessions) {
    if (session === undefined) throw new Error("there was no session");
    await target.waitForRequest({ kind: "upload-cancel", status: 204, session }, deadlineMs);
  }
}

afterEach(() => {
  vi.restoreAllMocks();
});

const sessionsOf = (target: TestRegistry) => target.openSessions().map(({ id }) => id);

describe("giveUp", () => {
  it("cancels the session before it returns where the registry takes that", async () => {
    await using target = await startRegistry();
    await using kit = createKit();
    const { repository, session } = await begin(kit, target);

    await kit.giveUp(repository, session);

    expect(target.openSessions()).toEqual([]);
  });

  it("cancels after the pause that the registry wants, one session after the other", async () => {
    await using target = await startRegistry({ faults: [rateLimited({ kind: "upload-cancel", ...busy })] });
    await using kit = createKit();
    const begun = [await begin(kit, target), await begin(kit, target), await begin(kit, target)];

    for (const { repository, session } of begun) await kit.giveUp(repository, session);
    const before = sessionsOf(target);
    kit.clock.skip(91_000);
    await cancelled(target, ...before);

    expect(before).toHaveLength(3);
    expect(target.openSessions()).toEqual([]);
    expect(target.countRequests({ kind: "upload-cancel" })).toBe(4);
  });

  it("asks again after six hours at most, whatever the registry wants: timers know no more than 24 days", async () => {
    const forMonths = { times: 1, retryAfter: "3000000" } as const;
    await using target = await startRegistry({ faults: [rateLimited({ kind: "upload-cancel", ...forMonths })] });
    await using kit = createKit();
    const { repository, session } = await begin(kit, target);

    await kit.giveUp(repository, session);
    const before = sessionsOf(target);
    kit.clock.skip(6 * 3_600_000 + 1_000);
    await cancelled(target, ...before);

    expect(target.openSessions()).toEqual([]);
  });

  it("lets no other session wait for one that is never answered", async () => {
    await using target = await startRegistry();
    await using kit = createKit();
    const bad = await begin(kit, target);
    const [stuck] = sessionsOf(target);
    const isStuck = ({ route }: Call) => route.kind === "upload" && route.session === stuck;
    target.addFault(hangUp({ kind: "upload-cancel", when: isStuck }));
    target.addFault(rateLimited({ kind: "upload-cancel", from: 2, ...busy }));
    await kit.giveUp(bad.repository, bad.session);
    const good = await begin(kit, target);
    await kit.giveUp(good.repository, good.session);

    await vi.waitFor(() => {
      kit.clock.skip(600_000);
      expect(sessionsOf(target)).toEqual([stuck]);
    });
  });

  it("lets go of a registry that does not answer for long", async () => {
    await using target = await startRegistry({ faults: [hangUp({ kind: "upload-cancel" })] });
    await using kit = createKit();
    const { repository, session } = await begin(kit, target);

    await kit.giveUp(repository, session);
    await vi.waitFor(() => {
      kit.clock.skip(600_000);
      expect(target.countRequests({ kind: "upload-cancel" })).toBe(10);
    });
    await kit.end();

    expect(target.countRequests({ kind: "upload-cancel" })).toBe(10);
  });

  it("tries once more when the process ends", async () => {
    await using target = await startRegistry({ faults: [failing({ kind: "upload-cancel", status: 500, times: 5 })] });
    await using kit = createKit();
    const { repository, session } = await begin(kit, target);
    await kit.giveUp(repository, session);
    await vi.waitFor(() => expect(target.countRequests({ kind: "upload-cancel", status: 500 })).toBe(5));

    await kit.end();

    expect(target.openSessions()).toEqual([]);
  });
});

const secondChunkThrottled = () => rateLimited({ kind: "upload-patch", from: 2, times: 1, retryAfter: "1" });

describe("the end of the process", () => {
  it("takes no longer than it may where the registry does not answer", async () => {
    await using source = await startRegistry();
    await using target = await startRegistry({ faults: [secondChunkThrottled()] });
    await using kit = createKit({ maxPutBytes: MiB });
    const blob = await source.seedBlob({ sizeBytes: 3 * MiB });
    const { repository, session } = await begin(kit, target);
    await kit.copy(source, target, blob);
    target.setFaults([]);
    const cancelling = target.hold({ kind: "upload-cancel", times: 2 }, "answer");
    vi.spyOn(AbortSignal, "timeout").mockReturnValue(never); // no other time limit ends it

    const givingUp = kit.giveUp(repository, session);
    await cancelling.reached;
    await kit.end(); // gives the paused one up, too
    await givingUp;

    expect(target.openSessions()).toEqual([]);
  });
});

describe("no session stays open", () => {
  it("of a blob whose only request was throttled", async () => {
    await using source = await startRegistry();
    await using target = await startRegistry({ faults: [rateLimited({ kind: "upload-put", ...busy })] });
    await using kit = createKit();
    const blob = await source.seedBlob({ sizeBytes: 1 * MiB });

    const outcome = await kit.copy(source, target, blob);
    const left = sessionsOf(target);
    kit.clock.skip(91_000);
    await cancelled(target, ...left);

    expect(outcome).toMatchObject({ kind: "wait" });
    expect(target.openSessions()).toEqual([]);
  });

  it("of a small blob whose work was cancelled", async () => {
    await using target = await startRegistry();
    await using kit = createKit();
    const bytes = new Uint8Array(10);
    const stop = new AbortController();
    const put = target.hold({ kind: "upload-put" });

    const putting = putSmallBlob(
      kit,
      kit.repository(target, "target", "team/app"),
      { digest: digestOf(bytes), bytes },
      stop.signal,
    );
    await put.reached;
    stop.abort(new Error("cancelled"));

    await expect(putting).rejects.toThrow("cancelled");
    expect(target.openSessions()).toEqual([]);
  });

  /** In chunks since the target takes no larger requests, without a lease: another process would start over. */
  const small = { maxPutBytes: MiB };

  it("of a paused upload that is forgotten for newer ones", async () => {
    await using source = await startRegistry();
    await using target = await startRegistry({
      faults: [secondChunkThrottled()],
    });
    await using kit = createKit({ ...small, liveUploads: 1 });
    const [one, other] = [await source.seedBlob({ sizeBytes: 3 * MiB }), await source.seedBlob({ sizeBytes: 4 * MiB })];

    await kit.copy(source, target, one);
    const [first] = sessionsOf(target);
    target.setFaults([secondChunkThrottled()]);
    await kit.copy(source, target, other);

    expect(sessionsOf(target)).toHaveLength(1);
    expect(sessionsOf(target)).not.toContain(first);
    expect(await kit.copy(source, target, one)).toMatchObject({ kind: "done" });
    expect(await kit.copy(source, target, other)).toMatchObject({ kind: "done" });
    expect(target.openSessions()).toEqual([]);
  });

  it("of a paused upload that only the ending process knows of; one with a checkpoint is kept for the next", async () => {
    await using source = await startRegistry();
    await using target = await startRegistry();
    await using unleased = createKit(small);
    await using leased = createKit(chunky);
    const blob = await source.seedBlob({ sizeBytes: 3 * MiB });

    for (const kit of [unleased, leased]) {
      target.setFaults([secondChunkThrottled()]);
      await kit.copy(source, target, blob);
    }
    const before = target.openSessions().length;
    await unleased.end();
    await leased.end();

    expect(before).toBe(2);
    expect(sessionsOf(target)).toHaveLength(1);
    await using next = createKit(chunky, leased.leases);
    expect(await next.copy(source, target, blob)).toMatchObject({ kind: "done" });
    expect(source.requests.at(-1)?.headers.range).toMatch(/^bytes=1048576-/);
    expect(target.openSessions()).toEqual([]);
  });

  it.each([
    ["without a checkpoint", small],
    ["with one", chunky],
  ])("of chunks that a target took no more, %s: the blob goes whole", async (_, options) => {
    await using source = await startRegistry();
    await using target = await startRegistry({
      faults: [secondChunkThrottled()],
    });
    await using kit = createKit(options);
    const blob = await source.seedBlob({ sizeBytes: 3 * MiB });
    await kit.copy(source, target, blob);
    kit.open(target, "target").learn({ refusesChunks: true });

    const outcome = await kit.copy(source, target, blob);

    expect(outcome).toMatchObject({ kind: "done" });
    expect(await holds(target, blob)).toBe(true);
    expect(target.openSessions()).toEqual([]);
  });

  it("of chunks that would go whole by now: they are gone on with", async () => {
    await using source = await startRegistry();
    await using target = await startRegistry({
      faults: [secondChunkThrottled()],
    });
    await using kit = createKit(small);
    const blob = await source.seedBlob({ sizeBytes: 3 * MiB });
    await kit.copy(source, target, blob);
    kit.open(target, "target").learned.maxPutBytes = 100 * MiB;

    const outcome = await kit.copy(source, target, blob);

    expect(outcome).toMatchObject({ kind: "done", attempts: 1 });
    expect(target.countRequests({ kind: "upload-start" })).toBe(1);
    expect(target.openSessions()).toEqual([]);
  });
});
