export interface ChoiceFieldProps<T extends string> {
  readonly name: string;
  readonly label: string;
  readonly value: T;
  /** What can be chosen, and how it is called. */
  readonly choices: Readonly<Record<T, string>>;
  readonly onChange: (value: T) => void;
}

/** One of few values. */
export function ChoiceField<T extends string>({ name, label, value, choices, onChange }: ChoiceFieldProps<T>) {
  return (
    <label class="field">
      <span>{label}</span>
      <select
        value={value}
        data-field={name}
        onChange={({ currentTarget }) => {
          for (const choice in choices) if (choice === currentTarget.value) onChange(choice);
        }}
      >
        {Object.entries<string>(choices).map(([choice, text]) => (
          <option key={choice} value={choice}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}
