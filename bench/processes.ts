import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { serviceEnvironment, serviceNodeFlags } from "../src/local/service-process.ts";

/** A child process that this run has started and ends. */
export interface Running extends AsyncDisposable {
  readonly process: ChildProcess;
}

export interface RunningRegistry extends Running {
  /** `127.0.0.1:port` */
  readonly host: string;
}

/** Debian's docker-registry over a directory of its own, without access log. */
export async function startDockerRegistry(directory: string, wantedPort?: number): Promise<RunningRegistry> {
  const port = wantedPort ?? (await freePort());
  const config = `${directory}.yml`;
  await mkdir(directory, { recursive: true });
  await writeFile(
    config,
    `version: 0.1
log: { level: error, accesslog: { disabled: true } }
storage: { filesystem: { rootdirectory: ${directory}, maxthreads: 100 }, delete: { enabled: true } }
http: { addr: "127.0.0.1:${port}" }
`,
  );
  const child = spawn("docker-registry", ["serve", config], { stdio: ["ignore", "ignore", "ignore"] });
  const host = `127.0.0.1:${port}`;
  await untilAnswers(`http://${host}/v2/`, child);
  return { host, process: child, [Symbol.asyncDispose]: () => stop(child) };
}

/** The same, removed with all it holds when disposed: a fresh target for one run. */
export async function startFreshRegistry(directory: string, port?: number): Promise<RunningRegistry> {
  await rm(directory, { recursive: true, force: true });
  const registry = await startDockerRegistry(directory, port);
  return {
    ...registry,
    [Symbol.asyncDispose]: async () => {
      await registry[Symbol.asyncDispose]();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

export interface RunningService extends Running {
  readonly url: string;
  /** Connection string of its tables and queues. */
  readonly storage: string;
  /** Resident size of the service process now, in MB. */
  readonly residentMB: () => Promise<number>;
  /** Greatest resident size of the service process so far, in MB (10^6). Azurite is another process. */
  readonly peakMB: () => Promise<number>;
  /** Storage transactions since the service started. */
  readonly transactions: () => Promise<number>;
}

/** The built service with Azurite, as `npm start` runs it. */
export async function startService(
  directory: string,
  hosts: readonly string[],
  more: Readonly<Record<string, string>> = {},
): Promise<RunningService> {
  const settings = {
    INSECURE_HOSTS: hosts.join(","),
    ALLOW_PRIVATE_HOSTS: hosts.join(","),
    ALLOWED_TARGETS: hosts.join(","),
    ALLOWED_SOURCES: hosts.join(","),
    ...more,
  };
  const child = spawn(
    process.execPath,
    [...serviceNodeFlags, "dist/local/start.mjs", "--port", "0", "--state", join(directory, "state"), "--json"],
    { stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, ...serviceEnvironment, ...settings } },
  );
  const { url, storage } = await firstLine(child);
  const readMB = async (field: "VmHWM" | "VmRSS") => {
    const status = await readFile(`/proc/${child.pid}/status`, "utf8");
    return (Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1]) * 1024) / 1e6;
  };
  return {
    url,
    storage,
    process: child,
    residentMB: () => readMB("VmRSS"),
    peakMB: () => readMB("VmHWM"),
    transactions: async () => {
      const health: unknown = await (await fetch(`${url}/api/health`)).json();
      return Number(/"transactions":(\d+)/.exec(JSON.stringify(health))?.[1]);
    },
    [Symbol.asyncDispose]: () => stop(child),
  };
}

/** Runs a command to its end and returns its wall seconds; fails with its error output. */
export async function time(command: string, args: readonly string[]): Promise<number> {
  const begin = performance.now();
  const child = spawn(command, args, { stdio: ["ignore", "ignore", "pipe"] });
  let errors = "";
  child.stderr.on("data", (text) => {
    errors += text;
  });
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${code}: ${errors.slice(-2_000)}`);
  return (performance.now() - begin) / 1_000;
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, "exit");
  child.kill("SIGTERM");
  const hardStop = setTimeout(() => child.kill("SIGKILL"), 10_000);
  await closed;
  clearTimeout(hardStop);
}

/** Reads on after the URL has come: a service whose output nobody takes stands still. */
function firstLine(child: ChildProcess): Promise<{ readonly url: string; readonly storage: string }> {
  return new Promise((resolve, reject) => {
    let text = "";
    child.stdout?.on("data", (chunk) => {
      if (text.length > 100_000) return;
      text += chunk;
      const [, url, storage] = /"url":"([^"]+)","storage":"([^"]*)"/.exec(text) ?? [];
      if (url !== undefined && storage !== undefined) resolve({ url, storage });
    });
    child.once("exit", () => reject(new Error(`the service ended without a URL: ${text}`)));
  });
}

async function untilAnswers(url: string, child: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if (child.exitCode !== null) throw new Error(`process ended with ${child.exitCode} before ${url} answered`);
    const answered = await fetch(url).then(
      (response) => response.ok,
      () => false,
    );
    if (answered) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${url} does not answer`);
}
