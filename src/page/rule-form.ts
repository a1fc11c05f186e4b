import type { Rule } from "../domain/rule-schema.ts";
import {
  emptySelection,
  readSelection,
  type SelectionForm,
  selectionFieldOf,
  writeSelection,
} from "./selection-form.ts";

/** A rule as it is filled in. */
export interface RuleForm {
  readonly name: string;
  readonly enabled: boolean;
  readonly selection: SelectionForm;
}

export const emptyRule: RuleForm = { name: "", enabled: true, selection: emptySelection };

export function readRule(rule: Rule): RuleForm {
  return { name: rule.name, enabled: rule.enabled, selection: readSelection(rule) };
}

/** What stores the rule; what the form has no field for stays as it was `before`. */
export function writeRule({ enabled, selection }: RuleForm, before: Rule | undefined): object {
  return { enabled, ...writeSelection(selection, before) };
}

/** The field that a property of the body stands in. */
export function ruleFieldOf(property: string): string | undefined {
  return property === "name" ? property : selectionFieldOf(property);
}
