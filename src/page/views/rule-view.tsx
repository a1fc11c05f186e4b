import { useState } from "preact/hooks";
import type { Rule } from "../../domain/rule-schema.ts";
import type { Snapshot } from "../data/resource.ts";
import { type Attempt, useAttempt } from "../data/use-attempt.ts";
import { useIsMounted } from "../data/use-is-mounted.ts";
import { useResource } from "../data/use-resource.ts";
import { CheckField } from "../parts/check-field.tsx";
import { ConfirmButton } from "../parts/confirm-button.tsx";
import { DefinitionEditor } from "../parts/definition-editor.tsx";
import { SnapshotState } from "../parts/snapshot-state.tsx";
import { TextField } from "../parts/text-field.tsx";
import { formatHash, navigate } from "../routing.ts";
import {
  emptySelection,
  readSelection,
  type SelectionForm,
  selectionFieldOf,
  writeSelection,
} from "../selection-form.ts";
import { RuleTest } from "./rule-test.tsx";
import { SelectionFields } from "./selection-fields.tsx";

/** A rule to look at, to change and to test; without a name, one to make. */
export function RuleView({ name }: { readonly name: string }) {
  return <div class="form-view">{name === "" ? <NewRule /> : <StoredRule name={name} />}</div>;
}

function NewRule() {
  return (
    <>
      <h1>Make a rule</h1>
      <RuleEditor stored={undefined} newest={undefined} onReload={() => {}} />
    </>
  );
}

function StoredRule({ name }: { readonly name: string }) {
  const snapshot = useResource<Rule>(`/api/rules/${encodeURIComponent(name)}`, () => "idle");
  const [reloads, setReloads] = useState(0);
  if (snapshot.isGone && snapshot.value === undefined) {
    return (
      <>
        <h1>There is no rule {name}</h1>
        <p role="status">
          It was deleted, or never there. <a href={formatHash("rules")}>All rules</a>
        </p>
      </>
    );
  }
  return (
    <>
      <h1>Rule {name}</h1>
      {!snapshot.isGone && <SnapshotState snapshot={snapshot} />}
      {snapshot.value !== undefined && (
        <RuleEditor
          key={reloads}
          stored={snapshot.value}
          newest={snapshot}
          onReload={() => setReloads((count) => count + 1)}
        />
      )}
    </>
  );
}

interface RuleEditorProps {
  /** What the form begins with. */
  readonly stored: Rule | undefined;
  readonly newest: Snapshot<Rule> | undefined;
  readonly onReload: () => void;
}

/** What the form stands on. */
interface Base {
  readonly rule: Rule | undefined;
  readonly etag: string | undefined;
  /** ETag before it was saved here: what is on screen may still be that for a moment. */
  readonly replaced: string | undefined;
}

function RuleEditor({ stored, newest, onReload }: RuleEditorProps) {
  const { isBusy, attempt, run, tell } = useAttempt();
  const isMounted = useIsMounted();
  const isGone = newest?.isGone ?? false;
  const [base, setBase] = useState<Base>({ rule: stored, etag: newest?.etag, replaced: undefined });
  const [name, setName] = useState(stored?.name ?? "");
  const [isEnabled, setEnabled] = useState(stored?.enabled ?? true);
  const [form, setForm] = useState(stored === undefined ? emptySelection : readSelection(stored));
  const problem = attempt?.outcome.kind === "refused" ? attempt.outcome.problem : undefined;
  const faulty = fieldAtFault(attempt);
  const path = `/api/rules/${encodeURIComponent(name.trim())}`;
  const body = { enabled: isEnabled, ...writeSelection(form, base.rule) };
  const save = async () => {
    const ifMatch = isGone ? "missing" : (base.etag ?? "missing");
    const outcome = await run<Rule>("Saving", { method: "PUT", path, body, ifMatch });
    if (outcome.kind !== "ok") return;
    setBase({ rule: outcome.value, etag: outcome.etag, replaced: base.etag });
    if (stored === undefined && isMounted()) navigate(formatHash("rule", outcome.value.name));
  };
  const remove = async () => {
    const outcome = await run("Deleting", { method: "DELETE", path });
    if (outcome.kind === "ok" && isMounted()) navigate(formatHash("rules"));
  };
  return (
    <>
      <DefinitionEditor
        isBusy={isBusy}
        attempt={attempt}
        faulty={faulty}
        isOutdated={newest !== undefined && newest.etag !== base.etag && newest.etag !== base.replaced}
        isGone={isGone}
        onReload={onReload}
        onSave={() => save().catch(reportError)}
        actions={
          stored !== undefined &&
          !isGone && (
            <ConfirmButton
              label="Delete"
              question="Imports that it started go on."
              isBusy={isBusy}
              onConfirm={() => remove().catch(reportError)}
            />
          )
        }
      >
        {stored === undefined && (
          <TextField
            {...{ name: "name", label: "Name", help: "Lower-case letters, digits and -.", lines: "one", value: name }}
            isRequired
            fault={faulty === "name" ? problem?.detail : undefined}
            onChange={setName}
          />
        )}
        <CheckField name="enabled" label="Enabled: pushes start imports" isChecked={isEnabled} onChange={setEnabled} />
        <SelectionFields form={form} onChange={setForm} tags="filter" faulty={faulty} fault={problem?.detail} />
      </DefinitionEditor>
      <RuleTest
        path={name.trim() === "" ? undefined : path}
        rule={body}
        isOfRule={(tested) => fieldAtFault(tested) !== undefined}
        onTested={(tested) => tell(fieldAtFault(tested) === undefined ? undefined : tested)}
      />
    </>
  );
}

/** The field that the service does not like, if it is one of the rule's. */
function fieldAtFault(attempt: Attempt | undefined): keyof SelectionForm | "name" | undefined {
  if (attempt?.outcome.kind !== "refused") return undefined;
  const property = attempt.outcome.problem?.property ?? "";
  return property === "name" ? "name" : selectionFieldOf(property);
}
