import type { ImportView } from "../../domain/import-view.ts";
import { formatBytes } from "../../domain/quantities.ts";
import { withoutHint } from "../error-text.ts";
import { formatSource, formatTarget } from "../places.ts";
import { formatHash } from "../routing.ts";
import { stateLooks } from "../tones.ts";
import { Badge } from "./badge.tsx";
import { ByteBar, percentOf } from "./byte-bar.tsx";
import { Time } from "./time.tsx";

export interface ImportTableProps {
  readonly caption: string;
  readonly imports: readonly ImportView[];
}

/** Imports, each with its place, its progress and why it failed. */
export function ImportTable({ caption, imports }: ImportTableProps) {
  return (
    <table class="rows">
      <caption class="unseen">{caption}</caption>
      <thead>
        <tr>
          <th scope="col">State</th>
          <th scope="col">Source → target</th>
          <th scope="col">Progress</th>
          <th scope="col">Trigger</th>
          <th scope="col">Created</th>
        </tr>
      </thead>
      <tbody>
        {imports.map((view) => (
          <ImportRow key={view.id} view={view} />
        ))}
      </tbody>
    </table>
  );
}

function ImportRow({ view }: { readonly view: ImportView }) {
  const { id, state, source, target, trigger, createdAt, progress, error } = view;
  const from = source === undefined ? "could not be read" : formatSource(source);
  return (
    <tr>
      <td>
        <Badge text={state} tone={stateLooks[state].tone} />
      </td>
      <td class="places">
        <a href={formatHash("import", id)}>{from}</a>
        <span class="to">→ {target === undefined ? "–" : formatTarget(target)}</span>
        {error !== undefined && (
          <span class="row-error">
            <bdi>{withoutHint(error)}</bdi>
          </span>
        )}
      </td>
      <td class="progress">
        {progress !== undefined && (
          <>
            <ByteBar progress={progress} label={`Progress of ${from}`} />
            <span>
              {percentOf(progress)} % of {formatBytes(progress.bytes.total)}
            </span>
          </>
        )}
      </td>
      <td>{trigger.kind}</td>
      <td>
        <Time at={createdAt} />
      </td>
    </tr>
  );
}
