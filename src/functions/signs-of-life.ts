import type { ImportRecord } from "../domain/import-record.ts";
import { scrub } from "../errors.ts";
import type { Heartbeat } from "../store/heartbeat.ts";
import type { Open } from "../store/open.ts";
import type { Log } from "./log.ts";

export interface SignsOfLifeDeps {
  readonly heartbeat: Pick<Heartbeat, "advance">;
  readonly open: Pick<Open, "noteAlive">;
  readonly log: Log;
  readonly now: () => Date;
}

/**
 * What running steps leave behind so that an import which waits can be told from one that is stuck. None of it throws:
 * a sign that could not be left is none.
 */
export interface SignsOfLife {
  /** A step of this import has begun: all that was queued before it has had its turn. */
  readonly begun: (record: ImportRecord) => Promise<void>;
  /** Bytes of some import have moved. */
  readonly moved: () => Promise<void>;
  /** A step of this import has ended and is to be called again, and nothing else tells of it. */
  readonly paused: (record: ImportRecord) => Promise<void>;
}

/** Of a process: it tells of itself once a minute at most, and not before its first minute is over. */
const tellMs = 60_000;
/** Younger imports are not suspected of anything, and most end within it: these cost no transaction. */
const youngMs = 5 * 60_000;

/** One per process. */
export function createSignsOfLife({ heartbeat, open, log, now }: SignsOfLifeDeps): SignsOfLife {
  let dueMs = now().getTime() + tellMs;
  let reachedMs = 0;

  const quietly = async (work: Promise<void>) => {
    try {
      await work;
    } catch (thrown) {
      log("sign-of-life-failed", { error: scrub(String(thrown)) });
    }
  };
  const moved: SignsOfLife["moved"] = async () => {
    const nowMs = now().getTime();
    if (nowMs < dueMs) return;
    dueMs = nowMs + tellMs;
    await quietly(heartbeat.advance({ movedAt: new Date(nowMs), reachedAt: new Date(Math.min(reachedMs, nowMs)) }));
  };
  return {
    moved,
    begun: async (record) => {
      reachedMs = Math.max(reachedMs, queuedMs(record));
      await moved();
    },
    paused: async (record) => {
      if (now().getTime() - queuedMs(record) >= youngMs) await quietly(open.noteAlive(record.id, now()));
    },
  };
}

/** The step was queued then or later: the first one when the import was accepted, others after the first had begun. */
function queuedMs({ startedAt, createdAt }: ImportRecord): number {
  return Date.parse(startedAt ?? createdAt);
}
