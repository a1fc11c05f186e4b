import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { expandNames, type QueuesConfig } from "./host-json.ts";
import { decodeMessage, queueMetadata } from "./queue-binding.ts";
import { type QueueListener, startQueueListener } from "./queue-listener.ts";
import { type FunctionMetadata, triggerOf } from "./rpc.ts";
import type { RunFunction } from "./run-function.ts";

const queueTriggerSchema = z.looseObject({
  queueName: z.string(),
  connection: z.string().default("AzureWebJobsStorage"),
});

/** A function that messages start. */
export interface QueueFunction {
  readonly name: string;
  readonly queueName: string;
  readonly connectionString: string;
}

/** The queue functions among `functions`, with their queue and connection looked up in the settings. */
export function queueFunctions(functions: Iterable<FunctionMetadata>, environment: NodeJS.ProcessEnv): QueueFunction[] {
  const found: QueueFunction[] = [];
  for (const metadata of functions) {
    const { binding } = triggerOf(metadata);
    if (binding.type.toLowerCase() !== "queuetrigger") continue;
    const { queueName, connection } = queueTriggerSchema.parse(binding);
    const name = connection === "" ? "AzureWebJobsStorage" : connection;
    const connectionString = environment[`AzureWebJobs${name}`] ?? environment[name];
    if (!connectionString) throw new Error(`function ${metadata.name}: setting ${name} holds no connection string`);
    found.push({ name: metadata.name, queueName: expandNames(queueName, environment), connectionString });
  }
  return found;
}

/** The setting for how long a message stays hidden when the process that holds it dies. */
const leaseSetting = "DRAYAGE_MESSAGE_LEASE_SECONDS";
/** The genuine host hides a message for 10 minutes: nobody at a desk who has killed a host wants to wait for that. */
const leaseSeconds = 60;

export function readMessageLease(environment: NodeJS.ProcessEnv): number {
  const parsed = z.coerce
    .number()
    .int()
    .min(2)
    .max(600)
    .safeParse(environment[leaseSetting] || leaseSeconds);
  if (parsed.success) return parsed.data;
  throw new Error(`setting ${leaseSetting}: expected 2 to 600`);
}

export interface QueueTriggersDeps {
  /** For how long a received message is hidden; renewed while its function runs. */
  readonly hiddenSeconds: number;
  readonly config: QueuesConfig;
  readonly run: RunFunction;
  readonly log: (event: string, fields: Record<string, unknown>) => void;
}

/**
 * Listens on the queues of all queue functions. The storage client is loaded only when there are any; it does not
 * repeat what fails, the listener polls anyway.
 */
export async function startQueueTriggers(
  functions: readonly QueueFunction[],
  deps: QueueTriggersDeps,
): Promise<QueueListener[]> {
  if (functions.length === 0) return [];
  const { QueueServiceClient } = await import("@azure/storage-queue");
  return functions.map(({ name, queueName, connectionString }) => {
    const service = QueueServiceClient.fromConnectionString(connectionString, { retryOptions: { maxTries: 1 } });
    return startQueueListener({
      ...deps,
      name,
      queue: service.getQueueClient(queueName),
      poison: service.getQueueClient(`${queueName}-poison`),
      sleep: async (ms, signal) => {
        await delay(ms, undefined, { signal });
      },
    });
  });
}

/** Runs a queue function as if `text` had just been taken from its queue. */
export async function runQueueFunction(name: string, text: string, run: RunFunction): Promise<void> {
  const now = new Date();
  const message = {
    messageId: crypto.randomUUID(),
    popReceipt: "",
    dequeueCount: 1,
    insertedOn: now,
    expiresOn: new Date(now.getTime() + 7 * 86_400_000),
    nextVisibleOn: new Date(now.getTime() + leaseSeconds * 1_000),
  };
  await run(name, { string: decodeMessage(text, "none") ?? text }, queueMetadata(message, text));
}
