import type { DurablePort } from "../durable-port.ts";
import type { Log } from "../log.ts";

export interface EveryMinuteDeps {
  /** What is done, by names for the log. */
  readonly tasks: Readonly<Record<string, (durable: DurablePort) => Promise<void>>>;
  /** Tells that all of it was done: an alert fires where that is missing. */
  readonly beat: () => void;
  readonly log: Log;
}

/**
 * All that is done each minute, as one function: on Flex Consumption each function with a timer has instances of its own,
 * and each run of it is billed as a second at least. Tasks run side by side; one that fails stops no other.
 */
export function createEveryMinute({ tasks, beat, log }: EveryMinuteDeps): (durable: DurablePort) => Promise<void> {
  return async (durable) => {
    const run = async ([task, perform]: (typeof named)[number]) => {
      try {
        await perform(durable);
        return true;
      } catch (thrown) {
        log("sweep-failed", { task, error: String(thrown) }); // the next minute tries again
        return false;
      }
    };
    const named = Object.entries(tasks);
    const done = await Promise.all(named.map(run));
    if (!done.includes(false)) beat();
  };
}
