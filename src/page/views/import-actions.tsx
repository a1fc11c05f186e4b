import { useState } from "preact/hooks";
import type { ImportView } from "../../domain/import-view.ts";
import type { Change } from "../data/api.ts";
import { useAttempt } from "../data/use-attempt.ts";
import { type Credentials, noCredentials } from "../import-form.ts";
import { ConfirmButton } from "../parts/confirm-button.tsx";
import { CredentialFields } from "../parts/credential-fields.tsx";
import { FailedOutcome } from "../parts/failed-outcome.tsx";
import { stateLooks } from "../tones.ts";

/** What can be done about an import in its state. */
export function ImportActions({ view }: { readonly view: ImportView }) {
  const { isBusy, attempt, run } = useAttempt();
  const { state } = view;
  const { hasEnded } = stateLooks[state];
  const path = `/api/imports/${view.id}`;
  const start = (what: string, change: Change) => run(what, change).catch(reportError);
  const post = (what: string, to: string) => start(what, { method: "POST", path: `${path}/${to}` });
  const mayCancel = !hasEnded && state !== "Publishing";
  const mayRetry = state === "Failed" || state === "Cancelled";
  const wantsCredentials =
    attempt?.outcome.kind === "refused" && attempt.outcome.problem?.code === "CREDENTIALS_REQUIRED" && mayRetry;
  return (
    <div class="actions">
      {mayCancel && (
        <button type="button" disabled={isBusy} onClick={() => post("Cancelling", "cancel")}>
          Cancel
        </button>
      )}
      {mayRetry && (
        <>
          <button type="button" class="primary" disabled={isBusy} onClick={() => post("Retrying", "retry")}>
            Retry
          </button>
          <button
            type="button"
            disabled={isBusy}
            title="Looks up the tag again; a plain retry copies the digest that was found before"
            onClick={() => post("Retrying", "retry?resolve=true")}
          >
            Retry from the tag
          </button>
        </>
      )}
      {hasEnded && (
        <ConfirmButton
          label="Delete"
          question="The service forgets this import; what it copied stays."
          isBusy={isBusy}
          onConfirm={() => start("Deleting", { method: "DELETE", path })}
        />
      )}
      {attempt !== undefined && <FailedOutcome {...attempt} />}
      {wantsCredentials && (
        <RetryWithCredentials
          isBusy={isBusy}
          onRetry={(credentials) =>
            start("Retrying", { method: "POST", path: `${path}/retry`, body: { source: { credentials } } })
          }
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
