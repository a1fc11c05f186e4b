import { CheckField, sparseLabel } from "../parts/check-field.tsx";
import { ConflictChoice } from "../parts/conflict-choice.tsx";
import type { Fault } from "../parts/plan-first.tsx";
import { TextField } from "../parts/text-field.tsx";
import type { PromotionForm } from "../promotion-form.ts";
import type { SelectionForm } from "../selection-form.ts";
import { SelectionFields } from "./selection-fields.tsx";

export interface PromotionFieldsProps extends Fault {
  readonly form: PromotionForm;
  readonly onChange: (form: PromotionForm) => void;
}

const kinds = [
  { kind: "selection", label: "Images by repository and tag" },
  { kind: "list", label: "A list of images" },
] as const satisfies readonly { readonly kind: PromotionForm["kind"]; readonly label: string }[];

/** What a promotion brings where: a selection or a list, and how many imports at once. */
export function PromotionFields({ form, onChange, faulty, fault }: PromotionFieldsProps) {
  const { selection } = form;
  const faultAt = (name: string) => (faulty === name ? fault : undefined);
  const choose = (changes: Partial<SelectionForm>) => onChange({ ...form, selection: { ...selection, ...changes } });
  return (
    <>
      <fieldset>
        <legend>What to import</legend>
        {kinds.map(({ kind, label }) => (
          <label key={kind} class="check">
            <input type="radio" name="kind" checked={form.kind === kind} onChange={() => onChange({ ...form, kind })} />
            <span>{label}</span>
          </label>
        ))}
      </fieldset>
      {form.kind === "selection" ? (
        <SelectionFields form={selection} onChange={choose} tags="selection" faulty={faulty} fault={fault} />
      ) : (
        <>
          <TextField
            {...{ name: "items", label: "Images", lines: "many", value: form.items, isRequired: true }}
            help="One per line: source, then repository:tag at the target where it is to be another. At most 1,000."
            fault={faultAt("items")}
            onChange={(items) => onChange({ ...form, items })}
          />
          <TextField
            {...{ name: "targetRegistry", label: "Target registry", lines: "one", value: selection.targetRegistry }}
            help="Empty: the service's default."
            fault={faultAt("targetRegistry")}
            onChange={(targetRegistry) => choose({ targetRegistry })}
          />
          <ConflictChoice value={selection.conflict} onChange={(conflict) => choose({ conflict })} />
          <CheckField
            name="referrers"
            label="Bring signatures, SBOMs and attestations along"
            isChecked={selection.referrers}
            onChange={(referrers) => choose({ referrers })}
          />
          <TextField
            {...{ name: "platforms", label: "Platforms", lines: "several", value: selection.platforms }}
            help="os/architecture, one per line. Empty: all."
            fault={faultAt("platforms")}
            onChange={(platforms) => choose({ platforms })}
          />
          <CheckField
            {...{ name: "sparseIndex", label: sparseLabel, isChecked: selection.sparseIndex }}
            fault={faultAt("sparseIndex")}
            onChange={(sparseIndex) => choose({ sparseIndex })}
          />
        </>
      )}
      <TextField
        {...{ name: "maxConcurrent", label: "Imports at once", lines: "one", value: form.maxConcurrent }}
        help="Empty: 50."
        fault={faultAt("maxConcurrent")}
        onChange={(maxConcurrent) => onChange({ ...form, maxConcurrent })}
      />
      <TextField
        {...{ name: "labels", label: "Labels", lines: "several", value: form.labels }}
        help="key=value, one per line."
        fault={faultAt("labels")}
        onChange={(labels) => onChange({ ...form, labels })}
      />
    </>
  );
}
