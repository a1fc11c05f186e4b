import { printable } from "../printable.ts";
import type { CliIo, TextOutput } from "./cli-io.ts";

/** Shows something that runs. `note` says something besides; `close` leaves the cursor on an empty line. */
export interface Display<R> {
  readonly show: (record: R) => void;
  readonly note: (text: string) => void;
  readonly close: () => void;
}

/** How a record looks while it runs. */
export interface RecordViews<R> {
  /** The lines that a terminal redraws; none is longer than `columns`. */
  readonly live: (record: R, columns: number, elapsedSeconds: number) => readonly string[];
  /** Names the record in one line, where nothing can be redrawn. */
  readonly head: (record: R) => string;
  /** How far it is, in one line; undefined once it has ended, when its outcome follows. */
  readonly line: (record: R) => string | undefined;
}

/**
 * The display that fits the outputs: lines that are redrawn on a terminal, lines that follow each other elsewhere. With
 * `json` standard output is kept for the record, and only a terminal on standard error shows progress.
 */
export function createDisplay<R extends { readonly state: string }>(
  io: CliIo,
  format: "text" | "json",
  views: RecordViews<R>,
): Display<R> {
  const output = format === "json" ? io.stderr : io.stdout;
  if (output.isTty) return createLiveDisplay(output, io.now, views);
  const notes = (text: string) => io.stderr.write(`${printable(text)}\n`);
  if (format === "json") return { show: () => {}, note: notes, close: () => {} };
  return createPlainDisplay({ output, note: notes, now: io.now }, views);
}

const plainLineMs = 10_000;

interface PlainDeps {
  readonly output: TextOutput;
  readonly note: (text: string) => void;
  readonly now: () => number;
}

/** One line at each change of state, and one every 10 s. */
function createPlainDisplay<R extends { readonly state: string }>(
  { output, note, now }: PlainDeps,
  views: RecordViews<R>,
): Display<R> {
  let shownState: string | undefined;
  let shownAt = 0;
  return {
    show: (record) => {
      if (record.state === shownState && now() - shownAt < plainLineMs) return;
      if (shownState === undefined) output.write(`${printable(views.head(record))}\n`);
      const line = views.line(record);
      if (line !== undefined) output.write(`${printable(line)}\n`);
      shownState = record.state;
      shownAt = now();
    },
    note,
    close: () => {},
  };
}

function createLiveDisplay<R>(output: TextOutput, now: () => number, views: RecordViews<R>): Display<R> {
  const startedAt = now();
  let drawn: readonly string[] = [];
  // Back over the lines drawn last, then erase to the end of the screen.
  const erase = () => (drawn.length === 0 ? "" : `\u001b[${drawn.length}A\r\u001b[J`);
  const draw = (lines: readonly string[], above: string) => {
    output.write(`${erase()}${above}${lines.map((line) => `${line}\n`).join("")}`);
    drawn = lines;
  };
  return {
    show: (record) => draw(views.live(record, output.columns(), (now() - startedAt) / 1000), ""),
    note: (text) => draw(drawn, `${printable(text)}\n`),
    close: () => {
      drawn = []; // what was drawn stays
    },
  };
}
