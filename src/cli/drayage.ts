import { readFile, writeFile } from "node:fs/promises";
import { addAbortSignal } from "node:stream";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import type { CliIo, TextOutput } from "./cli-io.ts";
import { Interrupted } from "./follow.ts";
import { runProgram } from "./program.ts";

/*
 * The command `drayage`: connects the program to this process. Two ways out besides its end: the first Ctrl-C lets
 * the command say what goes on, the second one ends the process at once.
 */

const interruption = new AbortController();
process.once("SIGINT", () => interruption.abort(new Interrupted("Ctrl-C")));

const io: CliIo = {
  stdout: toTextOutput(process.stdout),
  stderr: toTextOutput(process.stderr),
  readStdin,
  readFile: (path) => readFile(path, "utf8"),
  writeFile: (path, content) => writeFile(path, content),
  now: Date.now,
  sleep: async (ms, signal) => {
    try {
      await delay(ms, undefined, { signal });
    } catch (thrown) {
      signal.throwIfAborted(); // the reason, not node's AbortError around it
      throw thrown;
    }
  },
  fetch,
  interrupted: interruption.signal,
};

process.exitCode = await runProgram(process.argv.slice(2), io);

function toTextOutput(stream: NodeJS.WriteStream): TextOutput {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(); // `drayage list | head`: nobody reads any more
    throw error;
  });
  return {
    write: (text) => {
      stream.write(text);
    },
    isTty: stream.isTTY === true,
    columns: () => stream.columns || 80, // 0: a terminal that does not know its size
  };
}

async function readStdin(): Promise<string> {
  try {
    return await text(addAbortSignal(interruption.signal, process.stdin));
  } catch (thrown) {
    interruption.signal.throwIfAborted();
    throw thrown;
  }
}
