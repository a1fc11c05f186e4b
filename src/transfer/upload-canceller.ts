import { longestPauseMs } from "../registry/pauses.ts";
import type { Repository } from "../registry/registry.ts";
import { type CancelOutcome, cancelUpload, type UploadSession } from "../registry/uploads.ts";
import { mapConcurrently } from "./map-concurrently.ts";

/**
 * Cancels a session that is given up. Never throws, and keeps nobody for more than 5 s, nor beyond the time that the end
 * of the process has: what is not done by then is done later.
 */
export type GiveUp = (target: Repository, session: UploadSession | undefined) => Promise<void>;

export interface UploadCanceller {
  readonly giveUp: GiveUp;
  /**
   * The process ends: tries once more what could not be cancelled so far. After `ms` nothing of it goes on, nor of what
   * is given up meanwhile.
   */
  readonly close: (ms: number) => Promise<void>;
}

export interface UploadCancellerDeps {
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

const firstTryMs = 5_000;
const laterTryMs = 60_000;
const maxTries = 10; // in a row that a host does not answer: half an hour, and the pauses that it asks for
const maxSessions = 1_000; // what is more, the registries expire
const parallelCancels = 16;

/** Sessions of one host, the oldest first. */
type Line = { readonly target: Repository; readonly session: UploadSession }[];

/**
 * Cancels uploads in the background where their host does not take it at once: a registry that throttles is asked for
 * a pause to be over, one session after the other. On its own time, since what ended the upload may be its signal.
 */
export function createUploadCanceller({ sleep }: UploadCancellerDeps): UploadCanceller {
  const lines = new Map<string, Line>();
  const closing = new AbortController();
  const overdue = new AbortController();
  const working = new Set<Promise<void>>();

  const cancelLine = async (host: string, line: Line, refused: Unanswered): Promise<void> => {
    let outcome: CancelOutcome = refused;
    for (let tries = 1; tries < maxTries; ) {
      if (outcome.kind === "unanswered") await sleep(waitMs(outcome, tries), closing.signal);
      const left = line.shift();
      if (left === undefined) break;
      const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(laterTryMs)]);
      outcome = await cancelUpload(left.target, left.session, signal);
      if (isLeft(outcome)) line.push(left); // behind the others: they need not wait for one that is never answered
      tries = outcome.kind === "answered" ? 1 : tries + 1;
    }
    lines.delete(host);
  };

  const begin = (host: string, line: Line, refused: Unanswered): void => {
    lines.set(host, line);
    const work = cancelLine(host, line, refused)
      .catch(() => undefined) // woken up to end: `close` takes what is left
      .then(() => {
        working.delete(work);
      });
    working.add(work);
  };

  const countSessions = (): number => [...lines.values()].reduce((count, { length }) => count + length, 0);

  return {
    giveUp: async (target, session) => {
      if (session === undefined) return;
      const outcome = await cancelUpload(
        target,
        session,
        AbortSignal.any([overdue.signal, AbortSignal.timeout(firstTryMs)]),
      );
      if (!isLeft(outcome) || closing.signal.aborted || countSessions() >= maxSessions) return;
      const host = target.registry.apiHost;
      const line = lines.get(host);
      if (line === undefined) begin(host, [{ target, session }], outcome);
      else line.push({ target, session });
    },
    close: async (ms) => {
      closing.abort(new Error("the process ends"));
      setTimeout(() => overdue.abort(new Error("the process has no more time")), ms).unref();
      await Promise.all(working);
      const left = [...lines.values()].flat();
      lines.clear();
      await mapConcurrently(left, parallelCancels, async ({ target, session }) => {
        await cancelUpload(target, session, overdue.signal);
      });
    },
  };
}

type Unanswered = Extract<CancelOutcome, { kind: "unanswered" }>;

function isLeft(outcome: CancelOutcome): outcome is Unanswered {
  return outcome.kind === "unanswered" && outcome.isPassing;
}

/** What the registry asks for, up to six hours, and at least 5 s, doubled with each try up to ten minutes. */
function waitMs({ retryAfterSeconds = 0 }: Unanswered, tries: number): number {
  const askedMs = Math.min(retryAfterSeconds * 1_000, longestPauseMs);
  return Math.max(askedMs, Math.min(600_000, 5_000 * 2 ** (tries - 1)));
}
