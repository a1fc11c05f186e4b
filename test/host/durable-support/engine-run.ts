import { fileURLToPath } from "node:url";
import { systemClock } from "../../../src/local/durable/clock.ts";
import { createDurableEngine, type DurableEngine, type EngineDeps } from "../../../src/local/durable/engine.ts";
import { createMemoryJournal } from "../../../src/local/durable/journal.ts";
import { type DurableSettings, readDurableSettings } from "../../../src/local/durable/settings.ts";
import type { RpcTypedData } from "../../../src/local/functions-host/rpc.ts";
import { createWorker, type Worker } from "../../../src/local/functions-host/worker.ts";
import type { Answer, Generation, Payload } from "./recording.ts";

/** Loads golden/app.cjs, once per process. */
export async function startGoldenWorker(): Promise<Worker> {
  const appDirectory = fileURLToPath(new URL("../golden", import.meta.url));
  const worker = createWorker({ appDirectory, main: "app.cjs", log: () => {} });
  await worker.start();
  return worker;
}

export interface EngineRun extends AsyncDisposable {
  readonly engine: DurableEngine;
  /** What the orchestrator of an instance was given and answered, per execution. */
  readonly generations: (instanceId: string) => readonly Generation[];
  readonly warnings: readonly string[];
}

/** An engine of its own with a journal in memory; notes every episode. */
export async function runEngine(
  worker: Worker,
  settings: Partial<DurableSettings>,
  { endsAfter = {}, ...overrides }: Partial<EngineDeps> & { endsAfter?: Readonly<Record<string, string>> } = {},
): Promise<EngineRun> {
  const ends = createEnds();
  const episodes: { payload: Payload; answer: Answer }[] = [];
  const warnings: string[] = [];
  const invoke: Worker["invoke"] = async (name, trigger, options) => {
    const payload = readPayload(trigger);
    if (!payload) {
      const input = trigger.string ?? "";
      const first = endsAfter[input];
      try {
        return await worker.invoke(name, trigger, options);
      } finally {
        if (first !== undefined) await ends.of(first);
        ends.note(input);
      }
    }
    try {
      const result = await worker.invoke(name, trigger, options);
      episodes.push({ payload, answer: { returned: JSON.parse(result.returnValue?.json ?? "null") } });
      return result;
    } catch (thrown) {
      episodes.push({ payload, answer: { thrown: JSON.parse(String(thrown).split("$OutOfProcData$:")[1] ?? "null") } });
      throw thrown;
    }
  };
  const engine = await createDurableEngine({
    worker: { functions: worker.functions, invoke },
    journal: createMemoryJournal(),
    clock: systemClock,
    settings: readDurableSettings({ maxConcurrentActivityFunctions: 8 }, settings),
    log: (level, message) => level !== "information" && warnings.push(message),
    ...overrides,
  });
  return {
    engine,
    warnings,
    generations: (instanceId) => byGeneration(episodes.filter(({ payload }) => payload.instanceId === instanceId)),
    [Symbol.asyncDispose]: () => engine.close(0),
  };
}

/** Remembers which activities have ended, by their inputs. */
function createEnds() {
  const ends = new Map<string, PromiseWithResolvers<void>>();
  const end = (input: string): PromiseWithResolvers<void> => {
    const known = ends.get(input) ?? Promise.withResolvers<void>();
    ends.set(input, known);
    return known;
  };
  return { of: (input: string) => end(input).promise, note: (input: string) => end(input).resolve() };
}

function readPayload(trigger: RpcTypedData): Payload | undefined {
  if (!trigger.string?.startsWith('{"history":')) return undefined;
  return JSON.parse(trigger.string);
}

function byGeneration(episodes: readonly { payload: Payload; answer: Answer }[]): Generation[] {
  const generations: { payload: Payload; answers: Answer[]; executionId: string }[] = [];
  for (const { payload, answer } of episodes) {
    const executionId = JSON.stringify(payload.history[1]?.OrchestrationInstance);
    const last = generations.at(-1);
    if (last?.executionId === executionId) Object.assign(last, { payload, answers: [...last.answers, answer] });
    else generations.push({ payload, answers: [answer], executionId });
  }
  return generations;
}
