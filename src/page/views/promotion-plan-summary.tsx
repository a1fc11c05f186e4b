import type { PromotionPlan } from "../../domain/promotion-record.ts";
import { RowsTable } from "../parts/rows-table.tsx";

const columns = [
  { name: "Source", look: "places" },
  { name: "Target", look: "places" },
] as const;
const maxShown = 100; // a page of them; how many there are says the rest

/** The images that a promotion would import: how many, and the first of them. */
export function PromotionPlanSummary({ plan: { items, isComplete, warnings } }: { readonly plan: PromotionPlan }) {
  const shown = items.slice(0, maxShown);
  return (
    <section class="card" aria-labelledby="plan-title">
      <h2 id="plan-title">What it would import</h2>
      <p class="message" role="status">
        {isComplete ? countImages(items.length) : `More than ${countImages(items.length)}`}
        {shown.length < items.length && `; the first ${shown.length}:`}
      </p>
      {!isComplete && (
        <p class="help">There are more, or listing them took too long. A promotion imports all of them.</p>
      )}
      {warnings.length > 0 && (
        <ul>
          {warnings.map((warning) => (
            <li key={warning}>{warning}</li>
          ))}
        </ul>
      )}
      {shown.length > 0 && (
        <RowsTable
          caption="Images that would be imported"
          columns={columns}
          rows={shown.map(({ source, target }) => ({ key: `${source} ${target}`, cells: [source, target] }))}
        />
      )}
    </section>
  );
}

function countImages(count: number): string {
  if (count === 0) return "No image";
  return count === 1 ? "1 image" : `${count.toLocaleString()} images`;
}
