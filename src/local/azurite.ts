import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { createInterface } from "node:readline";

export interface AzuriteOptions {
  /** Where the data is kept; undefined: in memory only. */
  readonly directory: string | undefined;
}

/** A running Azurite: blob, queue and table service in one process of its own. */
export interface Azurite extends AsyncDisposable {
  readonly connectionString: string;
  readonly pid: number;
  /** Saves the data and ends the process. */
  readonly close: () => Promise<void>;
}

/** Azurite's published account: every installation has this key. */
const account = "devstoreaccount1";
const accountKey = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
const startDeadlineMs = 30_000;
const stopDeadlineMs = 5_000;

/**
 * Loaded into the child before Azurite. Its stdin is a pipe that nobody writes to: it ends when this process does,
 * whatever ends it, so that no Azurite outlives its owner, and it has then saved its data.
 */
const watchParent = `
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {}); // nobody reads it any more
  process.stdin.on("end", () => {
    process.kill(process.pid, "SIGTERM");
    setTimeout(() => process.exit(1), ${stopDeadlineMs - 1_000}).unref();
  }).resume();`;

/**
 * Starts the azurite package on ports that the system chooses and reads them from its output. That takes 1.4 s on two
 * cores, nearly all of it spent on loading its 1,400 modules, so start it before anything else and await it late.
 */
export async function startAzurite({ directory }: AzuriteOptions): Promise<Azurite> {
  if (directory !== undefined) await mkdir(directory, { recursive: true });
  const script = createRequire(import.meta.url).resolve("azurite/dist/src/azurite.js");
  const preload = `data:text/javascript,${encodeURIComponent(watchParent)}`;
  const ports = ["--blobPort", "0", "--queuePort", "0", "--tablePort", "0"];
  const flags = ["--silent", "--skipApiVersionCheck", "--disableTelemetry"];
  const place = directory === undefined ? ["--inMemoryPersistence"] : ["--location", directory];
  const child = spawn(process.execPath, ["--import", preload, script, ...ports, ...flags, ...place], {
    cwd: directory ?? tmpdir(), // it writes a debug log there if anywhere
    detached: true, // Ctrl-C in a terminal goes to the whole group; the storage must outlive the host that uses it
    stdio: ["pipe", "pipe", "inherit"],
    env: { PATH: process.env.PATH, HOME: process.env.HOME }, // no settings, no secrets, no NODE_OPTIONS
  });
  const { pid, stdin, stdout } = child;
  if (pid === undefined || !stdin || !stdout) throw new Error("Azurite could not be started");
  stdin.on("error", () => {}); // a child that died: its exit is what is looked at
  const endpoints = await readEndpoints(child).catch((thrown: unknown) => {
    child.kill("SIGKILL");
    throw thrown;
  });
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= stop(child);
    return closing;
  };
  return { connectionString: connectionStringOf(endpoints), pid, close, [Symbol.asyncDispose]: close };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.stdin?.end();
  const deadline = setTimeout(() => child.kill("SIGKILL"), stopDeadlineMs);
  await exited;
  clearTimeout(deadline);
}

type Endpoints = Readonly<Record<"Blob" | "Queue" | "Table", string>>;

function connectionStringOf(endpoints: Endpoints): string {
  const named = Object.entries(endpoints).map(([service, url]) => `${service}Endpoint=${url}/${account};`);
  return `DefaultEndpointsProtocol=http;AccountName=${account};AccountKey=${accountKey};${named.join("")}`;
}

/** Azurite says "… service is successfully listening at URL" once for each service, when it accepts connections. */
async function readEndpoints(child: ChildProcess): Promise<Endpoints> {
  if (!child.stdout) throw new Error("Azurite has no output to read its ports from");
  const deadline = setTimeout(() => child.kill("SIGKILL"), startDeadlineMs);
  const found = new Map<string, string>();
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      const [, service, url] = /Azurite (Blob|Queue|Table) service is successfully listening at (\S+)/.exec(line) ?? [];
      if (service && url) found.set(service, url);
      const [Blob, Queue, Table] = [found.get("Blob"), found.get("Queue"), found.get("Table")];
      if (Blob && Queue && Table) return { Blob, Queue, Table };
    }
  } finally {
    clearTimeout(deadline);
    child.stdout.resume(); // a full pipe would stop the server
  }
  throw new Error(`Azurite did not start within ${startDeadlineMs / 1_000} s`);
}
