import type { PromotionSummary, PromotionView } from "../domain/promotion-record.ts";
import type { Share } from "./parts/share-bar.tsx";

/** What a promotion brings where, in a line; a list's items are not part of its request. */
export function describePromotion({ request, trigger }: Pick<PromotionSummary, "request" | "trigger">): string {
  const by = trigger.ref === undefined ? "" : ` (${trigger.kind} ${trigger.ref})`;
  const source = memberOf(request, "source");
  const registry = memberOf(source, "registry");
  const repositories = memberOf(source, "repositories");
  if (typeof registry !== "string" || !Array.isArray(repositories)) return `A list of images${by}`;
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

function memberOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
