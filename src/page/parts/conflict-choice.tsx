import type { Conflict } from "../../domain/import-spec.ts";
import { ChoiceField } from "./choice-field.tsx";

/** What happens where a target tag exists, in words. */
export const policyNames: Readonly<Record<Conflict, string>> = {
  fail: "fail",
  skipIfSame: "skip if it is the same",
  overwrite: "overwrite",
};

export const conflictLabel = "If a target tag exists";

export interface ConflictChoiceProps {
  readonly value: Conflict;
  readonly onChange: (value: Conflict) => void;
}

/** Chooses what happens where a target tag exists. */
export function ConflictChoice({ value, onChange }: ConflictChoiceProps) {
  return <ChoiceField {...{ name: "conflict", label: conflictLabel, value, choices: policyNames, onChange }} />;
}
