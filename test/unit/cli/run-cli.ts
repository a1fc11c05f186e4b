import { spawn } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { CliIo, TextOutput } from "../../../src/cli/cli-io.ts";
import { runProgram } from "../../../src/cli/program.ts";

export interface CliSettings {
  readonly stdin?: string;
  readonly isTty?: boolean;
  readonly interrupted?: AbortSignal;
  /** Called instead of each wait; time passes without it. */
  readonly onSleep?: (count: number) => void | Promise<void>;
}

/** Runs the program inside the test: real HTTP, but a clock that a wait sets forward at once. */
export async function runCli(args: readonly string[], settings: CliSettings = {}) {
  const stdout = captureOutput(settings.isTty ?? false);
  const stderr = captureOutput(settings.isTty ?? false);
  let nowMs = Date.parse("2026-01-31T12:00:00Z");
  const sleepsMs: number[] = [];
  const io: CliIo = {
    stdout: stdout.output,
    stderr: stderr.output,
    readStdin: async () => settings.stdin ?? "",
    readFile: (path) => readFile(path, "utf8"),
    writeFile: (path, text) => writeFile(path, text),
    now: () => nowMs,
    sleep: async (ms, signal) => {
      nowMs += ms;
      sleepsMs.push(ms);
      await settings.onSleep?.(sleepsMs.length);
      signal.throwIfAborted();
    },
    fetch,
    interrupted: settings.interrupted ?? new AbortController().signal,
  };
  const exitCode = await runProgram(args, io);
  return { exitCode, stdout: stdout.text(), stderr: stderr.text(), sleepsMs };
}

/** Starts the program as a process of its own, its outputs piped. */
export function spawnCli(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const entry = fileURLToPath(new URL("../../../src/cli/drayage.ts", import.meta.url));
  const child = spawn(process.execPath, [entry, ...args], { env: { PATH: process.env.PATH, ...environment } });
  const texts = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    texts.stdout += chunk;
  });
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    texts.stderr += chunk;
  });
  const exit = new Promise<{ exitCode: number | null; stdout: string; stderr: string }>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (exitCode) => resolve({ exitCode, ...texts }));
  });
  return { child, exit };
}

function captureOutput(isTty: boolean): { readonly output: TextOutput; readonly text: () => string } {
  let written = "";
  const write = (text: string) => {
    written += text;
  };
  return { output: { write, isTty, columns: () => 100 }, text: () => written };
}
