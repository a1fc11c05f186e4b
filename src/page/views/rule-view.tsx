import type { Rule } from "../../domain/rule-schema.ts";
import type { Snapshot } from "../data/resource.ts";
import type { Attempt } from "../data/use-attempt.ts";
import { useResource } from "../data/use-resource.ts";
import { CheckField } from "../parts/check-field.tsx";
import { DefinitionEditor } from "../parts/definition-editor.tsx";
import { Differences, type FlatForm } from "../parts/differences.tsx";
import { SnapshotState } from "../parts/snapshot-state.tsx";
import { formatHash } from "../routing.ts";
import { emptyRule, type RuleForm, readRule, ruleFieldOf, writeRule } from "../rule-form.ts";
import { type DefinitionKind, useDefinition } from "../use-definition.ts";
import { useDraft } from "../use-draft.ts";
import { KeptSettings } from "./kept-settings.tsx";
import { RuleTest } from "./rule-test.tsx";
import { SelectionFields, selectionLabels } from "./selection-fields.tsx";

/** A rule to look at, to change and to test; without a name, one to make. */
export function RuleView({ name }: { readonly name: string }) {
  return <div class="form-view">{name === "" ? <NewRule /> : <StoredRule name={name} />}</div>;
}

function NewRule() {
  return (
    <>
      <h1>Make a rule</h1>
      <RuleEditor newest={undefined} />
    </>
  );
}

function StoredRule({ name }: { readonly name: string }) {
  const snapshot = useResource<Rule>(`/api/rules/${encodeURIComponent(name)}`, () => "idle");
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
      {snapshot.value !== undefined && <RuleEditor newest={snapshot} />}
    </>
  );
}

const kind: DefinitionKind<Rule, RuleForm> = {
  ...{ one: "rule", all: "rules", write: writeRule, fieldOf: ruleFieldOf },
  isNewer: (newest, { etag }) => newest.etag !== etag,
};
const enabledLabel = "Enabled: pushes start imports";
const labels = { enabled: enabledLabel, ...selectionLabels };

/** `newest`: as it is stored now; undefined: it is one to make. */
function RuleEditor({ newest }: { readonly newest: Snapshot<Rule> | undefined }) {
  const draft = useDraft("rule", newest?.value?.name ?? "", () => ({
    ...{ stored: newest?.value, etag: newest?.etag },
    form: newest?.value === undefined ? emptyRule : readRule(newest.value),
  }));
  const definition = useDefinition(kind, draft, newest);
  const { form, stored, path, faulty, fault, change, tell } = definition;
  const mine = flatten(form);
  return (
    <>
      <DefinitionEditor
        definition={definition}
        differences={newest?.value && <Differences {...{ labels, stored: flatten(readRule(newest.value)), mine }} />}
        onRename={(name) => change({ ...form, name })}
        question="Imports that it started go on."
      >
        <CheckField
          {...{ name: "enabled", label: enabledLabel, isChecked: form.enabled }}
          onChange={(enabled) => change({ ...form, enabled })}
        />
        <SelectionFields
          {...{ form: form.selection, tags: "filter", faulty, fault }}
          onChange={(selection) => change({ ...form, selection })}
        />
        <KeptSettings stored={stored} />
      </DefinitionEditor>
      <RuleTest
        path={form.name.trim() === "" ? undefined : path}
        rule={writeRule(form, stored)}
        isOfRule={(tested) => fieldAtFault(tested) !== undefined}
        onTested={(tested) => tell(fieldAtFault(tested) === undefined ? undefined : tested)}
      />
    </>
  );
}

function flatten({ name: _, selection, ...own }: RuleForm): FlatForm {
  return { ...own, ...selection };
}

/** The field that the service does not like, if it is one of the rule's. */
function fieldAtFault({ outcome }: Attempt): string | undefined {
  return outcome.kind === "refused" ? ruleFieldOf(outcome.problem?.property ?? "") : undefined;
}
