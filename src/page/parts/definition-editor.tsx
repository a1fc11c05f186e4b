import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Attempt } from "../data/use-attempt.ts";
import { ActionButton } from "./action-button.tsx";
import { FailedOutcome } from "./failed-outcome.tsx";
import { Notice } from "./notice.tsx";

export interface DefinitionEditorProps {
  readonly isBusy: boolean;
  readonly attempt: Attempt | undefined;
  /** Field that the service does not like. */
  readonly faulty: string | undefined;
  /** What is stored is newer than what the form began with: another tab or somebody else was here. */
  readonly isOutdated: boolean;
  /** It was deleted while the form was open. */
  readonly isGone: boolean;
  readonly onReload: () => void;
  readonly onSave: () => void;
  /** Buttons beside the one that saves. */
  readonly actions?: ComponentChildren;
  readonly children: ComponentChildren;
}

/** The form around the fields of a rule or a schedule. */
export function DefinitionEditor(props: DefinitionEditorProps) {
  const { isBusy, attempt, faulty, isOutdated, isGone, onReload, onSave, actions, children } = props;
  const fields = useRef<HTMLFieldSetElement>(null);
  useEffect(() => {
    if (faulty !== undefined) fields.current?.querySelector<HTMLElement>(`[data-field="${faulty}"]`)?.focus();
  }, [attempt, faulty]);
  return (
    <form
      class="card"
      onSubmit={(event) => {
        event.preventDefault();
        if (!isBusy) onSave();
      }}
    >
      {isGone && (
        <Notice tone="neutral" title="It was deleted meanwhile">
          <p>What is filled in here stays. Save makes it anew.</p>
        </Notice>
      )}
      {isOutdated && !isGone && (
        <Notice tone="neutral" title="It was changed meanwhile">
          <p>
            What is stored differs from what this form began with.{" "}
            <button type="button" onClick={onReload}>
              Load what is stored
            </button>
          </p>
        </Notice>
      )}
      <fieldset ref={fields} class="plain">
        {children}
      </fieldset>
      {attempt !== undefined && <FailedOutcome {...attempt} />}
      <div class="actions">
        <ActionButton type="submit" class="primary" isBusy={isBusy}>
          Save
        </ActionButton>
        {actions}
        <span role="status">{attempt?.what === "Saving" && attempt.outcome.kind === "ok" && "Saved."}</span>
      </div>
    </form>
  );
}
