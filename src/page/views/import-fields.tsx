import type { ImportForm } from "../import-form.ts";
import { ConflictChoice } from "../parts/conflict-choice.tsx";
import { CredentialFields } from "../parts/credential-fields.tsx";

export interface ImportFieldsProps {
  readonly form: ImportForm;
  readonly onChange: (form: ImportForm) => void;
  /** The field that the service does not like, and why. */
  readonly faulty: keyof ImportForm | undefined;
  readonly fault: string | undefined;
}

type TextField = "source" | "target" | "targetTags" | "untaggedTargetRepositories" | "platforms" | "labels";

interface TextFieldLook {
  readonly name: TextField;
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
      <details>
        <summary>More</summary>
        {further.map((look) => (
          <Text key={look.name} look={look} {...props} />
        ))}
        <Check label="Keep the index as it is and leave other platforms out (sparse)" name="sparseIndex" {...props} />
        <CredentialFields
          credentials={form.credentials}
          isRequired={false}
          onChange={(credentials) => onChange({ ...form, credentials })}
        />
      </details>
    </>
  );
}

function Text({ look, form, onChange, faulty, fault }: ImportFieldsProps & { readonly look: TextFieldLook }) {
  const { name, label, help, lines } = look;
  const isFaulty = faulty === name;
  const common = {
    id: `field-${name}`,
    "data-field": name,
    value: form[name],
    required: name === "source",
    "aria-invalid": isFaulty,
    "aria-describedby": `help-${name}`,
    autocapitalize: "off",
    spellcheck: false,
  } as const;
  return (
    <div class="field">
      <label for={`field-${name}`}>{label}</label>
      {lines === "one" ? (
        <input
          type="text"
          {...common}
          onInput={({ currentTarget }) => onChange({ ...form, [name]: currentTarget.value })}
        />
      ) : (
        <textarea
          rows={2}
          {...common}
          onInput={({ currentTarget }) => onChange({ ...form, [name]: currentTarget.value })}
        />
      )}
      <p id={`help-${name}`} class={isFaulty ? "help fault" : "help"}>
        {isFaulty ? fault : help}
      </p>
    </div>
  );
}

type CheckProps = ImportFieldsProps & { readonly label: string; readonly name: "referrers" | "sparseIndex" };

function Check({ label, name, form, onChange }: CheckProps) {
  return (
    <label class="check">
      <input
        type="checkbox"
        data-field={name}
        checked={form[name]}
        onChange={({ currentTarget }) => onChange({ ...form, [name]: currentTarget.checked })}
      />
      <span>{label}</span>
    </label>
  );
}
