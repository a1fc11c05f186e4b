import { CheckField, sparseLabel } from "../parts/check-field.tsx";
import { ConflictChoice, conflictLabel } from "../parts/conflict-choice.tsx";
import { FoldedFields } from "../parts/folded-fields.tsx";
import { TextField } from "../parts/text-field.tsx";
import { emptySelection, type SelectionForm } from "../selection-form.ts";

export interface SelectionFieldsProps {
  readonly form: SelectionForm;
  readonly onChange: (form: SelectionForm) => void;
  /** What can be said of tags: of a push only whether they are meant, of lists also how many of them. */
  readonly tags: "filter" | "selection";
  readonly faulty: string | undefined;
  readonly fault: string | undefined;
}

interface FieldLook {
  readonly name: Exclude<keyof SelectionForm, "conflict" | "sparseIndex" | "referrers">;
  readonly label: string;
  readonly help: string;
  readonly lines: "one" | "several";
}

const sourceFields: readonly FieldLook[] = [
  { name: "sourceRegistry", label: "Source registry", help: "Host, alias or name.", lines: "one" },
  {
    ...{ name: "repositories", label: "Source repositories", lines: "several" },
    help: "One per line: names, globs (team/*, team/**) or prefixes (team/).",
  },
  { name: "include", label: "Tags", help: "Globs, one per line. Empty: all.", lines: "several" },
];
const rarerTagFields: readonly FieldLook[] = [
  { name: "exclude", label: "But not these tags", help: "Globs, one per line.", lines: "several" },
  {
    name: "semver",
    label: "Versions",
    help: "A range, e.g. >=1.2 <2: only tags that are such versions.",
    lines: "one",
  },
];
const newestField: FieldLook = {
  ...{ name: "newest", label: "Newest only", lines: "one" },
  help: "So many per repository, those of the highest versions. Empty: all.",
};
const targetFields: readonly FieldLook[] = [
  { name: "targetRegistry", label: "Target registry", help: "Empty: the service's default.", lines: "one" },
  {
    ...{ name: "targetRepository", label: "Target repository", lines: "one" },
    help: "{repository}, {basename} (its last part) and {tag} are filled in.",
  },
];
const rarerTargetFields: readonly FieldLook[] = [
  { name: "targetTag", label: "Target tag", help: "{tag}, {repository} and {basename} are filled in.", lines: "one" },
  { name: "platforms", label: "Platforms", help: "os/architecture, one per line. Empty: all.", lines: "several" },
];
const required: readonly string[] = ["sourceRegistry", "repositories", "targetRepository", "targetTag"];

const referrersLabel = "Bring signatures, SBOMs and attestations along";

/** How the fields are called, in their order. */
export const selectionLabels: Readonly<Record<string, string>> = {
  ...labelsOf([...sourceFields, ...targetFields]),
  ...{ conflict: conflictLabel, referrers: referrersLabel },
  ...labelsOf([...rarerTagFields, newestField, ...rarerTargetFields]),
  sparseIndex: sparseLabel,
};

/** Which images, where to and how: what rules and schedules say alike, the rarer fields folded away. */
export function SelectionFields({ form, onChange, tags, faulty, fault }: SelectionFieldsProps) {
  const field = (look: FieldLook) => (
    <TextField
      key={look.name}
      {...look}
      value={form[look.name]}
      isRequired={required.includes(look.name)}
      fault={faulty === look.name ? fault : undefined}
      onChange={(value) => onChange({ ...form, [look.name]: value })}
    />
  );
  const rarer = [...rarerTagFields, ...(tags === "selection" ? [newestField] : []), ...rarerTargetFields];
  const isFaulty = faulty === "sparseIndex" || rarer.some(({ name }) => name === faulty);
  const set = [form.sparseIndex, ...rarer.map(({ name }) => form[name] !== emptySelection[name])];
  return (
    <>
      {sourceFields.map(field)}
      {targetFields.map(field)}
      <ConflictChoice value={form.conflict} onChange={(conflict) => onChange({ ...form, conflict })} />
      <CheckField
        name="referrers"
        label={referrersLabel}
        isChecked={form.referrers}
        onChange={(referrers) => onChange({ ...form, referrers })}
      />
      <FoldedFields isFaulty={isFaulty} setCount={set.filter((isSet) => isSet).length}>
        {rarer.map(field)}
        <CheckField
          {...{ name: "sparseIndex", label: sparseLabel, isChecked: form.sparseIndex }}
          fault={faulty === "sparseIndex" ? fault : undefined}
          onChange={(sparseIndex) => onChange({ ...form, sparseIndex })}
        />
      </FoldedFields>
    </>
  );
}

function labelsOf(looks: readonly FieldLook[]): Record<string, string> {
  return Object.fromEntries(looks.map(({ name, label }) => [name, label]));
}
