import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { copyFile, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { startAzurite } from "../helpers/azurite.ts";
import { startRegistry, type TestRegistry } from "../helpers/registry.ts";

/** What a command did. Its output names hosts as the documents do. */
export interface CommandRun {
  readonly exitCode: number | null;
  /** As a terminal shows it: both outputs, as they come. */
  readonly output: string;
  /** Of the answers that curl got. */
  readonly statuses: readonly number[];
}

/** A reader's folder, in which the documents' commands run one after the other. */
export interface DocsWorld extends AsyncDisposable {
  readonly directory: string;
  /** The registry that the documents call localhost:5001. */
  readonly target: TestRegistry;
  /** Address of the service that runs. */
  readonly url: () => string;
  /** Connection string of the service's storage. */
  readonly storage: string;
  /** Names of this run for those of the documents. */
  readonly hereIn: (text: string) => string;
  /** Runs a command of the documents in the reader's shell: variables that it sets are there for the next one. */
  readonly run: (text: string) => Promise<CommandRun>;
  /** Starts `npm run registry` or `npm start`; returns what is printed up to the line that `until` matches. */
  readonly startRegistry: (text: string, until: RegExp) => Promise<string>;
  readonly startService: () => Promise<string>;
  /** Ends the service as `kill -9` does. */
  readonly killService: () => Promise<void>;
  /** From now on this text of the documents stands for that one. */
  readonly bind: (shown: string, actual: string) => void;
}

export interface DocsWorldOptions {
  /** `host:port` of a web hook that is told of cancelled imports. */
  readonly receiver: string;
}

/** A process that goes on while commands run. */
interface Running {
  readonly child: ChildProcess;
  readonly kill: () => Promise<void>;
}

/** What curl is told to add. */
const statusLine = /status=(\d+)\n/g;

const project = fileURLToPath(new URL("../../", import.meta.url));
const scriptsSchema = z.object({ scripts: z.record(z.string(), z.string()) });

/** Settings that the documents ask for where they use them, besides those of local.settings.sample.json. */
const settingsOfExamples = (receiver: string) => ({
  HOOK_SECRETS: "acr:3f7c91d0a86e4b52",
  ALLOWED_TARGETS: "localhost:5001,127.0.0.1:5001,localhost:5004",
  INSECURE_HOSTS: `localhost:5001,localhost:5002,127.0.0.1:5001,127.0.0.1:5002,${receiver}`,
  ALLOW_PRIVATE_HOSTS: `localhost:5001,localhost:5002,127.0.0.1:5001,127.0.0.1:5002,localhost:5004,${receiver}`,
  EVENT_SINKS: JSON.stringify([
    {
      ...{ name: "ci", kind: "webhook", url: `http://${receiver}/drayage`, secret: "at-least-16-characters" },
      types: ["drayage.import.cancelled"],
    },
  ]),
});

/** Entries that the examples presume until a document writes a file of them. */
const entries = '[{"host":"localhost:5001","alias":"prod","auth":{"kind":"anonymous"}}]';

export async function openDocsWorld({ receiver }: DocsWorldOptions): Promise<DocsWorld> {
  const cleanup = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "docs-commands-"));
  cleanup.defer(() => rm(directory, { recursive: true, force: true }));
  const { scripts } = scriptsSchema.parse(JSON.parse(await readFile(join(project, "package.json"), "utf8")));
  await prepareFolder(directory);
  const target = cleanup.use(await startRegistry());
  const azurite = await startAzurite();
  cleanup.defer(azurite.close);
  const storage = azurite.connectionString;

  const names = new Map([
    [":5001", portOf(target.url)],
    ["UseDevelopmentStorage=true", storage],
  ]);
  let service: Running | undefined;
  let url = "";

  /** Ports, ids and process ids of this run for those of the documents. */
  const actual = (text: string) => [...names].reduce((done, [shown, name]) => done.replaceAll(shown, name), text);
  const shown = (text: string) =>
    [...names].filter(([name]) => name.startsWith(":")).reduce((done, [from, to]) => done.replaceAll(to, from), text);
  const environment = () => ({
    PATH: [join(directory, ".local/bin"), join(project, "node_modules/.bin"), process.env.PATH].join(delimiter),
    ...{
      HOME: directory,
      CURL_HOME: directory,
      NODE_COMPILE_CACHE: join(directory, "cache"),
      DRAYAGE_ENDPOINT: url,
      DRAYAGE_KEY: "",
    },
  });
  /** `npm start` without the build before it, which would replace what other tests run. */
  const serviceCommand = `node dist/local/start.mjs --app ${directory} --port 0 --state ${directory}/.drayage`;
  const start = (text: string, more: Readonly<Record<string, string>> = {}): Running => {
    const child = spawn("bash", ["-c", `exec ${text}`], { cwd: directory, env: { ...environment(), ...more } });
    const exited = once(child, "exit");
    const kill = async (): Promise<void> => {
      child.kill("SIGKILL");
      await exited;
    };
    cleanup.defer(kill);
    return { child, kill };
  };

  return {
    directory,
    target,
    url: () => url,
    storage,
    bind: (from, to) => names.set(from, to),
    hereIn: actual,
    run: async (text) => {
      const [, assigned] = /^([A-Z_]+)=(?:\S+$|\$\()/.exec(text) ?? [];
      const lines = [
        "exec 2>&1",
        "set -o pipefail",
        "[ -f $HOME/variables ] && . $HOME/variables",
        actual(text).replace(/\bnpm start$/, serviceCommand),
        "code=$?",
      ];
      if (assigned !== undefined) lines.push(`declare -p ${assigned} >> $HOME/variables`);
      const child = spawn("bash", ["-c", [...lines, "exit $code"].join("\n")], { cwd: directory, env: environment() });
      child.stdin.end();
      const [output, [exitCode]] = await Promise.all([textOf(child.stdout), once(child, "close")]);
      const statuses = [...output.matchAll(statusLine)].map(([, status]) => Number(status));
      return {
        exitCode: z.int().nullable().parse(exitCode),
        output: shown(output.replaceAll(statusLine, "")),
        statuses,
      };
    },
    startRegistry: async (text, until) => {
      const [, flags = ""] = /^npm run registry(?: --(.*))?$/.exec(text) ?? [];
      const { child, kill } = start(`${scripts.registry} ${flags.replace(/--port \d+/, "")} --port 0`);
      const said = await readUntil(child, until);
      const [documented] = / --port (\d+)/.exec(text)?.slice(1) ?? ["5001"];
      const [port = ""] = /127\.0\.0\.1(:\d+)/.exec(said)?.slice(1) ?? [];
      if (flags === "")
        await kill(); // the target is one that the test can make wait
      else names.set(`:${documented}`, port);
      return said.replaceAll(port, `:${documented}`);
    },
    startService: async () => {
      const registriesFile = join(directory, "registries.yaml");
      const registries = existsSync(registriesFile)
        ? { REGISTRIES: "", REGISTRIES_FILE: registriesFile }
        : { REGISTRIES: entries };
      const settings = { ...settingsOfExamples(receiver), ...registries };
      const settingsFile = join(directory, "local.settings.json");
      await writeFile(settingsFile, actual(await readFile(settingsFile, "utf8")));
      const own = Object.entries(settings).map(([name, value]) => [name, actual(value)] as const);
      service = start(serviceCommand, Object.fromEntries(own));
      const said = await readUntil(service.child, /^ {2}process +\d+$/m);
      url = /http:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0] ?? "";
      names.set(":7071", portOf(url));
      return said.replaceAll(portOf(url), ":7071");
    },
    killService: async () => {
      await service?.kill();
    },
    [Symbol.asyncDispose]: () => cleanup.disposeAsync(),
  };
}

/** What the documents presume: a clone that is built. The README makes `drayage` a command. */
async function prepareFolder(directory: string): Promise<void> {
  for (const name of ["package.json", "host.json", "dist", "node_modules"])
    await symlink(join(project, name), join(directory, name));
  await copyFile(join(project, "local.settings.sample.json"), join(directory, "local.settings.sample.json"));
  await writeFile(join(directory, ".curlrc"), 'no-progress-meter\nwrite-out = "%{stderr}status=%{http_code}\\n"\n');
}

/** Collects until what was said matches; goes on reading, so that the process never waits for its output to be taken. */
async function readUntil(child: ChildProcess, until: RegExp): Promise<string> {
  let said = "";
  return await new Promise((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding("utf8").on("data", (text: string) => {
        said += text;
        if (until.test(said)) resolve(said);
      });
    child.once("exit", () => reject(new Error(`it ended before it said ${until}: ${said}`)));
  });
}

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  let text = "";
  stream.setEncoding("utf8");
  for await (const part of stream) text += part;
  return text;
}

/** `:port` of a URL. */
function portOf(url: string): string {
  return `:${new URL(url).port}`;
}
