import type { Rule } from "../domain/rule-schema.ts";
import type { ScheduleView } from "../domain/schedule-record.ts";
import type { ImportForm } from "./import-form.ts";
import type { PromotionForm } from "./promotion-form.ts";
import type { RuleForm } from "./rule-form.ts";
import type { ScheduleForm } from "./schedule-form.ts";

/** A rule or schedule that is being changed: what it stands on, so that a change elsewhere is noticed, and what was entered. */
export interface DefinitionDraft<Stored, Form> {
  readonly stored: Stored | undefined;
  readonly etag: string | undefined;
  readonly form: Form;
}

export interface DraftsByForm {
  readonly import: ImportForm;
  readonly promotion: PromotionForm;
  readonly rule: DefinitionDraft<Rule, RuleForm>;
  readonly schedule: DefinitionDraft<ScheduleView, ScheduleForm>;
}

/** What was entered and not sent yet, by form and by what it is about. It may hold credentials: kept in memory alone. */
export type Drafts = { readonly [Form in keyof DraftsByForm]: Map<string, DraftsByForm[Form]> };

export function createDrafts(): Drafts {
  return { import: new Map(), promotion: new Map(), rule: new Map(), schedule: new Map() };
}
