import type { PromotionSummary, PromotionView } from "../domain/promotion-record.ts";
import { withoutHint } from "./error-text.ts";
import type { Share } from "./parts/share-bar.tsx";

type Described = Pick<PromotionSummary, "request" | "trigger"> & Partial<Pick<PromotionView, "counts">>;

/** What a promotion brings where, in a line; a list's items are not part of its request, so that their number names it. */
export function describePromotion({ request, trigger, counts }: Described): string {
  const by = trigger.ref === undefined ? "" : ` (${trigger.kind} ${trigger.ref})`;
  const source = memberOf(request, "source");
  const registry = memberOf(source, "registry");
  const repositories = memberOf(source, "repositories");
  if (typeof registry !== "string" || !Array.isArray(repositories))
    return `A list of ${countImages(counts?.total ?? 0)}${by}`;
  const target = memberOf(memberOf(request, "target"), "registry");
  return `${registry}/${repositories.join(", ")}${typeof target === "string" ? ` → ${target}` : ""}${by}`;
}

/** Items by state, in the order in which they pass through them. */
export function sharesOf({ counts }: Pick<PromotionView, "counts">): readonly Share[] {
  return [
    { name: "Succeeded", count: counts.succeeded, look: "good" },
    { name: "Skipped", count: counts.skipped, look: "skipped" },
    { name: "Failed", count: counts.failed, look: "bad" },
    { name: "Cancelled", count: counts.cancelled, look: "line" },
    { name: "Queued or running", count: counts.queued, look: "busy" },
    { name: "Waiting", count: counts.pending, look: "pending" },
  ];
}

/** Failures of one code: what can be done about them once, and what happened to each. */
export interface FailureGroup {
  readonly code: string;
  /** Where it is the same for all of them; else it stands with each. */
  readonly hint: string | undefined;
  readonly failures: readonly { readonly item: string; readonly importId: string; readonly text: string }[];
}

/** The failures that are known of a promotion, by code in the order in which the codes come first. */
export function groupByCode(firstErrors: PromotionView["firstErrors"]): readonly FailureGroup[] {
  const codes = [...new Set(firstErrors.map(({ error }) => error.code))];
  return codes.map((code) => {
    const own = firstErrors.filter(({ error }) => error.code === code);
    const hints = new Set(own.map(({ error }) => error.hint));
    const isShared = hints.size === 1;
    return {
      code,
      hint: isShared ? own[0]?.error.hint : undefined,
      failures: own.map(({ item, importId, error }) => ({
        ...{ item, importId },
        text: isShared ? withoutHint(error) : error.message,
      })),
    };
  });
}

function countImages(count: number): string {
  if (count === 0) return "images";
  return count === 1 ? "1 image" : `${count} images`;
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
