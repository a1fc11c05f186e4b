import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { OrchestrationHandler } from "durable-functions";
import { createOrchestrator, DummyOrchestrationContext } from "durable-functions/lib/src/util/testingUtils.js";
import { z } from "zod";
import { copyLargeBlob, importSlice } from "../src/functions/orchestrators/copy-units.ts";
import { importImage } from "../src/functions/orchestrators/import-image.ts";
import { promote } from "../src/functions/orchestrators/promote.ts";
import { cancelEvent } from "../src/functions/orchestrators/run.ts";
import { promotionSteps } from "../src/functions/promotions/promotion-steps.ts";
import { promoteName } from "../src/functions/promotions/start-promotion.ts";
import { importImageName } from "../src/functions/start-import.ts";
import { steps } from "../src/functions/steps.ts";
import type { Clock } from "../src/local/durable/clock.ts";
import { createDurableEngine, type EngineDeps } from "../src/local/durable/engine.ts";
import { createMemoryJournal } from "../src/local/durable/journal.ts";
import { readDurableSettings } from "../src/local/durable/settings.ts";
import type { FunctionMetadata } from "../src/local/functions-host/rpc.ts";
import { promoteScenarios } from "./promote-scenarios.ts";
import { replayScenarios } from "./replay-scenarios.ts";

/*
 * Runs every scenario on the embedded engine, by the SDK's own executor, and stores what each orchestrator was given and
 * answered under test/replay/histories/{orchestrator}.{version}/. A released version's files are never recorded again:
 * they stand for the instances that run while a new build is deployed. Raise `version` when orchestrators change what
 * they call.
 */
const version = "v1";
const folders: Readonly<Record<string, { readonly folder: string; readonly handler: OrchestrationHandler }>> = {
  importImage: { folder: "import-image", handler: importImage },
  copyLargeBlob: { folder: "copy-large-blob", handler: copyLargeBlob },
  importSlice: { folder: "import-slice", handler: importSlice },
  [promoteName]: { folder: "promote", handler: promote },
};

const stepNames = [...Object.keys(steps), ...Object.keys(promotionSteps)];

/** What the scenarios of all orchestrators have in common. */
interface Scenario {
  readonly name: string;
  readonly instanceId: string;
  readonly input: object;
  readonly script: (step: string, nth: number, input: unknown) => unknown;
  readonly timers: "fire" | "held";
  readonly meanwhile: "nothing" | "cancel";
}

const payloadSchema = z.looseObject({ history: z.array(z.looseObject({})), instanceId: z.string() });
type Payload = z.infer<typeof payloadSchema>;

interface Generation {
  readonly payload: Payload;
  readonly episodes: readonly { readonly events: number; readonly state: unknown }[];
}

/** Time that stands still but for timers, which fire at once: or never, where a scenario cancels what sleeps. */
function createRecordingClock(timers: Scenario["timers"]): Clock {
  let nowMs = Date.parse("2026-03-01T12:00:00.000Z");
  return {
    now: () => nowMs,
    setTimer: (atMs, action) => {
      if (timers === "held" && atMs > nowMs + 1_000) return () => {};
      const handle = setImmediate(() => {
        nowMs = Math.max(nowMs, atMs);
        action();
      });
      return () => clearImmediate(handle);
    },
  };
}

function metadataOf(name: string, type: string): [string, FunctionMetadata] {
  return [name, { name, functionId: name, bindings: { trigger: { type, direction: "in" } } }];
}

async function record(orchestrator: string, scenario: Scenario): Promise<void> {
  const { name, instanceId, input, script, timers, meanwhile } = scenario;
  const generations = new Map<string, { orchestrator: string; generations: Generation[]; execution: string }>();
  const calls = new Map<string, number>();

  const note = (orchestrator: string, payload: Payload, state: unknown) => {
    const execution = JSON.stringify(payload.history[1]?.OrchestrationInstance);
    const known = generations.get(payload.instanceId) ?? { orchestrator, generations: [], execution };
    const episode = { events: payload.history.length, state };
    const last = known.generations.at(-1);
    if (last !== undefined && known.execution === execution) {
      known.generations.splice(-1, 1, { payload, episodes: [...last.episodes, episode] });
    } else known.generations.push({ payload, episodes: [episode] });
    generations.set(payload.instanceId, { ...known, execution });
  };

  const invoke: EngineDeps["worker"]["invoke"] = async (called, trigger) => {
    const given: unknown = JSON.parse(trigger.string ?? "null");
    const orchestrator = folders[called];
    const reply = (value: unknown) => ({
      invocationId: "recorded",
      outputData: [],
      returnValue: { json: JSON.stringify(value) },
    });
    if (orchestrator !== undefined) {
      const payload = payloadSchema.parse(given);
      const context = new DummyOrchestrationContext(called, "recorded", () => {});
      const state = await createOrchestrator(orchestrator.handler)(payload, context);
      note(called, payload, JSON.parse(JSON.stringify(state)));
      return reply(state);
    }
    if (!stepNames.includes(called)) throw new Error(`no step is called ${called}`);
    const key = `${called} ${keyOf(given)}`;
    const nth = calls.get(key) ?? 0;
    calls.set(key, nth + 1);
    return reply(script(called, nth, given));
  };

  const engine = await createDurableEngine({
    worker: {
      functions: new Map([
        ...Object.keys(folders).map((one) => metadataOf(one, "orchestrationTrigger")),
        ...stepNames.map((one) => metadataOf(one, "activityTrigger")),
      ]),
      invoke,
    },
    journal: createMemoryJournal(),
    clock: createRecordingClock(timers),
    settings: readDurableSettings({ defaultVersion: "1.0", maxConcurrentActivityFunctions: 4 }),
    log: (level, message) => level === "error" && console.error(`${name}: ${message}`),
  });
  await engine.start(orchestrator, { instanceId, input });
  if (meanwhile === "cancel") {
    await engine.whenIdle();
    await engine.raiseEvent(instanceId, cancelEvent, {});
  }
  const { runtimeStatus } = await engine.waitFor(instanceId);
  await engine.close(0);
  if (runtimeStatus !== "Completed") throw new Error(`${name} ended as ${runtimeStatus}`);
  for (const [id, recorded] of generations) write(name, id.slice(instanceId.length), recorded);
}

/** Counts calls of a step for the same work, whatever its round. */
function keyOf(given: unknown): string {
  const { round: _, ...rest } = z.looseObject({}).parse(given);
  return JSON.stringify(rest);
}

function write(
  scenario: string,
  child: string,
  recorded: { readonly orchestrator: string; readonly generations: readonly Generation[] },
): void {
  const folder = fileURLToPath(new URL(`${folderOf(recorded.orchestrator)}/`, histories));
  mkdirSync(folder, { recursive: true });
  const { orchestrator, generations } = recorded;
  writeFileSync(
    `${folder}${scenario}${child}.json`,
    `${withStableIds(JSON.stringify({ orchestrator, generations }, null, 1)).replaceAll(process.cwd(), "/app")}\n`, // stack traces
  );
}

const histories = new URL("../test/replay/histories/", import.meta.url);

function folderOf(orchestrator: string): string {
  const { folder } = folders[orchestrator] ?? { folder: orchestrator };
  return `${folder}.${version}`;
}

/** Ids of executions are random: numbered instead, so that another recording shows real differences only. */
function withStableIds(text: string): string {
  const ids = new Map<string, string>();
  return text.replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\b[0-9a-f]{32}\b/g, (id) => {
    const known = ids.get(id) ?? `execution-${ids.size + 1}`;
    ids.set(id, known);
    return known;
  });
}

/** By the orchestrator that they start; the folders of those that it calls are recorded along. */
const recordings: Readonly<
  Record<string, { readonly folders: readonly string[]; readonly scenarios: readonly Scenario[] }>
> = {
  [importImageName]: {
    folders: ["importImage", "copyLargeBlob", "importSlice"],
    scenarios: replayScenarios.map(loose),
  },
  [promoteName]: { folders: [promoteName], scenarios: promoteScenarios },
};

/** Its script is asked for steps of imports alone. */
function loose(scenario: (typeof replayScenarios)[number]): Scenario {
  const isStep = (name: string): name is Parameters<typeof scenario.script>[0] => name in steps;
  return {
    ...scenario,
    script: (step, nth, input) => {
      if (!isStep(step)) throw new Error(`an import calls no ${step}`);
      return scenario.script(step, nth, input);
    },
  };
}

const [, , ...wanted] = process.argv; // names of orchestrators; none: all
for (const [orchestrator, { folders: own, scenarios }] of Object.entries(recordings)) {
  if (wanted.length > 0 && !wanted.includes(orchestrator)) continue;
  for (const name of own) rmSync(new URL(`${folderOf(name)}/`, histories), { recursive: true, force: true });
  for (const scenario of scenarios) {
    await record(orchestrator, scenario);
    console.log(scenario.name);
  }
}
