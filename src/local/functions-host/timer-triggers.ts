import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { parseJson } from "../../json.ts";
import { expandNames } from "./host-json.ts";
import { type FunctionMetadata, triggerOf } from "./rpc.ts";
import type { ScheduleStatus, ScheduleStore, TimerClock, TimerFunction } from "./timer-listener.ts";

const timerTriggerSchema = z.looseObject({ schedule: z.string(), runOnStartup: z.boolean().default(false) });

/** The timer functions among `functions`; `%NAME%` as a schedule is looked up in the settings. */
export function timerFunctions(functions: Iterable<FunctionMetadata>, environment: NodeJS.ProcessEnv): TimerFunction[] {
  const found: TimerFunction[] = [];
  for (const metadata of functions) {
    const { binding } = triggerOf(metadata);
    if (binding.type.toLowerCase() !== "timertrigger") continue;
    const { schedule, runOnStartup } = timerTriggerSchema.parse(binding);
    found.push({ name: metadata.name, schedule: expandNames(schedule, environment), runOnStartup });
  }
  return found;
}

const longestTimeoutMs = 2 ** 31 - 1; // a longer setTimeout fires at once

/** The machine's clock. */
export const systemClock: TimerClock = {
  now: () => new Date(),
  wake(at, callback) {
    let timer: NodeJS.Timeout | undefined;
    const hop = () => {
      const leftMs = at.getTime() - Date.now();
      timer = leftMs <= 0 ? setTimeout(callback, 0) : setTimeout(hop, Math.min(leftMs, longestTimeoutMs));
    };
    hop();
    return () => clearTimeout(timer);
  },
};

const scheduleFileSchema = z.record(z.string(), z.looseObject({ last: z.string().optional(), next: z.string() }));

/** Keeps the schedules' states in `{directory}/timers.json`; a file that cannot be read counts as none. */
export function createScheduleStore(directory: string): ScheduleStore {
  const file = join(directory, "timers.json");
  let loaded: Promise<Map<string, ScheduleStatus>> | undefined;
  let writing = Promise.resolve();
  const load = () => {
    loaded ??= readSchedules(file);
    return loaded;
  };
  return {
    read: async (name) => (await load()).get(name),
    async write(name, status) {
      const all = await load();
      all.set(name, status);
      writing = writing.then(() => replaceFile(file, JSON.stringify(Object.fromEntries(all))));
      await writing;
    },
  };

  async function replaceFile(path: string, text: string): Promise<void> {
    await mkdir(directory, { recursive: true });
    await writeFile(`${path}.new`, text);
    await rename(`${path}.new`, path);
  }
}

async function readSchedules(file: string): Promise<Map<string, ScheduleStatus>> {
  const text = await readFile(file, "utf8").catch(() => "{}");
  const parsed = scheduleFileSchema.safeParse(parseJson(text)); // cut off by a crash: past runs are then unknown
  const schedules = new Map<string, ScheduleStatus>();
  for (const [name, { last, next }] of Object.entries(parsed.success ? parsed.data : {})) {
    schedules.set(name, { last, next });
  }
  return schedules;
}
