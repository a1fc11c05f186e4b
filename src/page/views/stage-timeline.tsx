import type { ImportState } from "../../domain/import-record.ts";
import type { ImportView } from "../../domain/import-view.ts";
import { formatDuration } from "../../domain/quantities.ts";
import { Time } from "../parts/time.tsx";
import { stateLooks } from "../tones.ts";

const stages = [
  "Accepted",
  "Resolving",
  "Copying",
  "Verifying",
  "Publishing",
] as const satisfies readonly ImportState[];

/** The stages of an import in their order: when each began, how long it took, and which were never come to. */
export function StageTimeline({ view }: { readonly view: ImportView }) {
  const { state, verify, timeline, finishedAt } = view;
  const hasEnded = stateLooks[state].hasEnded;
  const entries = new Map(timeline.map((entry) => [entry.state, entry]));
  const shown = stages.filter((stage) => stage !== "Verifying" || verify === "full" || entries.has(stage));
  const lookOf = (stage: ImportState) =>
    stage === state ? "current" : entries.has(stage) || wasSurelyPassed(view, stage) ? "past" : "ahead";
  return (
    <ol class="timeline" aria-label="Stages">
      {shown.map((stage) => {
        const entry = entries.get(stage);
        const look = lookOf(stage);
        return (
          <li key={stage} class={look} aria-current={look === "current" ? "step" : undefined}>
            <span>{stage}</span>
            {entry !== undefined && <Time at={entry.at} />}
            {entry?.seconds !== undefined && <span class="took">{formatDuration(entry.seconds)}</span>}
            {hasEnded && look === "ahead" && <span class="took">not come to</span>}
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

/**
 * Stages that are not in the timeline: of imports from before it was kept, and the resolving of one whose source was not
 * found, which is stored with the source's digest.
 */
function wasSurelyPassed({ state, progress, error }: ImportView, stage: ImportState): boolean {
  if (stage === "Resolving" && (error?.stage === "resolve" || progress !== undefined)) return true;
  return state === "Succeeded" || (stage === "Copying" && progress !== undefined);
}
