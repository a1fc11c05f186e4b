import type { PlanView, PlanWork } from "../../domain/plan-view.ts";
import { formatBytes } from "../../domain/quantities.ts";
import { Facts } from "../parts/facts.tsx";
import { openFate } from "../parts/part-tree.ts";
import { PartsList } from "../parts/parts-list.tsx";
import { targetPlaces } from "../places.ts";

/** What an import would do: how much is to be copied or mounted, what is there already, and where it goes. */
export function PlanSummary({ plan }: { readonly plan: PlanView }) {
  const { mount } = plan.work;
  return (
    <section class="card" aria-labelledby="plan-title">
      <h2 id="plan-title">The plan</h2>
      <p class="message" role="status">
        {plan.action === "skip" ? "Nothing to do: the target holds all of it." : workLine(plan.work)}
      </p>
      {mount.blobs > 0 && (
        <p class="help">
          A mount takes the bytes over from another repository of the target. A registry may refuse it: then they are
          copied.
        </p>
      )}
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
      <PartsList parts={plan.parts} fate={openFate} />
    </section>
  );
}

function workLine({ copy, mount, skip }: PlanWork): string {
  const said = [
    [copy, "to copy"],
    [mount, "to mount"],
    [skip, "there already"],
  ] as const;
  const shown = said.filter(([{ blobs }]) => blobs > 0);
  if (shown.length === 0) return "No blobs.";
  return shown
    .map(([{ blobs, bytes }, what]) => `${blobs} ${blobs === 1 ? "blob" : "blobs"} ${what} (${formatBytes(bytes)})`)
    .join(", ");
}
