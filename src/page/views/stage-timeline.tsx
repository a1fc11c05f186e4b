import type { ImportState } from "../../domain/import-record.ts";
import type { ImportView } from "../../domain/import-view.ts";
import { Time } from "../parts/time.tsx";
import { stateLooks } from "../tones.ts";

const stages = ["Accepted", "Resolving", "Copying", "Publishing"] as const satisfies readonly ImportState[];

/** The stages of an import in their order: what is behind, what is going on, and when, as far as the record tells. */
export function StageTimeline({ view }: { readonly view: ImportView }) {
  const { state, createdAt, startedAt, finishedAt } = view;
  const hasEnded = stateLooks[state].hasEnded;
  const at = stages.findIndex((stage) => stage === (state === "Verifying" ? "Copying" : state));
  const times: Partial<Record<ImportState, string | undefined>> = { Accepted: createdAt, Resolving: startedAt };
  return (
    <ol class="timeline" aria-label="Stages">
      {stages.map((stage, index) => {
        const look = hasEnded || index < at ? "past" : index === at ? "current" : "ahead";
        return (
          <li key={stage} class={look} aria-current={look === "current" ? "step" : undefined}>
            <span>{stage}</span>
            {times[stage] !== undefined && <Time at={times[stage]} />}
          </li>
        );
      })}
      <li class={hasEnded ? `ended ${stateLooks[state].tone}` : "ahead"} aria-current={hasEnded ? "step" : undefined}>
        <span>{hasEnded ? state : "Ended"}</span>
        {finishedAt !== undefined && <Time at={finishedAt} />}
      </li>
    </ol>
  );
}
