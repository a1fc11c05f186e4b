import { emptyForm, type ImportForm } from "../import-form.ts";
import { CheckField, sparseLabel } from "../parts/check-field.tsx";
import { ChoiceField } from "../parts/choice-field.tsx";
import { ConflictChoice } from "../parts/conflict-choice.tsx";
import { CredentialFields } from "../parts/credential-fields.tsx";
import { FoldedFields } from "../parts/folded-fields.tsx";
import { TextField } from "../parts/text-field.tsx";

export interface ImportFieldsProps {
  readonly form: ImportForm;
  readonly onChange: (form: ImportForm) => void;
  /** The field that the service does not like, and why. */
  readonly faulty: string | undefined;
  readonly fault: string | undefined;
}

type TextName = "source" | "target" | "targetTags" | "untaggedTargetRepositories" | "platforms" | "labels";

interface TextFieldLook {
  readonly name: TextName;
  readonly label: string;
  readonly help: string;
  readonly lines: "one" | "several";
}

const where: readonly TextFieldLook[] = [
  { name: "source", label: "Source", help: "host/repository:tag or host/repository@sha256:…", lines: "one" },
  { name: "target", label: "Target registry", help: "Empty: the service's default.", lines: "one" },
  {
    name: "targetTags",
    label: "Target tags",
    help: "repository:tag, one per line. Empty: as at the source.",
    lines: "several",
  },
];
const further: readonly TextFieldLook[] = [
  {
    name: "untaggedTargetRepositories",
    label: "Repositories by digest",
    help: "Filled without a tag, one per line.",
    lines: "several",
  },
  { name: "platforms", label: "Platforms", help: "os/architecture, one per line. Empty: all.", lines: "several" },
  { name: "labels", label: "Labels", help: "key=value, one per line.", lines: "several" },
];

/** What is read back at the target, in words. */
export const verifyNames = { manifest: "tags and digests", full: "every blob, too", none: "nothing" };
/** Who copies, in words. */
export const strategyNames = {
  auto: "this service, or ACR where only that can",
  stream: "this service",
  delegate: "ACR's own import",
};
const foldedNames: readonly string[] = [
  ...further.map(({ name }) => name),
  ...["sparseIndex", "verify", "strategy", "username", "password", "secret"],
];

/** The fields of a request for an import, the rarer ones folded away. */
export function ImportFields(props: ImportFieldsProps) {
  const { form, onChange } = props;
  return (
    <>
      {where.map((look) => (
        <Text key={look.name} look={look} {...props} />
      ))}
      <ConflictChoice value={form.conflict} onChange={(conflict) => onChange({ ...form, conflict })} />
      <Check label="Bring signatures, SBOMs and attestations along" name="referrers" {...props} />
      <FoldedFields isFaulty={foldedNames.some((name) => name === props.faulty)} setCount={countSet(form)}>
        {further.map((look) => (
          <Text key={look.name} look={look} {...props} />
        ))}
        <Check label={sparseLabel} name="sparseIndex" {...props} />
        <ChoiceField
          {...{ name: "verify", label: "Read back at the target", value: form.verify, choices: verifyNames }}
          onChange={(verify) => onChange({ ...form, verify })}
        />
        <ChoiceField
          {...{ name: "strategy", label: "Who copies", value: form.strategy, choices: strategyNames }}
          onChange={(strategy) => onChange({ ...form, strategy })}
        />
        <CredentialFields
          {...{ credentials: form.credentials, of: "import", faulty: props.faulty, fault: props.fault }}
          onChange={(credentials) => onChange({ ...form, credentials })}
        />
      </FoldedFields>
    </>
  );
}

/** Of the fields that are folded away. */
function countSet(form: ImportForm): number {
  const { untaggedTargetRepositories, platforms, labels, sparseIndex, verify, strategy } = form;
  const credentials = Object.values(form.credentials);
  return [
    ...[untaggedTargetRepositories, platforms, labels, ...credentials].map((text) => text !== ""),
    ...[sparseIndex, verify !== emptyForm.verify, strategy !== emptyForm.strategy],
  ].filter((isSet) => isSet).length;
}

function Text({ look, form, onChange, faulty, fault }: ImportFieldsProps & { readonly look: TextFieldLook }) {
  return (
    <TextField
      {...look}
      value={form[look.name]}
      isRequired={look.name === "source"}
      fault={faulty === look.name ? fault : undefined}
      onChange={(value) => onChange({ ...form, [look.name]: value })}
    />
  );
}

type CheckProps = ImportFieldsProps & { readonly label: string; readonly name: "referrers" | "sparseIndex" };

function Check({ label, name, form, onChange, faulty, fault }: CheckProps) {
  return (
    <CheckField
      {...{ name, label, isChecked: form[name], fault: faulty === name ? fault : undefined }}
      onChange={(isChecked) => onChange({ ...form, [name]: isChecked })}
    />
  );
}
