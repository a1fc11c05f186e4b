import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { formatHash } from "../routing.ts";
import type { Definition } from "../use-definition.ts";
import { ActionButton } from "./action-button.tsx";
import { ConfirmButton } from "./confirm-button.tsx";
import { DraftNotice } from "./draft-notice.tsx";
import { FailedOutcome } from "./failed-outcome.tsx";
import { Notice } from "./notice.tsx";
import { TextField } from "./text-field.tsx";

interface Named {
  readonly name: string;
}

export interface DefinitionEditorProps<Stored extends Named, Form extends Named> {
  readonly definition: Definition<Stored, Form>;
  /** Of what is stored now from what is filled in. */
  readonly differences: ComponentChildren;
  readonly onRename: (name: string) => void;
  /** What deleting means. */
  readonly question: string;
  readonly children: ComponentChildren;
}

/** The form around the fields of a rule or a schedule. */
export function DefinitionEditor<Stored extends Named, Form extends Named>(props: DefinitionEditorProps<Stored, Form>) {
  const { definition, differences, onRename, question, children } = props;
  const { kind, form, newest, isBusy, isRestored, isOutdated, isGone, isTaken, attempt, faulty, fault } = definition;
  const { save, saveOver, load, remove } = definition;
  const fields = useRef<HTMLFieldSetElement>(null);
  useEffect(() => {
    if (faulty !== undefined) fields.current?.querySelector<HTMLElement>(`[data-field="${faulty}"]`)?.focus();
  }, [attempt, faulty]);
  const afterFields = useRef<HTMLDivElement>(null);
  // Where the reader is: who has tried to save is at the end of the form.
  const wasTried = attempt?.outcome.kind === "refused" && attempt.outcome.status === 412;
  const changed = isOutdated && !isGone && (
    <Notice tone="neutral" title="It was changed meanwhile">
      <p>What is stored differs from what this form began with.</p>
      {differences}
      <p class="actions">
        <button type="button" onClick={load}>
          Load what is stored
        </button>
        <ActionButton isBusy={isBusy} onClick={() => saveOver().catch(reportError)}>
          Save mine over it
        </ActionButton>
      </p>
    </Notice>
  );
  const mustLook = wasTried && isOutdated;
  useEffect(() => {
    if (mustLook) afterFields.current?.scrollIntoView({ block: "nearest" });
  }, [mustLook]);
  return (
    <form
      class="card"
      onSubmit={(event) => {
        event.preventDefault();
        if (!isBusy) save().catch(reportError);
      }}
    >
      {isGone && (
        <Notice tone="neutral" title="It was deleted meanwhile">
          <p>What is filled in here stays. Save makes it anew.</p>
        </Notice>
      )}
      {!wasTried && changed}
      {!isOutdated && !isGone && <DraftNotice isRestored={isRestored} beginAnew={load} />}
      <fieldset ref={fields} class="plain">
        {newest === undefined && (
          <TextField
            {...{ name: "name", label: "Name", help: "Lower-case letters, digits and -.", lines: "one" }}
            value={form.name}
            isRequired
            fault={isTaken ? <Taken one={kind.one} name={form.name.trim()} /> : faulty === "name" ? fault : undefined}
            onChange={onRename}
          />
        )}
        {children}
      </fieldset>
      {attempt !== undefined && <FailedOutcome {...attempt} />}
      <div ref={afterFields}>{wasTried && changed}</div>
      <div class="actions">
        <ActionButton type="submit" class="primary" isBusy={isBusy}>
          Save
        </ActionButton>
        {newest !== undefined && !isGone && (
          <ConfirmButton {...{ label: "Delete", question, isBusy }} onConfirm={() => remove().catch(reportError)} />
        )}
        <span role="status">{attempt?.what === "Saving" && attempt.outcome.kind === "ok" && "Saved."}</span>
      </div>
    </form>
  );
}

function Taken({ one, name }: { readonly one: "rule" | "schedule"; readonly name: string }) {
  return (
    <>
      There is a {one} of this name. <a href={formatHash(one, name)}>Look at it</a>
    </>
  );
}
