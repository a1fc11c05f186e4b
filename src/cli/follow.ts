import { hasEnded } from "../domain/import-record.ts";
import type { ApiClient, ImportLook } from "./api-client.ts";
import type { ImportView } from "./api-records.ts";
import { CliError } from "./cli-error.ts";
import type { CliIo } from "./cli-io.ts";
import type { Display } from "./display.ts";

export interface FollowDeps {
  readonly client: Pick<ApiClient, "getImport">;
  readonly display: Display;
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

export type FollowOutcome = {
  readonly kind: "ended" | "wait-over" | "interrupted";
  /** As seen last. */
  readonly record: ImportView;
};

/**
 * Shows the import until it ends, or `signal` is aborted with {@link WaitOver} or {@link Interrupted}.
 *
 * A service that does not answer is waited for (it may be restarting: the import goes on afterwards); after 15 minutes
 * without any answer, or at an answer that will not get better, the CliError of the last look is thrown.
 */
export async function followImport(deps: FollowDeps, first: FirstLook, signal: AbortSignal): Promise<FollowOutcome> {
  let { record, etag, retryAfterSeconds } = first;
  const outage = createOutage(deps);
  try {
    while (!hasEnded(record.state)) {
      deps.display.show(record);
      await deps.io.sleep(pauseMs(outage.failures() > 0 ? undefined : retryAfterSeconds), signal);
      const look = await outage.guard(() => deps.client.getImport(first.record.id, etag, signal));
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
    deps.display.note(`lost sight of import ${record.id}; look at it later: drayage show ${record.id}`);
    throw thrown;
  } finally {
    deps.display.close();
  }
}

export type FirstLook = ImportLook & { readonly record: ImportView };

const defaultPauseSeconds = 1;
const maxPauseSeconds = 30;
const outageMs = 15 * 60_000;

function pauseMs(retryAfterSeconds: number | undefined): number {
  return Math.min(retryAfterSeconds ?? defaultPauseSeconds, maxPauseSeconds) * 1000 || 100; // 0 asks for a busy loop
}

/** Turns looks that fail for a passing reason into `undefined`, says so once, and gives up after `outageMs`. */
function createOutage({ display, io }: FollowDeps) {
  let failures = 0;
  let since = 0;
  return {
    failures: () => failures,
    guard: async (look: () => Promise<ImportLook>): Promise<ImportLook | undefined> => {
      try {
        const seen = await look();
        if (failures > 0) display.note("the service answers again");
        failures = 0;
        return seen;
      } catch (thrown) {
        if (!(thrown instanceof CliError) || !thrown.isPassing) throw thrown;
        if (failures === 0) {
          since = io.now();
          display.note(`${thrown.message}; waiting for it, the import is not lost`);
        }
        failures += 1;
        if (io.now() - since >= outageMs) throw thrown;
        return undefined;
      }
    },
  };
}
