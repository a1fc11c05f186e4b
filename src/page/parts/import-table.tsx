import { Fragment } from "preact";
import type { ImportView } from "../../domain/import-view.ts";
import { formatBytes, formatDuration } from "../../domain/quantities.ts";
import { withoutHint } from "../error-text.ts";
import { formatSource, formatTarget } from "../places.ts";
import { formatHash } from "../routing.ts";
import { importLookOf } from "../tones.ts";
import { Badge } from "./badge.tsx";
import { ByteBar, percentOf } from "./byte-bar.tsx";
import { Places } from "./places.tsx";
import { RowsTable } from "./rows-table.tsx";
import { Time } from "./time.tsx";

export interface ImportTableProps {
  readonly caption: string;
  readonly imports: readonly ImportView[];
}

const columns = [
  { name: "State", look: "state" },
  { name: "Source → target", look: "places" },
  { name: "Progress", look: "progress" },
  { name: "Trigger", look: "short" },
  { name: "Created", look: "when" },
] as const;

/** Imports, each with its place, its progress and why it failed. */
export function ImportTable({ caption, imports }: ImportTableProps) {
  return <RowsTable {...{ caption, columns }} rows={imports.map((view) => ({ key: view.id, cells: cellsOf(view) }))} />;
}

function cellsOf({
  id,
  state,
  source,
  target,
  trigger,
  createdAt,
  startedAt,
  finishedAt,
  progress,
  error,
}: ImportView) {
  const from = source === undefined ? "could not be read" : formatSource(source);
  const to = target === undefined ? "–" : formatTarget(target);
  return [
    <Badge key="state" text={state} tone={importLookOf(state).tone} />,
    <Places
      key="places"
      {...{ from, to, href: formatHash("import", id), error: error === undefined ? undefined : withoutHint(error) }}
    />,
    progress !== undefined && (
      <>
        <ByteBar progress={progress} label={`Progress of ${from}`} />
        <span>
          {percentOf(progress)} % of {formatBytes(progress.bytes.total)}
        </span>
      </>
    ),
    trigger.kind,
    <Fragment key="created">
      <Time at={createdAt} />
      {startedAt !== undefined && finishedAt !== undefined && (
        <span class="took-line">took {formatDuration((Date.parse(finishedAt) - Date.parse(startedAt)) / 1_000)}</span>
      )}
    </Fragment>,
  ];
}
