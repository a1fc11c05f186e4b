import { systemClock } from "../durable/clock.ts";
import { createDurableEngine } from "../durable/engine.ts";
import { createFileJournal } from "../durable/file-journal.ts";
import { readDurableSettings } from "../durable/settings.ts";
import type { HostEngine, OpenEngineContext } from "./host.ts";

const compactAfterBytes = 8 * 1024 * 1024;
const lazyMs = 20; // what nobody waits for is written with whatever comes within this time

/** Opens the durable engine on the journal in the state directory and takes up what was running. */
export function openDurableEngine({ worker, config, stateDirectory, log }: OpenEngineContext): Promise<HostEngine> {
  const warn = (message: string) => log("durable.warning", { message });
  return createDurableEngine({
    worker,
    journal: createFileJournal({ directory: stateDirectory, compactAfterBytes, lazyMs, warn }),
    clock: systemClock,
    settings: readDurableSettings(config.durableTask),
    log: (level, message) => log(`durable.${level}`, { message }),
  });
}
