import { useState } from "preact/hooks";
import type { ImportView } from "../../domain/import-view.ts";
import type { Change } from "../data/api.ts";
import { useAttempt } from "../data/use-attempt.ts";
import { type Credentials, noCredentials } from "../import-form.ts";
import { ActionButton } from "../parts/action-button.tsx";
import { ConfirmButton } from "../parts/confirm-button.tsx";
import { CredentialFields } from "../parts/credential-fields.tsx";
import { FailedOutcome } from "../parts/failed-outcome.tsx";
import { importLookOf } from "../tones.ts";

/** What can be done about an import in its state. */
export function ImportActions({ view }: { readonly view: ImportView }) {
  const { isBusy, attempt, run } = useAttempt();
  const { state } = view;
  const { hasEnded } = importLookOf(state);
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
        <ActionButton isBusy={isBusy} onClick={() => post("Cancelling", "cancel")}>
          Cancel
        </ActionButton>
      )}
      {mayRetry && (
        <>
          <ActionButton class="primary" isBusy={isBusy} onClick={() => post("Retrying", "retry")}>
            Retry
          </ActionButton>
          <ActionButton
            isBusy={isBusy}
            title="Looks up the tag again; a plain retry copies the digest that was found before"
            onClick={() => post("Retrying", "retry?resolve=true")}
          >
            Retry from the tag
          </ActionButton>
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
        if (!isBusy) onRetry(credentials);
      }}
    >
      <CredentialFields credentials={credentials} isRequired onChange={setCredentials} />
      <ActionButton type="submit" class="primary" isBusy={isBusy}>
        Retry with these
      </ActionButton>
    </form>
  );
}
