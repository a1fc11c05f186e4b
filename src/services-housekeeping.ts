import type { Config } from "./config.ts";
import type { DurablePort, DurableUpkeep } from "./functions/durable-port.ts";
import type { ForgetImport } from "./functions/forget-import.ts";
import { createCancelAbandoned } from "./functions/housekeeping/cancel-abandoned.ts";
import { createForgetOld } from "./functions/housekeeping/forget-old.ts";
import { createReplaceStuck, type ReplaceStuckDeps } from "./functions/housekeeping/replace-stuck.ts";
import { createWithinBudget } from "./functions/housekeeping/within-budget.ts";
import type { RegistryServices } from "./services-registries.ts";
import type { Stores } from "./services-storage.ts";
import { createDeadEvents } from "./store/dead-events.ts";
import { createPoison } from "./store/poison.ts";

export interface HousekeepingDeps extends Pick<ReplaceStuckDeps, "beginAgain" | "endImport" | "log" | "now"> {
  readonly config: Pick<Config, "retentionDays" | "stuckMinutes">;
  readonly stores: Stores;
  readonly repositories: RegistryServices["repositories"];
  readonly forgetImport: ForgetImport;
  readonly drainPoison: () => Promise<unknown>;
  readonly stopping: AbortSignal;
}

export interface Housekeeping {
  /** Each hour. */
  readonly sweepStores: (durable: DurableUpkeep) => Promise<void>;
  /** Every five minutes. */
  readonly replaceStuck: (durable: DurablePort & DurableUpkeep) => Promise<void>;
}

/** For each of six kinds: with the uploads all of them are done within the hour, and within functionTimeout. */
const budgetMs = 7 * 60_000;

/** What keeps the tables and the histories from growing, and imports from standing still. */
export function createHousekeeping(deps: HousekeepingDeps): Housekeeping {
  const { config, stores, repositories, forgetImport, drainPoison, stopping, log, now } = deps;
  const { access, keys, uploads } = stores;
  const { retentionDays, stuckMinutes } = config;
  const budget = { budgetMs, log, now };
  const inTime = createWithinBudget(budget);
  const forgetOld = createForgetOld({
    ...{ ...stores, deadEvents: createDeadEvents(access), poison: createPoison(access) },
    ...{ ...budget, forgetImport, retentionDays },
  });
  const cancelAbandoned = createCancelAbandoned({ uploads, repositories, stopping, log, now });
  return {
    sweepStores: async (durable) => {
      await inTime("keys", (isOver) => keys.deleteExpired(now(), isOver));
      const tasks = { uploads: cancelAbandoned, poison: drainPoison };
      for (const [task, run] of Object.entries(tasks)) {
        try {
          await run();
        } catch (thrown) {
          log("sweep-failed", { task, error: String(thrown) }); // the next hour tries again, and the others go on
        }
      }
      await forgetOld(durable);
    },
    replaceStuck: createReplaceStuck({ ...deps, ...stores, stuckMinutes }),
  };
}
