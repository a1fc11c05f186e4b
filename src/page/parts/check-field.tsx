export interface CheckFieldProps {
  readonly name: string;
  readonly label: string;
  readonly isChecked: boolean;
  /** What the service does not like about it. */
  readonly fault?: string | undefined;
  readonly onChange: (isChecked: boolean) => void;
}

/** Of `sparseIndex`, in every form. */
export const sparseLabel = "Keep the index as it is and leave other platforms out (sparse)";

export function CheckField({ name, label, isChecked, fault, onChange }: CheckFieldProps) {
  return (
    <>
      <label class="check">
        <input
          type="checkbox"
          data-field={name}
          checked={isChecked}
          aria-invalid={fault !== undefined}
          aria-describedby={fault === undefined ? undefined : `help-${name}`}
          onChange={({ currentTarget }) => onChange(currentTarget.checked)}
        />
        <span>{label}</span>
      </label>
      {fault !== undefined && (
        <p id={`help-${name}`} class="help fault">
          {fault}
        </p>
      )}
    </>
  );
}
