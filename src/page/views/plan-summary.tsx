import type { PlanView } from "../../domain/plan-view.ts";
import { formatBytes } from "../../domain/quantities.ts";
import { Facts } from "../parts/facts.tsx";
import { isThere } from "../parts/part-tree.ts";
import { PartsList } from "../parts/parts-list.tsx";
import { targetPlaces } from "../places.ts";

/** What an import would do: how much is to be copied, what is there already, and where it goes. */
export function PlanSummary({ plan }: { readonly plan: PlanView }) {
  const blobs = plan.parts.filter(({ kind }) => kind === "blob");
  const missing = blobs.filter((part) => !isThere(part));
  const missingBytes = missing.reduce((total, { sizeBytes }) => total + sizeBytes, 0);
  return (
    <section class="card" aria-labelledby="plan-title">
      <h2 id="plan-title">The plan</h2>
      <p class="message" role="status">
        {plan.action === "skip"
          ? "Nothing to do: the target holds all of it."
          : `${missing.length} of ${blobs.length} blobs to copy or mount, ${formatBytes(missingBytes)}; ${
              blobs.length - missing.length
            } are there.`}
      </p>
      <Facts
        facts={[
          ["Source digest", <code key="source">{plan.source.digest}</code>],
          ["Target digest", <code key="target">{plan.target.digest}</code>],
          ["Goes to", targetPlaces(plan.target).join(", ")],
        ]}
      />
      {plan.warnings.length > 0 && (
        <ul>
          {plan.warnings.map((warning) => (
            <li key={warning}>{warning}</li>
          ))}
        </ul>
      )}
      <PartsList parts={plan.parts} />
    </section>
  );
}
