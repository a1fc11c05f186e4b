import type { Conflict } from "../../domain/import-spec.ts";

const policies = ["fail", "skipIfSame", "overwrite"] as const satisfies readonly Conflict[];

/** What happens where a target tag exists, in words. */
export const policyNames: Readonly<Record<Conflict, string>> = {
  fail: "fail",
  skipIfSame: "skip if it is the same",
  overwrite: "overwrite",
};

export interface ConflictChoiceProps {
  readonly value: Conflict;
  readonly onChange: (value: Conflict) => void;
}

/** Chooses what happens where a target tag exists. */
export function ConflictChoice({ value, onChange }: ConflictChoiceProps) {
  return (
    <label class="field">
      <span>If a target tag exists</span>
      <select
        value={value}
        data-field="conflict"
        onChange={({ currentTarget }) => onChange(policies.find((name) => name === currentTarget.value) ?? value)}
      >
        {policies.map((name) => (
          <option key={name} value={name}>
            {policyNames[name]}
          </option>
        ))}
      </select>
    </label>
  );
}
