import { useEffect, useRef, useState } from "preact/hooks";
import type { ImportView } from "../../domain/import-view.ts";
import { type Credentials, credentialFieldOf, noCredentials, writeCredentials } from "../credentials-form.ts";
import type { Change } from "../data/api.ts";
import { useAttempt } from "../data/use-attempt.ts";
import { ActionButton } from "../parts/action-button.tsx";
import { ConfirmButton } from "../parts/confirm-button.tsx";
import { CredentialFields } from "../parts/credential-fields.tsx";
import { FailedOutcome } from "../parts/failed-outcome.tsx";
import { importLookOf } from "../tones.ts";

/** A retry as the API has it: of the digest that was found before, or from the tag. */
type Retry = "retry" | "retry?resolve=true";

const retries = [
  { retry: "retry", label: "Retry", title: undefined },
  {
    retry: "retry?resolve=true",
    label: "Retry from the tag",
    title: "Looks up the tag again; a plain retry copies the digest that was found before",
  },
] as const satisfies readonly { readonly retry: Retry; readonly label: string; readonly title: string | undefined }[];

/** Of a failed import that other credentials for its source may help. */
const credentialCodes: readonly (string | undefined)[] = ["SOURCE_UNAUTHORIZED", "CREDENTIALS_REQUIRED"];

/** What can be done about an import in its state. */
export function ImportActions({ view }: { readonly view: ImportView }) {
  const { isBusy, attempt, run } = useAttempt();
  /** The retry that waits for credentials. */
  const [wanting, setWanting] = useState<Retry | undefined>();
  const { state, error } = view;
  const { hasEnded } = importLookOf(state);
  const path = `/api/imports/${view.id}`;
  const problem = attempt?.outcome.kind === "refused" ? attempt.outcome.problem : undefined;
  const start = (what: string, change: Change) => run(what, change).catch(reportError);
  const retry = async (to: Retry, credentials?: Credentials) => {
    const body = credentials === undefined ? {} : { body: { source: { credentials: writeCredentials(credentials) } } };
    const outcome = await run("Retrying", { method: "POST", path: `${path}/${to}`, ...body });
    if (outcome.kind === "ok") setWanting(undefined);
    if (outcome.kind === "refused" && outcome.problem?.code === "CREDENTIALS_REQUIRED") setWanting(to);
  };
  const mayCancel = !hasEnded && state !== "Publishing";
  const mayRetry = state === "Failed" || state === "Cancelled";
  return (
    <div class="actions">
      {mayCancel && (
        <ActionButton isBusy={isBusy} onClick={() => start("Cancelling", { method: "POST", path: `${path}/cancel` })}>
          Cancel
        </ActionButton>
      )}
      {mayRetry &&
        retries.map(({ retry: to, label, title }) => (
          <ActionButton
            key={to}
            class={to === "retry" ? "primary" : undefined}
            isBusy={isBusy}
            {...(title !== undefined && { title })}
            onClick={() => retry(to).catch(reportError)}
          >
            {label}
          </ActionButton>
        ))}
      {mayRetry && wanting === undefined && credentialCodes.includes(error?.code) && (
        <ActionButton isBusy={isBusy} onClick={() => setWanting("retry")}>
          Retry with credentials
        </ActionButton>
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
      {mayRetry && wanting !== undefined && (
        <RetryWithCredentials
          {...{ isBusy, label: wanting === "retry" ? "Retry with these" : "Retry from the tag with these" }}
          faulty={problem?.code === "CREDENTIALS_REQUIRED" ? undefined : credentialFieldOf(problem?.property)}
          fault={problem?.detail}
          onRetry={(credentials) => retry(wanting, credentials).catch(reportError)}
        />
      )}
    </div>
  );
}

interface RetryWithCredentialsProps {
  readonly isBusy: boolean;
  readonly label: string;
  readonly faulty: string | undefined;
  readonly fault: string | undefined;
  readonly onRetry: (credentials: Credentials) => void;
}

function RetryWithCredentials({ isBusy, label, faulty, fault, onRetry }: RetryWithCredentialsProps) {
  const [credentials, setCredentials] = useState(noCredentials);
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => form.current?.querySelector("input")?.focus(), []);
  return (
    <form
      ref={form}
      class="card"
      onSubmit={(event) => {
        event.preventDefault();
        if (!isBusy) onRetry(credentials);
      }}
    >
      <CredentialFields {...{ credentials, of: "retry", faulty, fault }} onChange={setCredentials} />
      <ActionButton type="submit" class="primary" isBusy={isBusy}>
        {label}
      </ActionButton>
    </form>
  );
}
