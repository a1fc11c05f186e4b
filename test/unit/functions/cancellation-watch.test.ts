import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ImportId } from "../../../src/domain/import-id.ts";
import { createCancellationWatch, ImportStopped } from "../../../src/functions/cancellation-watch.ts";
import { anImportId } from "../../helpers/import-records.ts";
import { createMemoryLog } from "./memory-stores.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A watch whose storage says what `stopped` holds, and counts how often it is asked. */
function createWatch() {
  const stopped = new Set<ImportId>();
  const state = { polls: 0, isDown: false };
  const book = createMemoryLog();
  const watch = createCancellationWatch({
    readStopped: async () => {
      state.polls += 1;
      if (state.isDown) throw new Error("storage is down");
      return [...stopped];
    },
    pollMs: 2_000,
    log: book.log,
  });
  return { ...watch, stopped, state, book };
}

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

describe("the cancellation watch", () => {
  it("aborts the running activities of a stopped import, and no others", async () => {
    const { watch, stopped } = createWatch();
    const [one, other] = [anImportId(), anImportId()];
    using first = watch(one);
    using second = watch(one);
    using unconcerned = watch(other);

    stopped.add(one);
    await pass(2_000);

    expect(first.signal.reason).toBeInstanceOf(ImportStopped);
    expect(second.signal.aborted).toBe(true);
    expect(unconcerned.signal.aborted).toBe(false);
  });

  it("asks once per interval, however many activities run", async () => {
    const { watch, state } = createWatch();
    using _first = watch(anImportId());
    using _second = watch(anImportId());
    using _third = watch(anImportId());

    await pass(10_000);

    expect(state.polls).toBe(5);
  });

  it("asks nothing while nothing runs, and again when something does", async () => {
    const { watch, state } = createWatch();
    {
      using _running = watch(anImportId());
      await pass(2_000);
    }
    await pass(2_000);
    const whenIdle = state.polls;
    await pass(60_000);
    expect(state.polls).toBe(whenIdle);

    using _again = watch(anImportId());
    await pass(2_000);

    expect(state.polls).toBe(whenIdle + 1);
  });

  it("tells the activities of its own process without waiting for the interval", () => {
    const { watch, notify } = createWatch();
    const id = anImportId();
    using running = watch(id);

    notify(id);

    expect(running.signal.aborted).toBe(true);
  });

  it("leaves an activity alone that has ended", () => {
    const { watch, notify } = createWatch();
    const id = anImportId();
    const ended = watch(id);
    ended[Symbol.dispose]();
    using running = watch(id);

    notify(id);

    expect(ended.signal.aborted).toBe(false);
    expect(running.signal.aborted).toBe(true);
  });

  it("goes on asking when storage was down", async () => {
    const { watch, stopped, state, book } = createWatch();
    const id = anImportId();
    using running = watch(id);
    stopped.add(id);
    state.isDown = true;
    await pass(4_000);
    expect(running.signal.aborted).toBe(false);

    state.isDown = false;
    await pass(2_000);

    expect(running.signal.aborted).toBe(true);
    expect(book.events()).toEqual(["cancellation-poll-failed", "cancellation-poll-failed"]);
  });
});
