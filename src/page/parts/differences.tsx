import { policyNames } from "./conflict-choice.tsx";
import { RowsTable } from "./rows-table.tsx";

/** A form's fields by name. */
export type FlatForm = Readonly<Record<string, string | boolean>>;

export interface DifferencesProps {
  /** Of the fields, in their order. */
  readonly labels: Readonly<Record<string, string>>;
  /** What the form would show of what is stored. */
  readonly stored: FlatForm;
  readonly mine: FlatForm;
}

/** The fields in which what is stored differs from what is filled in. */
export function Differences({ labels, stored, mine }: DifferencesProps) {
  const rows = Object.entries(labels)
    .filter(([name]) => stored[name] !== mine[name])
    .map(([name, label]) => ({ key: name, cells: [label, textOf(stored[name]), textOf(mine[name])] }));
  if (rows.length === 0) return <p>In what this form has fields for, it says the same.</p>;
  const columns = [{ name: "Field" }, { name: "Stored" }, { name: "Here" }];
  return <RowsTable {...{ caption: "What differs", columns, rows }} />;
}

const policies: Readonly<Record<string, string>> = policyNames;

function textOf(value: string | boolean | undefined): string {
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (value === undefined || value === "") return "–";
  return policies[value] ?? value.split("\n").join(", ");
}
