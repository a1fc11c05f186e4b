import { z } from "zod";
import type { RetentionSettings } from "./retention.ts";

const durableTaskSchema = z.looseObject({
  hubName: z.string().default("TestHubName"),
  defaultVersion: z.string().optional(),
  maxConcurrentActivityFunctions: z.int().positive().default(10),
  maxConcurrentOrchestratorFunctions: z.int().positive().default(10),
});

export interface DurableSettings {
  readonly hubName: string;
  readonly defaultVersion: string | null;
  readonly maxConcurrentActivityFunctions: number;
  readonly maxConcurrentOrchestratorFunctions: number;
  /** Fail loudly where the genuine host hangs or gets things wrong. */
  readonly isStrict: boolean;
  readonly retention: RetentionSettings;
}

/** Reads the `extensions.durableTask` section of host.json; what it does not say has the defaults of the genuine host. */
export function readDurableSettings(durableTask: unknown, own: Partial<DurableSettings> = {}): DurableSettings {
  const { hubName, defaultVersion, maxConcurrentActivityFunctions, maxConcurrentOrchestratorFunctions } =
    durableTaskSchema.parse(durableTask ?? {});
  return {
    hubName,
    defaultVersion: defaultVersion ?? null,
    maxConcurrentActivityFunctions,
    maxConcurrentOrchestratorFunctions,
    isStrict: true,
    retention: { histories: 200, statuses: 10_000 },
    ...own,
  };
}
