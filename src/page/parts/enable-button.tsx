import { useAttempt } from "../data/use-attempt.ts";
import { useServices } from "../services.ts";
import { ActionButton } from "./action-button.tsx";
import { FailedOutcome } from "./failed-outcome.tsx";

export interface EnableButtonProps<T> {
  readonly path: string;
  readonly name: string;
  readonly isEnabled: boolean;
  /** The body that stores it anew, with only this changed. */
  readonly toBody: (stored: T, enabled: boolean) => unknown;
}

/** Enables or disables a rule or a schedule as it is stored now, which may be another one than is shown. */
export function EnableButton<T>({ path, name, isEnabled, toBody }: EnableButtonProps<T>) {
  const { api } = useServices();
  const { isBusy, attempt, tell, run } = useAttempt();
  const verb = isEnabled ? "Disable" : "Enable";
  const change = async () => {
    const what = isEnabled ? "Disabling" : "Enabling";
    const read = await api.get<T>(path, undefined);
    if (read.kind !== "ok") return tell({ what, outcome: read });
    const { value, etag } = read;
    const body = toBody(value, !isEnabled);
    await run(what, { method: "PUT", path, body, ...(etag !== undefined && { ifMatch: etag }) });
  };
  return (
    <>
      <ActionButton isBusy={isBusy} label={`${verb} ${name}`} onClick={() => change().catch(reportError)}>
        {verb}
      </ActionButton>
      {attempt !== undefined && <FailedOutcome {...attempt} />}
    </>
  );
}
