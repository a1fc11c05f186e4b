import type { Outcome } from "../data/api.ts";
import { Cure } from "./cure.tsx";
import { Notice } from "./notice.tsx";

export interface FailedOutcomeProps {
  /** What was tried, e.g. `Cancelling`. */
  readonly what: string;
  readonly outcome: Outcome<unknown>;
}

/** Says why something did not work; nothing where it did, or where the page asks to sign in. */
export function FailedOutcome({ what, outcome }: FailedOutcomeProps) {
  if (outcome.kind === "unreachable")
    return <Notice tone="bad" title={`${what} failed: the service does not answer`} />;
  if (outcome.kind !== "refused") return null;
  const { problem, status } = outcome;
  return (
    <Notice tone="bad" title={`${what} failed: ${problem?.title ?? reasonOf(status)}`}>
      {problem !== undefined && (
        <>
          <p>{problem.detail}</p>
          <details>
            <summary>About {problem.code}</summary>
            <Cure code={problem.code} />
          </details>
        </>
      )}
    </Notice>
  );
}

/** Of an answer that does not say it. */
function reasonOf(status: number): string {
  return status < 400 ? "something before the service answered" : `status ${status}`;
}
