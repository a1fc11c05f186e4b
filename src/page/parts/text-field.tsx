import type { ComponentChildren } from "preact";

export interface TextFieldProps {
  /** Of the form's field, e.g. `targetTags`. */
  readonly name: string;
  readonly label: string;
  readonly help: string;
  readonly lines: "one" | "several" | "many";
  readonly value: string;
  readonly isRequired?: boolean;
  /** It is not shown while it is typed, nor offered again. */
  readonly isSecret?: boolean;
  /** What the service does not like about it. */
  readonly fault: ComponentChildren;
  readonly onChange: (value: string) => void;
}

/** A text with its help, or with what is wrong about it in the help's place. */
export function TextField(props: TextFieldProps) {
  const { name, label, help, lines, value, isRequired = false, isSecret = false, fault, onChange } = props;
  const common = {
    id: `field-${name}`,
    "data-field": name,
    value,
    required: isRequired,
    "aria-invalid": fault !== undefined,
    "aria-describedby": `help-${name}`,
    autocapitalize: "off",
    spellcheck: false,
  } as const;
  return (
    <div class="field">
      <label for={`field-${name}`}>{label}</label>
      {isSecret ? (
        <input
          type="password"
          autocomplete="off"
          {...common}
          onInput={({ currentTarget }) => onChange(currentTarget.value)}
        />
      ) : lines === "one" ? (
        <input type="text" {...common} onInput={({ currentTarget }) => onChange(currentTarget.value)} />
      ) : (
        <textarea
          rows={lines === "many" ? 8 : 2}
          {...common}
          onInput={({ currentTarget }) => onChange(currentTarget.value)}
        />
      )}
      <p id={`help-${name}`} class={fault === undefined ? "help" : "help fault"}>
        {fault ?? help}
      </p>
    </div>
  );
}
