import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { MiB } from "../descriptor.ts";
import { type DemoTarget, pushDemoImage, readTagDigest } from "./demo-image.ts";
import { showPromotion, showPushEvent } from "./demo-triggers.ts";
import { startEmbeddedRegistry } from "./registry/registry.ts";

export interface DemoDeps {
  /** Starts storage and the service with these settings on free ports of 127.0.0.1. */
  readonly startService: (settings: Readonly<Record<string, string>>) => Promise<DemoService>;
  /** The built command line client. */
  readonly cliPath: string;
  readonly print: (line: string) => void;
  /** Whether everything is left running. */
  readonly goesOn: boolean;
  /** At the end, with everything still running; what it returns is waited for. */
  readonly atEnd: (serviceUrl: string) => Promise<void>;
}

export interface DemoService {
  readonly url: string;
  readonly close: () => Promise<void>;
}

/**
 * Imports an image from one registry into another with everything on this machine, and shows what a user would see.
 * Leaves nothing behind. Throws when a step does not do what it should.
 */
export async function runDemo(deps: DemoDeps, signal: AbortSignal): Promise<void> {
  const stage = createStages(deps.print);
  await using cleanup = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "drayage-demo-"));
  cleanup.defer(() => rm(directory, { recursive: true, force: true }));

  const { source, target, service } = await stage("Storage, two registries and the service start", async (say) => {
    const [from, to] = await Promise.all(
      ["source", "target"].map((name) => startEmbeddedRegistry({ port: 0, directory: join(directory, name) })),
    );
    if (from === undefined || to === undefined) throw new Error("a registry is missing");
    cleanup.use(from);
    cleanup.use(to);
    const hosts = `${from.host},${to.host}`;
    const settings = { INSECURE_HOSTS: hosts, ALLOW_PRIVATE_HOSTS: hosts, ALLOWED_TARGETS: to.host };
    const started = await deps.startService(settings);
    cleanup.defer(() => started.close());
    say(`source registry  ${from.host}`);
    say(`target registry  ${to.host}`);
    say(`service          ${started.url}`);
    return { source: from, target: to, service: started };
  });
  signal.throwIfAborted();
  const at = (registryUrl: string): DemoTarget => ({ registryUrl, repository: "demo/app", tag: "1.0" });

  const image = await stage("An image is made and pushed to the source registry", async (say) => {
    const made = await pushDemoImage(at(source.url), signal);
    say(`demo/app:1.0     ${made.platforms.join(", ")}`);
    say(
      `                 ${formatMiB(made.totalBytes)} in ${made.layers} layers, some of them shared by all platforms`,
    );
    return made;
  });

  const drayage = createCli(deps, service.url, signal);
  const importArgs = ["import", "--source", `${source.host}/demo/app:1.0`, "--target", target.host];

  await stage("The image is imported into the target registry", () => drayage.show([...importArgs, "--wait", "60"]));

  await stage("The same again: nothing is to be done", () =>
    drayage.show([...importArgs, "--conflict", "skipIfSame", "--wait", "60"]),
  );

  await stage("What the service remembers", async (say) => {
    const [second, first] = recordsSchema.parse(await drayage.readJson(["list", "--limit", "2", "--json"]));
    if (first?.state !== "Succeeded" || second?.state !== "Skipped") {
      throw new Error(`expected Succeeded, then Skipped; the service says ${first?.state}, then ${second?.state}`);
    }
    await drayage.show(["show", first.id]);
    const { parts } = partsSchema.parse(await drayage.readJson(["show", first.id, "--parts", "--json"]));
    deps.print("");
    for (const line of summarize(parts)) say(line);
  });

  const scene = { source, target, serviceUrl: service.url, show: drayage.show };
  await stage("A rule imports what is pushed", (say) => showPushEvent(scene, say, signal));
  await stage("Fifty images are promoted through the queue", (say) => showPromotion(scene, say, signal));

  await stage("The digests are compared", async (say) => {
    const copied = await readTagDigest(at(target.url), signal);
    say(`source  ${image.digest}`);
    say(`target  ${copied ?? "nothing there"}`);
    if (copied !== image.digest) throw new Error("the target holds something else than the source");
    say("        the same bytes");
  });

  deps.print(whatNext(deps.goesOn ? service.url : undefined));
  await deps.atEnd(service.url);
}

/** `serviceUrl`: of a service that goes on; undefined: it ends now, and nobody could follow a link to it. */
export function whatNext(serviceUrl: string | undefined): string {
  const goesOn = `The dashboard     ${serviceUrl}/
The client        export DRAYAGE_ENDPOINT=${serviceUrl}
                  node dist/drayage.mjs list --since 1h    or any command above: drayage is node dist/drayage.mjs
`;
  const again = "\n    npm run demo -- --keep --open    shows the dashboard, and leaves all of this running";
  return `
${serviceUrl === undefined ? "" : `${goesOn}\n`}What to try next${serviceUrl === undefined ? again : ""}
    npm start                        the service on http://127.0.0.1:7071
    npm run registry                 a registry on 127.0.0.1:5001 to import into
    node dist/drayage.mjs --help     the command line client; docs/cli.md explains it
    README.md                        your own images, deployment into Azure, settings`;
}

/** A command that a POSIX shell takes as it stands. */
export function formatCommand(words: readonly string[]): string {
  const quote = (word: string) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);
  return words.map(quote).join(" ");
}

type Say = (line: string) => void;

function createStages(print: (line: string) => void) {
  let number = 0;
  return async <T>(title: string, work: (say: Say) => Promise<T>): Promise<T> => {
    number += 1;
    print(`\n${number}. ${title}`);
    const startedAt = performance.now();
    const result = await work((line) => print(`    ${line}`));
    print(`    (${((performance.now() - startedAt) / 1000).toFixed(1)} s)`);
    return result;
  };
}

/** Runs the client as a process of its own, as a user does. */
function createCli({ cliPath, print }: DemoDeps, endpoint: string, signal: AbortSignal) {
  const run = (args: readonly string[], stdout: "inherit" | "pipe") =>
    new Promise<string>((resolve, reject) => {
      const child = spawn(process.execPath, [cliPath, ...args], {
        stdio: ["ignore", stdout, "inherit"],
        env: { ...process.env, DRAYAGE_ENDPOINT: endpoint, DRAYAGE_KEY: "" },
        signal,
      });
      let text = "";
      child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      child.on("error", reject);
      child.on("close", (exitCode) => {
        if (exitCode === 0) resolve(text);
        else reject(new Error(`drayage ${args[0]} ended with exit code ${exitCode}`));
      });
    });
  return {
    /** Its output goes where ours goes: on a terminal it redraws its lines. */
    show: async (args: readonly string[]): Promise<void> => {
      print(`    $ ${formatCommand(["drayage", ...args])}\n`);
      await run(args, "inherit");
    },
    readJson: async (args: readonly string[]): Promise<unknown> => JSON.parse(await run(args, "pipe")),
  };
}

const recordsSchema = z.array(z.looseObject({ id: z.string(), state: z.string() }));
const partsSchema = z.looseObject({
  parts: z.array(
    z.looseObject({ kind: z.enum(["manifest", "blob"]), sizeBytes: z.number(), via: z.string().optional() }),
  ),
});

/** How many manifests and blobs came to the target in which way. */
function summarize(parts: z.infer<typeof partsSchema>["parts"]): string[] {
  const groups = new Map<string, { count: number; bytes: number }>();
  for (const { kind, via = "pending", sizeBytes } of parts) {
    const name = `${kind}s ${via}`;
    const { count, bytes } = groups.get(name) ?? { count: 0, bytes: 0 };
    groups.set(name, { count: count + 1, bytes: bytes + sizeBytes });
  }
  return [...groups].map(([name, { count, bytes }]) => `${String(count).padStart(3)} ${name}, ${formatMiB(bytes)}`);
}

function formatMiB(bytes: number): string {
  return bytes < 0.1 * MiB ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / MiB).toFixed(1)} MiB`;
}
