import { hasEnded } from "../domain/import-record.ts";
import type { ImportView } from "./api-records.ts";
import type { CliIo, TextOutput } from "./cli-io.ts";
import { printable } from "./format-values.ts";
import { formatDirection, formatProgressLine, renderLive } from "./progress-display.ts";

/** Shows a running import. `note` says something besides; `close` leaves the cursor on an empty line. */
export interface Display {
  readonly show: (record: ImportView) => void;
  readonly note: (text: string) => void;
  readonly close: () => void;
}

/**
 * The display that fits the outputs: lines that are redrawn on a terminal, lines that follow each other elsewhere. With
 * `json` standard output is kept for the record, and only a terminal on standard error shows progress.
 */
export function createDisplay(io: CliIo, format: "text" | "json"): Display {
  const output = format === "json" ? io.stderr : io.stdout;
  if (output.isTty) return createLiveDisplay(output, io.now);
  const notes = (text: string) => io.stderr.write(`${text}\n`);
  if (format === "json") return { show: () => {}, note: notes, close: () => {} };
  return createPlainDisplay(output, notes, io.now);
}

const plainLineMs = 10_000;

/** One line at each change of state, and one every 10 s. */
function createPlainDisplay(output: TextOutput, note: (text: string) => void, now: () => number): Display {
  let shownState: string | undefined;
  let shownAt = 0;
  return {
    show: (record) => {
      if (record.state === shownState && now() - shownAt < plainLineMs) return;
      if (shownState === undefined) output.write(`${printable(`Import ${record.id}  ${formatDirection(record)}`)}\n`);
      if (!hasEnded(record.state)) output.write(`${formatProgressLine(record)}\n`); // of an ended one the outcome follows
      shownState = record.state;
      shownAt = now();
    },
    note,
    close: () => {},
  };
}

function createLiveDisplay(output: TextOutput, now: () => number): Display {
  const startedAt = now();
  let drawn: readonly string[] = [];
  // Back over the lines drawn last, then erase to the end of the screen.
  const erase = () => (drawn.length === 0 ? "" : `\u001b[${drawn.length}A\r\u001b[J`);
  const draw = (lines: readonly string[], above: string) => {
    output.write(`${erase()}${above}${lines.map((line) => `${line}\n`).join("")}`);
    drawn = lines;
  };
  return {
    show: (record) => draw(renderLive(record, output.columns(), (now() - startedAt) / 1000), ""),
    note: (text) => draw(drawn, `${text}\n`),
    close: () => {
      drawn = []; // what was drawn stays
    },
  };
}
