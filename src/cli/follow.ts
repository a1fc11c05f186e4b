import type { Look } from "./api-call.ts";
import { CliError } from "./cli-error.ts";
import type { CliIo } from "./cli-io.ts";
import type { Display } from "./display.ts";

/** What is followed: its names, and how it is looked at. */
export interface Followed<R> {
  readonly noun: "import" | "promotion";
  /** Commands that take its id. */
  readonly commands: { readonly show: string; readonly cancel: string; readonly list: string };
  readonly hasEnded: (record: R) => boolean;
  readonly look: (id: string, etag: string | undefined, signal: AbortSignal) => Promise<Look<R>>;
}

/** What every record that is followed has. */
export interface FollowedRecord {
  readonly id: string;
  readonly state: string;
}

export interface FollowDeps<R> {
  readonly display: Display<R>;
  readonly io: Pick<CliIo, "now" | "sleep">;
}

/** Aborts a follow whose `--wait` is over; told from Ctrl-C by its class. */
export class WaitOver extends Error {
  override readonly name = "WaitOver";
}

/** Aborts what Ctrl-C ends. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
}

export type FollowOutcome<R> = {
  readonly kind: "ended" | "wait-over" | "interrupted";
  /** As seen last. */
  readonly record: R;
};

export type FirstLook<R> = Look<R> & { readonly record: R };

/**
 * Shows an import or a promotion until it ends, or `signal` is aborted with {@link WaitOver} or {@link Interrupted}.
 *
 * A service that does not answer is waited for (it may be restarting: the work goes on afterwards); after 15 minutes
 * without any answer, or at an answer that will not get better, the CliError of the last look is thrown.
 */
export async function follow<R extends FollowedRecord>(
  deps: FollowDeps<R>,
  followed: Followed<R>,
  first: FirstLook<R>,
  signal: AbortSignal,
): Promise<FollowOutcome<R>> {
  const { noun, commands } = followed;
  let { record, etag, retryAfterSeconds } = first;
  const outage = createOutage(deps, noun);
  try {
    while (!followed.hasEnded(record)) {
      deps.display.show(record);
      await deps.io.sleep(pauseMs(outage.failures() > 0 ? undefined : retryAfterSeconds), signal);
      const look = await outage.guard(() => followed.look(first.record.id, etag, signal));
      if (look === undefined) continue;
      etag = look.etag;
      retryAfterSeconds = look.retryAfterSeconds;
      record = look.record ?? record;
    }
    deps.display.show(record);
    return { kind: "ended", record };
  } catch (thrown) {
    if (thrown instanceof WaitOver) return { kind: "wait-over", record };
    if (thrown instanceof Interrupted) return { kind: "interrupted", record };
    deps.display.note(`lost sight of ${noun} ${record.id}; look at it later: ${commands.show} ${record.id}`);
    throw thrown;
  } finally {
    deps.display.close();
  }
}

const defaultPauseSeconds = 1;
const maxPauseSeconds = 30;
const outageMs = 15 * 60_000;

function pauseMs(retryAfterSeconds: number | undefined): number {
  return Math.min(retryAfterSeconds ?? defaultPauseSeconds, maxPauseSeconds) * 1000 || 100; // 0 asks for a busy loop
}

/** Turns looks that fail for a passing reason into `undefined`, says so once, and gives up after `outageMs`. */
function createOutage<R>({ display, io }: FollowDeps<R>, noun: string) {
  let failures = 0;
  let since = 0;
  return {
    failures: () => failures,
    guard: async (look: () => Promise<Look<R>>): Promise<Look<R> | undefined> => {
      try {
        const seen = await look();
        if (failures > 0) display.note("the service answers again");
        failures = 0;
        return seen;
      } catch (thrown) {
        if (!(thrown instanceof CliError) || !thrown.isPassing) throw thrown;
        if (failures === 0) {
          since = io.now();
          display.note(`${thrown.message}; waiting for it, the ${noun} is not lost`);
        }
        failures += 1;
        if (io.now() - since >= outageMs) throw thrown;
        return undefined;
      }
    },
  };
}
