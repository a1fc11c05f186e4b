import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { QueueClient } from "@azure/storage-queue";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { hasEnded, importStateSchema } from "../../src/domain/import-record.ts";
import { classOf } from "../helpers/command-classes.ts";
import { commandsOf, type DocumentCommand, documents } from "../helpers/document-commands.ts";
import { startServer, type TestServer } from "../helpers/http-server.ts";
import { needs } from "../helpers/needs.ts";
import { type DocsWorld, openDocsWorld } from "./docs-world.ts";
import { idPattern, pairIds, shapeOf, shapePattern } from "./shown-output.ts";

/**
 * Somebody tries what the documents show, from the first to the last command, with two registries and a service of their
 * own. What a command prints has to have the shape that its document shows.
 */

let world: DocsWorld;
let receiver: TestServer;
/** Lets go of the import that waits to be cancelled, which copies once `copying` resolves. */
let release = () => {};
let copying = Promise.resolve();

const eventually = { timeout: 60_000, interval: 50 };
const withId = z.array(z.looseObject({ id: z.string() }));
const withName = z.array(z.looseObject({ name: z.string() }));
const listSchema = z.looseObject({
  repositories: z.array(z.string()).default([]),
  rules: withName.default([]),
  schedules: withName.default([]),
  messages: withId.default([]),
  events: withId.default([]),
});
const startedSchema = z.looseObject({ id: z.string(), state: importStateSchema });

describe.runIf(needs("bash", "curl", "jq", "skopeo"))("what the documents show", () => {
  beforeAll(async () => {
    receiver = await startServer(({ body }) => ({ status: body.includes("team/dead") ? 400 : 204 }));
    world = await openDocsWorld({ receiver: receiver.host });
  });
  afterAll(async () => {
    await world[Symbol.asyncDispose]();
    await receiver[Symbol.asyncDispose]();
  });

  for (const document of documents) {
    const commands = commandsOf(document).filter(({ text }) => classOf(text)?.kind === "here");
    if (commands.length === 0) continue;
    describe(document, () => {
      beforeAll(() => (document === "README.md" ? undefined : startAnew()));
      for (const command of commands)
        it(`${command.line}: ${command.text.split("\n")[0]}`, async () => {
          for (const [matching, prepare] of preparations) if (matching.test(command.text)) await prepare(command);
          await (processOf(command) ?? runAndCompare(command));
        });
    });
  }
});

/** What has to be there, or has to have come to its end, before a command that the documents show at some other time. */
const preparations: readonly (readonly [RegExp, (command: DocumentCommand) => Promise<unknown>])[] = [
  [/^drayage list --limit 2/, () => importAll(["app:1.0", "team/app:1.0"])],
  [/^drayage import .*--image team\/cancel:/, async () => holdUploads("team/cancel")],
  [/^drayage cancel /, () => copying],
  [
    /^(drayage retry|curl .*\/parts|drayage show ZYBQ|node dist\/drayage\.mjs show) ?/,
    ({ text }) => waitForEnd(onlyId(text)),
  ],
  [
    /^curl -s -X POST \S+\/api\/verify|^drayage verify .*team\/arm:1\.0$/,
    () => importAll(["team/arm:1.0"], ["linux/arm64"]),
  ],
  [/^node send\.mjs .*localhost:5003/, () => waitForOne("poison", 1)], // the newest is the one that a setting could mend
  [/^drayage poison list/, () => waitForOne("poison", 2)],
  [/^curl "\$DRAYAGE_ENDPOINT\/api\/poison"/, giveUpOne],
  [/^curl -X DELETE "\$DRAYAGE_ENDPOINT\/api\/poison/, () => waitForOne("poison", 1)],
  [/^curl "\$DRAYAGE_ENDPOINT\/api\/events\/dead"/, letEventDie],
  [/^curl -X DELETE "\$DRAYAGE_ENDPOINT\/api\/events\/dead/, () => waitForOne("events/dead", 1)],
  [/^curl -X POST "\$REGISTRIES_URL\/prod\/importImage" /, () => waitForTag("team/app", "1.0")],
];

/** Commands that go on running, or end what runs. */
function processOf({ text, shown = "" }: DocumentCommand): Promise<void> | undefined {
  if (text.startsWith("npm run registry"))
    return world
      .startRegistry(text, shown.includes("it holds") ? /^it holds .*\n/m : /^registry on .*\n/m)
      .then((said) => {
        expect(shapeOf(said)).toMatch(shapePattern(shown));
      });
  if (text === "npm start") return startAndCompare(shown);
  return text.startsWith("kill -9") ? world.killService() : undefined;
}

async function startAndCompare(shown: string): Promise<void> {
  await world.killService();
  const own = (banner: string) =>
    banner
      .replace(/^( +process +)\d+$/m, "$1PID")
      .replace(/^( +data +).*$/m, "$1DIRECTORY")
      .replace(/^ +storage .*\n/m, ""); // the test has one for itself
  const said = own(await world.startService()).trim();
  expect(said.split("\n").slice(0, own(shown).trim().split("\n").length).join("\n")).toMatch(/^Drayage runs at /);
  if (shown.includes("Drayage runs")) expect(`${shapeOf(said)}…`).toMatch(shapePattern(`${own(shown)}…`));
}

async function runAndCompare(command: DocumentCommand): Promise<void> {
  const { text, shown } = command;
  const [, file] = /^cat ([\w.-]+)$/.exec(text) ?? [];
  if (file !== undefined) return await writeFile(join(world.directory, file), world.hereIn(shown ?? ""));
  const { exitCode, output, statuses } = await world.run(text);
  const isRefused = /^(error|Failed|Different)\b|^ +code: |^the settings cannot| does not match: /m.test(shown ?? "");

  expect.soft(exitCode === 0, `exit code ${exitCode}: ${output}`).toBe(!isRefused);
  expect
    .soft(
      statuses.filter((status) => status >= 400 && !refusals(command).includes(status)),
      output,
    )
    .toEqual([]);
  if (shown !== undefined) expect(shapeOf(output), output).toMatch(shapePattern(shown));
  for (const [id, actual] of pairIds(shown ?? "", output)) if (id !== actual) world.bind(id, actual);
}

/** Statuses of errors that a document says may come: behind the command, or as its answer. */
function refusals({ shown = "", comment }: DocumentCommand): readonly number[] {
  const said = /^(\d{3}) when /.exec(comment) ?? /^HTTP\/1\.1 (\d{3}) /.exec(shown);
  const status = said?.[1] ?? (shown.startsWith('{"error":{"code":"Conflict"') ? 409 : undefined);
  return status === undefined ? [] : [Number(status)];
}

/** Without what the documents before have made; the images at the source and the blobs at the target stay. */
async function startAnew(): Promise<void> {
  const remove = (url: string) => fetch(url, { method: "DELETE" });
  const { repositories } = await list(`${world.target.url}/v2/_catalog`);
  for (const repository of repositories)
    for (const tag of Object.keys(world.target.tags(repository)))
      await remove(`${world.target.url}/v2/${repository}/manifests/${tag}`);
  const api = `${world.url()}/api`;
  for (const { name } of (await list(`${api}/rules`)).rules) await remove(`${api}/rules/${name}`);
  for (const { name } of (await list(`${api}/schedules`)).schedules) await remove(`${api}/schedules/${name}`);
  for (const { id } of (await list(`${api}/poison`)).messages) await remove(`${api}/poison/${id}`);
}

async function list(url: string): Promise<z.infer<typeof listSchema>> {
  return listSchema.parse(await json(url));
}

async function json(url: string, init?: RequestInit): Promise<unknown> {
  const response = await fetch(url, init);
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  return await response.json();
}

async function startImport(body: object, waitSeconds = 0): Promise<z.infer<typeof startedSchema>> {
  const init = {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: world.hereIn(JSON.stringify(body)),
  };
  return startedSchema.parse(await json(`${world.url()}/api/imports?wait=${waitSeconds}`, init));
}

async function importAll(targetTags: readonly string[], platforms?: readonly string[]): Promise<void> {
  for (const tag of targetTags) {
    const wanted = { targetTags: [tag], conflict: "overwrite", ...(platforms ? { platforms } : {}) };
    const { state } = await startImport({ source: "localhost:5002/demo/app:1.0", ...wanted }, 60);
    expect(state).toMatch(/Succeeded|Skipped/);
  }
}

/** An import into the repository does not come further than its first upload until `release` is called. */
function holdUploads(repository: string): void {
  const hold = world.target.hold({ kind: ["mount", "upload-start"], repository }, "request");
  release = hold.release;
  copying = hold.reached;
}

async function waitForEnd(shownId: string): Promise<void> {
  release();
  const url = `${world.url()}/api/imports/${world.hereIn(shownId)}`;
  const state = async () => startedSchema.parse(await json(url)).state;
  await expect.poll(async () => hasEnded(await state()), eventually).toBe(true);
}

async function giveUpOne(): Promise<void> {
  const queue = new QueueClient(world.storage, "imports");
  const wanted = { source: "localhost:5002/demo/app:1.0", target: "localhost:5003" };
  await queue.sendMessage(world.hereIn(JSON.stringify({ v: 1, import: wanted })));
  await waitForOne("poison", 1);
}

/** The hook is told of cancelled imports only, and refuses this one: it must not have ended before. */
async function letEventDie(): Promise<void> {
  holdUploads("team/dead");
  const { id } = await startImport({ source: "localhost:5002/demo/app:1.0", targetTags: ["team/dead:1.0"] });
  await copying;
  await fetch(`${world.url()}/api/imports/${id}/cancel`, { method: "POST" });
  release();
  await waitForOne("events/dead", 1);
}

/** Until so many are there; the newest is what the documents call `ZYBQRJ8T4W…`. */
async function waitForOne(path: "poison" | "events/dead", count: number): Promise<void> {
  const all = async () => {
    const { messages, events } = await list(`${world.url()}/api/${path}`);
    return [...messages, ...events];
  };
  await expect.poll(all, eventually).toHaveLength(count);
  world.bind("ZYBQRJ8T4W…", (await all())[0]?.id ?? "");
}

async function waitForTag(repository: string, tag: string): Promise<void> {
  await expect.poll(() => world.target.tags(repository), eventually).toHaveProperty([tag]);
}

/** The first id in a command. */
function onlyId(text: string): string {
  return text.match(idPattern)?.[0] ?? "";
}
