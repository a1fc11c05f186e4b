import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { hasEnded } from "../../src/domain/import-record.ts";
import { type ImportView, importViewSchema } from "../../src/domain/import-view.ts";
import { partPageSchema } from "../../src/domain/part-view.ts";

export interface ServiceOptions {
  /** Where instances are kept: the same one after a kill. */
  readonly directory: string;
  /** Connection string of a storage that outlives the process. Default: the service starts an Azurite of its own. */
  readonly storage?: string;
  readonly settings: Readonly<Record<string, string>>;
}

export interface ServiceAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

export interface PostOptions {
  readonly idempotencyKey?: string;
  readonly waitSeconds?: number;
}

type ImportRequestBody = Readonly<Record<string, unknown>>;
type Part = z.infer<typeof partPageSchema>["parts"][number];

/** The built service in a process of its own, as `npm start` runs it. */
export interface Service extends AsyncDisposable {
  readonly url: string;
  /** Connection string of its tables and queues. */
  readonly storage: string;
  /** Everything it has printed. */
  readonly output: () => string;
  /** The texts of all its answers. */
  readonly answers: readonly string[];
  readonly request: (
    method: string,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ) => Promise<ServiceAnswer>;
  /** `POST /api/imports`, whatever it answers. */
  readonly post: (body: ImportRequestBody, options?: PostOptions) => Promise<ServiceAnswer>;
  /** Starts an import and returns as soon as it is accepted. */
  readonly startImport: (body: ImportRequestBody, options?: PostOptions) => Promise<ImportView>;
  /** The import once it has ended. */
  readonly importAndWait: (body: ImportRequestBody, options?: PostOptions) => Promise<ImportView>;
  readonly read: (id: string) => Promise<ImportView>;
  readonly parts: (id: string) => Promise<readonly Part[]>;
  readonly cancel: (id: string) => Promise<ServiceAnswer>;
  readonly retry: (id: string, body?: unknown) => Promise<ImportView>;
  /** The import once it `is` so; rejects after 60 s, naming what did not come. */
  readonly waitUntil: (id: string, is: (view: ImportView) => boolean, what: string) => Promise<ImportView>;
  readonly waitForEnd: (id: string) => Promise<ImportView>;
  /** Runs the sweep of unfinished imports, as the timer does each minute. */
  readonly sweep: () => Promise<void>;
  /** Ends the process: SIGKILL at once, SIGTERM in order. Resolves with the exit code when it is gone. */
  readonly kill: (signal: "SIGKILL" | "SIGTERM") => Promise<number | null>;
}

const startScript = fileURLToPath(new URL("../../dist/local/start.mjs", import.meta.url));
const startedSchema = z.strictObject({ url: z.string(), storage: z.string(), pid: z.int() });
const deadlineMs = 60_000;
const pollMs = 50;

/** Starts the build in dist/. */
export async function startService({ directory, storage, settings }: ServiceOptions): Promise<Service> {
  const child = spawn(process.execPath, [startScript, "--port", "0", "--json", "--state", directory], {
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      ...settings,
      ...(storage === undefined ? {} : { AzureWebJobsStorage: storage }),
    },
  });
  const exited = once(child, "exit");
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  const { url, storage: usedStorage } = await new Promise<z.infer<typeof startedSchema>>((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      said += `${line}\n`;
      const started = startedSchema.safeParse(parseLine(line));
      if (started.success) resolve(started.data);
    });
    child.once("exit", () => reject(new Error(`the service ended before it was ready: ${said}`)));
  });

  const answers: string[] = [];
  const kill = async (signal: "SIGKILL" | "SIGTERM"): Promise<number | null> => {
    child.kill(signal);
    await exited;
    return child.exitCode;
  };

  const request: Service["request"] = async (method, path, body, headers = {}) => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    answers.push(text);
    return { status: response.status, headers: response.headers, text };
  };
  const post: Service["post"] = (body, { idempotencyKey, waitSeconds } = {}) =>
    request(
      "POST",
      `/api/imports${waitSeconds === undefined ? "" : `?wait=${waitSeconds}`}`,
      body,
      idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey },
    );
  const startImport: Service["startImport"] = async (body, options) => viewOf(await post(body, options));
  const read: Service["read"] = async (id) => viewOf(await request("GET", `/api/imports/${id}`));
  const waitUntil: Service["waitUntil"] = async (id, is, what) => {
    const endsAt = Date.now() + deadlineMs;
    for (;;) {
      const view = await read(id);
      if (is(view)) return view;
      if (Date.now() > endsAt)
        throw new Error(`import ${id} was not ${what} within 60 s: ${JSON.stringify(view)}\n${said}`);
      await pause(pollMs);
    }
  };
  const waitForEnd: Service["waitForEnd"] = (id) => waitUntil(id, ({ state }) => hasEnded(state), "over");

  return {
    url,
    storage: usedStorage,
    output: () => said,
    answers,
    request,
    post,
    startImport,
    importAndWait: async (body, options) => {
      const view = await startImport(body, { waitSeconds: 60, ...options });
      return hasEnded(view.state) ? view : await waitForEnd(view.id);
    },
    read,
    parts: async (id) => {
      const { status, text } = await request("GET", `/api/imports/${id}/parts?limit=1000`);
      if (status !== 200) throw new Error(`parts of ${id}: ${status} ${text}`);
      return partPageSchema.parse(JSON.parse(text)).parts;
    },
    cancel: (id) => request("POST", `/api/imports/${id}/cancel`),
    retry: async (id, body) => viewOf(await request("POST", `/api/imports/${id}/retry`, body)),
    waitUntil,
    waitForEnd,
    sweep: async () => {
      const { status, text } = await request("POST", "/admin/functions/everyMinute", {});
      if (status !== 202) throw new Error(`the sweep was not taken: ${status} ${text}`);
    },
    kill,
    [Symbol.asyncDispose]: async () => {
      await kill("SIGKILL");
    },
  };
}

/** Settings for registries on this machine. */
export function settingsFor(
  hosts: { readonly source: string; readonly target: string },
  more: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const both = `${hosts.source},${hosts.target}`;
  return {
    INSECURE_HOSTS: both,
    ALLOW_PRIVATE_HOSTS: both,
    ALLOWED_TARGETS: both,
    DEFAULT_TARGET: hosts.target,
    ...more,
  };
}

/** The import that an answer shows. */
export function viewOf({ status, text }: ServiceAnswer): ImportView {
  if (status !== 200 && status !== 202) throw new Error(`the service answered ${status}: ${text}`);
  return importViewSchema.parse(JSON.parse(text));
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
