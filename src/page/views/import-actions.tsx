import { useState } from "preact/hooks";
import type { ImportView } from "../../domain/import-view.ts";
import type { Outcome, Post } from "../data/api.ts";
import { type Credentials, noCredentials } from "../import-form.ts";
import { stateLooks } from "../import-states.ts";
import { CredentialFields } from "../parts/credential-fields.tsx";
import { FailedOutcome } from "../parts/failed-outcome.tsx";
import { useServices } from "../services.ts";

interface Attempt {
  /** As {@link FailedOutcome} says it. */
  readonly what: string;
  readonly outcome: Outcome<unknown>;
}

/** What can be done about an import in its state. */
export function ImportActions({ view }: { readonly view: ImportView }) {
  const { act } = useServices();
  const [isBusy, setBusy] = useState(false);
  const [attempt, setAttempt] = useState<Attempt | undefined>();
  const { state } = view;
  const path = `/api/imports/${view.id}`;
  const run = (what: string, post: Post) => {
    setBusy(true);
    act(post).then((outcome) => {
      setAttempt({ what, outcome });
      setBusy(false);
    }, reportError);
  };
  const mayCancel = !stateLooks[state].hasEnded && state !== "Publishing";
  const mayRetry = state === "Failed" || state === "Cancelled";
  const wantsCredentials =
    attempt?.outcome.kind === "refused" && attempt.outcome.problem?.code === "CREDENTIALS_REQUIRED" && mayRetry;
  return (
    <div class="actions">
      {mayCancel && (
        <button type="button" disabled={isBusy} onClick={() => run("Cancelling", { path: `${path}/cancel` })}>
          Cancel
        </button>
      )}
      {mayRetry && (
        <>
          <button
            type="button"
            class="primary"
            disabled={isBusy}
            onClick={() => run("Retrying", { path: `${path}/retry` })}
          >
            Retry
          </button>
          <button
            type="button"
            disabled={isBusy}
            title="Looks up the tag again; a plain retry copies the digest that was found before"
            onClick={() => run("Retrying", { path: `${path}/retry?resolve=true` })}
          >
            Retry from the tag
          </button>
        </>
      )}
      {attempt !== undefined && <FailedOutcome {...attempt} />}
      {wantsCredentials && (
        <RetryWithCredentials
          isBusy={isBusy}
          onRetry={(credentials) => run("Retrying", { path: `${path}/retry`, body: { source: { credentials } } })}
        />
      )}
    </div>
  );
}

interface RetryWithCredentialsProps {
  readonly isBusy: boolean;
  readonly onRetry: (credentials: Credentials) => void;
}

function RetryWithCredentials({ isBusy, onRetry }: RetryWithCredentialsProps) {
  const [credentials, setCredentials] = useState(noCredentials);
  return (
    <form
      class="card"
      onSubmit={(event) => {
        event.preventDefault();
        onRetry(credentials);
      }}
    >
      <CredentialFields credentials={credentials} isRequired onChange={setCredentials} />
      <button type="submit" class="primary" disabled={isBusy}>
        Retry with these
      </button>
    </form>
  );
}
