import { join } from "node:path";
import { type Drayage, projectDirectory, startDrayage } from "./drayage.ts";
import { JournalInUse } from "./durable/file-journal.ts";
import { isPortTaken, parseFlags } from "./parse-flags.ts";

const usage = `usage: npm start -- [--port 7071] [--state .drayage] [--memory] [--app DIR] [--json]

Runs Drayage on this machine: the built app on an embedded Functions host, with Azurite for tables and queues.
  --port PORT   0 lets the system choose (default: PORT, else 7071)
  --state DIR   where imports, tables and queues are kept between runs
  --memory      keep nothing
  --app DIR     another app than this one: a folder with package.json and host.json
  --json        print {"url":…} as one line and nothing else but logs
Settings come from the environment, then from local.settings.json (local.settings.sample.json shows all).`;

const noTargetYet = [
  "",
  "No registry may be imported into yet. For those on this machine at ports 5001 and 5002, start again with:",
  "  cp local.settings.sample.json local.settings.json && npm start",
  "  (npm run registry starts one at port 5001)",
] as const;

const flags = {
  options: {
    port: { type: "string", default: process.env.PORT ?? "7071" },
    state: { type: "string", default: join(projectDirectory, ".drayage") },
    memory: { type: "boolean", default: false },
    app: { type: "string", default: projectDirectory },
    json: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  },
} as const;
const { values } = parseFlags(flags, usage);

if (values.help) {
  console.log(usage);
} else if (!/^\d{1,5}$/.test(values.port)) {
  console.error(usage);
  process.exitCode = 2;
} else {
  await run();
}

async function run(): Promise<void> {
  const starting = startDrayage({
    port: Number(values.port),
    state: values.memory ? { kind: "memory" } : { kind: "directory", path: values.state },
    settings: {},
    keys: undefined,
    appDirectory: values.app,
    log: logToStderr,
  });
  process.once("SIGINT", () => stop(starting));
  process.once("SIGTERM", () => stop(starting));
  const drayage = await starting.catch((thrown: unknown) => {
    console.error(explain(thrown));
    process.exit(1);
  });
  console.log(
    values.json ? JSON.stringify({ url: drayage.url, storage: drayage.storage, pid: process.pid }) : banner(drayage),
  );
}

/** The first signal stops in order, within 5 s; a second one at once. Nothing is lost either way. */
function stop(starting: Promise<Drayage>): void {
  process.once("SIGINT", () => process.exit(130));
  process.once("SIGTERM", () => process.exit(143));
  starting
    .then((drayage) => drayage.close())
    .then(
      () => process.exit(0),
      (thrown: unknown) => {
        console.error(explain(thrown));
        process.exit(1);
      },
    );
}

function banner({ url, storageKind }: Drayage): string {
  const kept = values.memory ? "in memory, gone at the end" : values.state;
  const storage = storageKind === "azurite" ? "Azurite, started along" : "AzureWebJobsStorage";
  const target = process.env.DEFAULT_TARGET ?? "localhost:5001";
  const lines = [
    `Drayage runs at ${url}  (Ctrl-C stops it)`,
    `  data     ${kept}`,
    `  storage  ${storage}`,
    `  process  ${process.pid}`,
    "",
    "Import an image:",
    `  curl -X POST ${url}/api/imports -H 'content-type: application/json' \\`,
    `    -d '{"source":"docker.io/library/alpine:3.20","target":"${target}"}'`,
    "or",
    `  DRAYAGE_ENDPOINT=${url} node dist/drayage.mjs import --source docker.io/library/alpine:3.20 --target ${target}`,
  ];
  if (process.env.DEFAULT_TARGET === undefined && process.env.ALLOWED_TARGETS === undefined) lines.push(...noTargetYet);
  return `${lines.join("\n")}\n`;
}

function explain(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  if (isPortTaken(thrown)) {
    return `port ${values.port} is taken: --port 0 lets the system choose another`;
  }
  if (thrown instanceof JournalInUse) return `${thrown.message}\n--state DIR or --memory lets two services run`;
  return thrown.name === "ConfigError" ? thrown.message : (thrown.stack ?? thrown.message);
}

/** Failures and what the app says; requests and starts are left out. */
function logToStderr(event: string, fields: Readonly<Record<string, unknown>>): void {
  if (event === "host.started" || event === "host.stopped" || event === "queue.renewed") return;
  console.error(JSON.stringify({ event, ...fields }));
}
