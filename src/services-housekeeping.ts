import type { Config } from "./config.ts";
import type { DurablePort, DurableUpkeep } from "./functions/durable-port.ts";
import type { ForgetImport } from "./functions/forget-import.ts";
import { createCancelAbandoned } from "./functions/housekeeping/cancel-abandoned.ts";
import { createForgetOld } from "./functions/housekeeping/forget-old.ts";
import { createReplaceStuck, type ReplaceStuckDeps } from "./functions/housekeeping/replace-stuck.ts";
import { type BoundedWork, createWithinBudget } from "./functions/housekeeping/within-budget.ts";
import type { RegistryServices } from "./services-registries.ts";
import type { Stores } from "./services-storage.ts";
import { createDeadEvents } from "./store/dead-events.ts";
import { createPoison } from "./store/poison.ts";

export interface HousekeepingDeps extends Pick<ReplaceStuckDeps, "beginAgain" | "endImport" | "log" | "now"> {
  readonly config: Pick<Config, "retentionDays" | "stuckMinutes">;
  readonly stores: Stores;
  readonly repositories: RegistryServices["repositories"];
  readonly forgetImport: ForgetImport;
  readonly drainPoison: BoundedWork;
  readonly stopping: AbortSignal;
  /** Milliseconds of a clock that nobody sets back. */
  readonly elapsedMs: () => number;
}

export interface Housekeeping {
  /** Each hour. */
  readonly sweepStores: (durable: DurableUpkeep) => Promise<void>;
  /** Every five minutes. */
  readonly replaceStuck: (durable: DurablePort & DurableUpkeep) => Promise<void>;
}

/** For each of eight kinds: all of them are done within the hour, and within functionTimeout. */
const budgetMs = 7 * 60_000;

/** What keeps the tables and the histories from growing, and imports from standing still. */
export function createHousekeeping(deps: HousekeepingDeps): Housekeeping {
  const { config, stores, repositories, forgetImport, drainPoison, stopping, log, now, elapsedMs } = deps;
  const { access, keys, uploads } = stores;
  const { retentionDays, stuckMinutes } = config;
  const inTime = createWithinBudget({ budgetMs, log, elapsedMs });
  const forgetOld = createForgetOld({
    ...{ ...stores, deadEvents: createDeadEvents(access), poison: createPoison(access) },
    ...{ forgetImport, retentionDays, inTime, log, now },
  });
  const cancelAbandoned = createCancelAbandoned({ uploads, repositories, stopping, log, now });
  return {
    sweepStores: async (durable) => {
      await inTime("keys", (isOver) => keys.deleteExpired(now(), isOver));
      await inTime("uploads", cancelAbandoned);
      await inTime("poison", drainPoison);
      await forgetOld(durable);
    },
    replaceStuck: createReplaceStuck({ ...deps, ...stores, stuckMinutes }),
  };
}
