import { useState } from "preact/hooks";
import { useServices } from "../services.ts";
import type { Change, Outcome } from "./api.ts";

/** Something that was tried, and how that ended. */
export interface Attempt {
  /** As `FailedOutcome` says it, e.g. `Cancelling`. */
  readonly what: string;
  readonly outcome: Outcome<unknown>;
}

/** Sends changes one at a time, and keeps how the last one ended; `tell` keeps what ended elsewhere. */
export function useAttempt() {
  const { act } = useServices();
  const [isBusy, setBusy] = useState(false);
  const [attempt, setAttempt] = useState<Attempt | undefined>();
  const run = async <T>(what: string, change: Change): Promise<Outcome<T>> => {
    setBusy(true);
    try {
      const outcome = await act<T>(change);
      setAttempt({ what, outcome });
      return outcome;
    } finally {
      setBusy(false);
    }
  };
  return { isBusy, attempt, run, tell: setAttempt };
}
