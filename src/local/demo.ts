import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type DemoService, runDemo } from "./demo-run.ts";
import { parseFlags } from "./parse-flags.ts";
import { serviceEnvironment, serviceNodeFlags } from "./service-process.ts";

/* `npm run demo`: an import from one registry into another, everything on this machine. */

/** Settings of this machine that must not reach the demo: it works on storage and registries of its own. */
const unset = {
  AzureWebJobsStorage: "",
  AzureWebJobsStorage__accountName: "",
  AzureWebJobsStorage__tableServiceUri: "",
  AzureWebJobsStorage__queueServiceUri: "",
  DEFAULT_TARGET: "",
  REGISTRIES: "",
  ALLOWED_SOURCES: "",
  TABLE_PREFIX: "",
};
const shownLogLines = 20;
const deadlineMs = 120_000; // it takes a fifth of that

const usage = `usage: npm run demo -- [--keep] [--open]

  --keep   leave registries and service running until Ctrl-C
  --open   show the dashboard in a browser, and keep everything running`;

const { values } = parseFlags(
  {
    options: {
      keep: { type: "boolean", default: false },
      open: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  },
  usage,
);
if (values.help) {
  console.log(usage);
  process.exit();
}

const interruption = new AbortController();
process.once("SIGINT", () => interruption.abort(new Error("interrupted")));
const signal = AbortSignal.any([interruption.signal, AbortSignal.timeout(deadlineMs)]);

const goesOn = values.keep || values.open;
const log: string[] = [];
try {
  const print = (line: string) => console.log(line);
  await runDemo({ startService, cliPath: built("drayage.mjs"), print, goesOn, atEnd }, signal);
} catch (thrown) {
  if (log.length > 0 && !interruption.signal.aborted)
    console.error(`\nThe service logged last:\n${log.slice(-shownLogLines).join("\n")}`);
  console.error(`\nThe demo failed: ${reasonOf(thrown)}`);
  process.exitCode = 1;
}

/** Leaves everything as it is for a look, until Ctrl-C. */
async function atEnd(serviceUrl: string): Promise<void> {
  if (values.open) openInBrowser(`${serviceUrl}/`);
  if (!goesOn) return;
  console.log("\nEverything goes on running. Ctrl-C stops it.");
  const alive = setInterval(() => {}, 60_000); // an abort signal alone keeps no process
  if (!interruption.signal.aborted) await once(interruption.signal, "abort");
  clearInterval(alive);
}

const openers: Partial<Readonly<Record<NodeJS.Platform, string>>> = { darwin: "open", win32: "explorer" };

function openInBrowser(url: string): void {
  const opener = spawn(openers[process.platform] ?? "xdg-open", [url], { stdio: "ignore", detached: true });
  opener.once("error", ({ message }) => console.error(`no browser could be opened (${message}): ${url}`));
  opener.unref();
}

/** What `npm start` runs, as a process of its own that keeps nothing; its log is shown only if the demo fails. */
async function startService(settings: Readonly<Record<string, string>>): Promise<DemoService> {
  const child = spawn(
    process.execPath,
    [...serviceNodeFlags, built("local/start.mjs"), "--port", "0", "--memory", "--json"],
    {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...serviceEnvironment, ...unset, ...settings },
    },
  );
  const exited = once(child, "exit");
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill); // whatever ends the demo, no service is left behind
  const close = async () => {
    child.kill("SIGTERM");
    await exited;
    process.off("exit", kill);
  };
  child.stderr.setEncoding("utf8").on("data", (text: string) => log.push(text.trimEnd()));
  const started = new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      const url = /^\{"url":"(http:[^"]+)"/.exec(line)?.[1];
      if (url === undefined) log.push(line);
      else resolve(url);
    });
    child.once("exit", (exitCode) => reject(new Error(`the service ended with exit code ${exitCode} as it started`)));
    child.once("error", reject);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
  try {
    return { url: await started, close };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

/** A file of dist/, seen from dist/local/ as from src/local/. */
function built(path: string): string {
  return fileURLToPath(new URL(`../../dist/${path}`, import.meta.url));
}

function reasonOf(thrown: unknown): string {
  if (interruption.signal.aborted) return "interrupted";
  if (!(thrown instanceof Error)) return String(thrown);
  return thrown.name === "TimeoutError" ? `not done after ${deadlineMs / 1000} s` : (thrown.stack ?? thrown.message);
}
