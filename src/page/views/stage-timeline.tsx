import type { ImportState } from "../../domain/import-record.ts";
import type { ImportView } from "../../domain/import-view.ts";
import { formatDuration } from "../../domain/quantities.ts";
import type { Stage } from "../../errors.ts";
import { Time } from "../parts/time.tsx";
import { importLookOf } from "../tones.ts";

const stages = [
  "Accepted",
  "Resolving",
  "Copying",
  "Verifying",
  "Publishing",
] as const satisfies readonly ImportState[];

/** Stages that took less are not what anybody looks for. */
const briefSeconds = 1;
const minuteLength = "2026-01-01T00:00".length; // stages of one minute are told its time once

/** The stages of an import in their order: when each began, how long it took, and which were never come to. */
export function StageTimeline({ view }: { readonly view: ImportView }) {
  const { state, verify, timeline, finishedAt } = view;
  const hasEnded = importLookOf(state).hasEnded;
  const entries = new Map(timeline.map((entry) => [entry.state, entry]));
  const shown = stages.filter((stage) => stage !== "Verifying" || verify === "full" || entries.has(stage));
  const failed = failedStage(view);
  const failedAt = failed === undefined ? -1 : shown.indexOf(failed);
  const lookOf = (stage: ImportState, at: number) => {
    if (stage === state) return "current";
    if (failedAt >= 0 && at >= failedAt) return at === failedAt ? "failed" : entries.has(stage) ? "past" : "ahead";
    return entries.has(stage) || wasSurelyPassed(view, stage) ? "past" : "ahead";
  };
  return (
    <ol class="timeline" aria-label="Stages">
      {shown.map((stage, index) => {
        const entry = entries.get(stage);
        const look = lookOf(stage, index);
        const previous = shown[index - 1];
        const before = previous && entries.get(previous)?.at.slice(0, minuteLength);
        return (
          <li key={stage} class={look} aria-current={look === "current" ? "step" : undefined}>
            <span>{stage}</span>
            {entry !== undefined && entry.at.slice(0, minuteLength) !== before && <Time at={entry.at} />}
            {entry?.seconds !== undefined && (
              <span class={entry.seconds < briefSeconds ? "took brief" : "took"}>{formatDuration(entry.seconds)}</span>
            )}
            {look === "failed" && <span class="took">failed here</span>}
            {hasEnded && look === "ahead" && (
              <span class="took">{state === "Skipped" ? "not needed" : "not reached"}</span>
            )}
          </li>
        );
      })}
      <li class={hasEnded ? `ended ${importLookOf(state).tone}` : "ahead"} aria-current={hasEnded ? "step" : undefined}>
        <span>{hasEnded ? state : "Ended"}</span>
        {finishedAt !== undefined && <Time at={finishedAt} />}
      </li>
    </ol>
  );
}

/** The stage that a failure belongs to. What is read back without `verify: full` is read back while it publishes. */
function failedStage({ state, verify, error }: ImportView): (typeof stages)[number] | undefined {
  if (state !== "Failed" || error?.stage === undefined) return undefined;
  return error.stage === "verify" && verify !== "full" ? "Publishing" : stageStates[error.stage];
}

const stageStates: Readonly<Record<Stage, (typeof stages)[number]>> = {
  accept: "Accepted",
  resolve: "Resolving",
  copy: "Copying",
  verify: "Verifying",
  publish: "Publishing",
};

/**
 * Stages that are not in the timeline: of imports from before it was kept, and the resolving of one whose source was not
 * found, which is stored with the source's digest.
 */
function wasSurelyPassed({ state, progress, error }: ImportView, stage: ImportState): boolean {
  if (stage === "Resolving" && (error?.stage === "resolve" || progress !== undefined)) return true;
  return state === "Succeeded" || (stage === "Copying" && progress !== undefined && state !== "Skipped");
}
