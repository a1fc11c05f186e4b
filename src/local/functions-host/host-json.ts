import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { overrideHostJson } from "./host-overrides.ts";
import { timeSpanSchema } from "./time-span.ts";

const seconds = 1_000;
const minutes = 60 * seconds;

const httpSchema = z.looseObject({ routePrefix: z.string().default("api") });

/** Defaults of the extension: azure-webjobs-sdk, QueuesOptions.cs (newBatchThreshold: batchSize / 2 × cores). */
const queuesSchema = z.looseObject({
  batchSize: z.int().min(1).max(32).default(16),
  newBatchThreshold: z.int().min(0).optional(),
  maxDequeueCount: z.int().min(1).default(5),
  maxPollingInterval: timeSpanSchema.default(2 * seconds), // a minute in Azure, this in development (AddAzureStorage)
  visibilityTimeout: timeSpanSchema.default(0),
  messageEncoding: z.enum(["base64", "none"]).default("base64"),
});

const durableTaskSchema = z.looseObject({
  hubName: z.string().default("TestHubName"),
  defaultVersion: z.string().optional(),
  maxConcurrentActivityFunctions: z.int().min(1).optional(),
  maxConcurrentOrchestratorFunctions: z.int().min(1).optional(),
});

const hostJsonSchema = z
  .looseObject({
    version: z.literal("2.0"),
    functionTimeout: z.union([z.literal("-1").transform(() => Number.POSITIVE_INFINITY), timeSpanSchema]).optional(),
    extensions: z
      .looseObject({
        http: httpSchema.prefault({}),
        queues: queuesSchema.prefault({}),
        durableTask: durableTaskSchema.prefault({}),
      })
      .prefault({}),
  })
  .transform(({ functionTimeout, extensions: { http, queues, durableTask } }) => ({
    functionTimeoutMs: functionTimeout ?? 30 * minutes,
    routePrefix: http.routePrefix.replace(/^\/+|\/+$/g, ""),
    queues: { ...queues, newBatchThreshold: queues.newBatchThreshold ?? Math.floor(queues.batchSize / 2) },
    durableTask,
  }));

/** The part of host.json that this host honours; times are milliseconds. */
export type HostConfig = Readonly<z.infer<typeof hostJsonSchema>>;
export type QueuesConfig = HostConfig["queues"];

/** Reads host.json of an app, with its overrides among the settings. `%NAME%` in the hub name is replaced from `environment`, as the genuine host does. */
export async function readHostConfig(appDirectory: string, environment: NodeJS.ProcessEnv): Promise<HostConfig> {
  const file = join(appDirectory, "host.json");
  const parsed = hostJsonSchema.safeParse(overrideHostJson(JSON.parse(await readFile(file, "utf8")), environment));
  if (!parsed.success) throw new Error(`${file}: ${z.prettifyError(parsed.error)}`);
  const { durableTask, ...config } = parsed.data;
  return { ...config, durableTask: { ...durableTask, hubName: expandNames(durableTask.hubName, environment) } };
}

/** Replaces `%NAME%` by the setting of that name. */
export function expandNames(text: string, environment: NodeJS.ProcessEnv): string {
  return text.replace(/%([^%]+)%/g, (_, name: string) => {
    const value = environment[name];
    if (value === undefined)
      throw new Error(`setting ${name} is missing: "${text}" in host.json or a binding needs it`);
    return value;
  });
}

const localSettingsSchema = z.looseObject({ Values: z.record(z.string(), z.string()).default({}) });

/** `Values` of a local.settings.json, or undefined when there is no such file. */
export async function readLocalSettings(file: string): Promise<Readonly<Record<string, string>> | undefined> {
  const text = await readFile(file, "utf8").catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === "ENOENT") return undefined;
    throw thrown;
  });
  if (text === undefined) return undefined;
  const parsed = localSettingsSchema.safeParse(JSON.parse(text));
  if (!parsed.success) throw new Error(`${file}: ${z.prettifyError(parsed.error)}`);
  return parsed.data.Values;
}
