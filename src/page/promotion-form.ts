import type { ProblemView } from "../domain/problem-view.ts";
import type { PromotionRequest } from "../domain/promotion-request-schema.ts";
import { labelsOf, linesOf } from "./import-form.ts";
import { emptySelection, type SelectionForm, selectionFieldOf, writeSelection } from "./selection-form.ts";

/** A promotion as it is filled in. */
export interface PromotionForm {
  readonly kind: "selection" | "list";
  /** Of a list, only where to and how count. */
  readonly selection: SelectionForm;
  /** Of a list: an image per line, `SOURCE [TARGET-REPOSITORY:TAG …]`. */
  readonly items: string;
  readonly maxConcurrent: string;
  readonly labels: string;
}

export const emptyPromotion: PromotionForm = {
  kind: "selection",
  selection: { ...emptySelection, conflict: "skipIfSame" },
  items: "",
  maxConcurrent: "",
  labels: "",
};

/** The request that a form stands for. What it means is for the service to judge. */
export function writePromotion(form: PromotionForm): PromotionRequest {
  const { kind, selection, items } = form;
  const maxConcurrent = form.maxConcurrent.trim();
  const labels = labelsOf(form.labels);
  const common = {
    ...(maxConcurrent !== "" && { maxConcurrent: Number(maxConcurrent) }),
    ...(labels !== undefined && { labels }),
  };
  if (kind === "selection") return { ...writeSelection(selection, undefined), ...common };
  const target = selection.targetRegistry.trim();
  const platforms = linesOf(selection.platforms);
  return {
    items: linesOf(items).map((line) => writeItem(line, target)),
    conflict: selection.conflict,
    ...(platforms.length > 0 && { platforms }),
    ...(selection.sparseIndex && { sparseIndex: true }),
    ...(selection.referrers && { referrers: true }),
    ...common,
  };
}

function writeItem(line: string, target: string) {
  const [source = "", ...targetTags] = line.split(/\s+/).filter((word) => word !== "→" && word !== "->");
  return { source, ...(target !== "" && { target }), ...(targetTags.length > 0 && { targetTags }) };
}

/** The field that a refusal is about, and what is said there: of an item with the line that it stands in. */
export function promotionFaultOf(form: PromotionForm, { property = "", detail }: ProblemView) {
  const own = ["maxConcurrent", "labels", "items"].find((name) => property === name || property.startsWith(`${name}.`));
  if (own !== undefined) return { faulty: own, fault: detail };
  const [, at, rest = ""] = /^items\[(\d+)\]\.?(.*)$/.exec(property) ?? [];
  if (at === undefined) return { faulty: selectionFieldOf(property), fault: detail };
  const shared = selectionFieldOf(rest);
  if (
    shared === "platforms" ||
    shared === "sparseIndex" ||
    (shared === "targetRegistry" && rest === "target" && form.selection.targetRegistry)
  )
    return { faulty: shared, fault: detail };
  return { faulty: "items", fault: `Line ${lineOf(form.items, Number(at))}: ${detail}` };
}

/** The number, from 1, of the line that an item stands in: empty lines are none. */
function lineOf(text: string, item: number): number {
  const filled = text.split("\n").flatMap((line, at) => (line.trim() === "" ? [] : [at + 1]));
  return filled[item] ?? item + 1;
}
