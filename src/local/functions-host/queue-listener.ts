import type { DequeuedMessageItem, QueueClient } from "@azure/storage-queue";
import { z } from "zod";
import type { QueuesConfig } from "./host-json.ts";
import { messageOf } from "./http-server.ts";
import { decodeMessage, queueMetadata } from "./queue-binding.ts";
import type { RunFunction } from "./run-function.ts";

export interface QueueListenerDeps {
  readonly name: string;
  readonly queue: QueueClient;
  readonly poison: QueueClient;
  readonly config: QueuesConfig;
  readonly run: RunFunction;
  /** Seconds for which a received message stays hidden; renewed at half of it while its function runs. */
  readonly hiddenSeconds: number;
  /** Rejects when the signal fires. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly log: (event: string, fields: Record<string, unknown>) => void;
}

export interface QueueListener {
  /** Receives nothing more, then waits for the running functions for at most `graceMs`. */
  readonly close: (graceMs: number) => Promise<void>;
}

/** First wait of an idle listener; it doubles up to `maxPollingInterval`. Source: azure-webjobs-sdk, QueuePollingIntervals. */
const firstPollMs = 100;

/**
 * Listens on a storage queue for one function: at most batchSize + newBatchThreshold messages at a time, renewed while
 * they run, again after `visibilityTimeout` when they fail, in `{queue}-poison` after `maxDequeueCount` failures.
 * Source: azure-webjobs-sdk, QueueListener.cs and QueueProcessor.cs.
 */
export function startQueueListener(deps: QueueListenerDeps): QueueListener {
  const { name, queue, config, sleep, log } = deps;
  const stopping = new AbortController();
  const running = new Set<Promise<void>>();
  let slotFreed = Promise.withResolvers<void>();

  const polling = poll().catch((thrown: unknown) => {
    if (!stopping.signal.aborted) log("queue.stopped", { function: name, error: messageOf(thrown) });
  });

  return {
    async close(graceMs) {
      stopping.abort();
      slotFreed.resolve();
      await polling;
      await within(Promise.all(running), graceMs);
    },
  };

  async function poll(): Promise<void> {
    let waitMs = firstPollMs;
    while (!stopping.signal.aborted) {
      while (running.size > config.newBatchThreshold && !stopping.signal.aborted) await slotFreed.promise;
      const messages = await receive();
      for (const message of messages) take(message);
      if (messages.length > 0) {
        waitMs = firstPollMs;
        continue;
      }
      await sleep(waitMs, stopping.signal);
      waitMs = Math.min(waitMs * 2, config.maxPollingInterval);
    }
  }

  async function receive(): Promise<readonly DequeuedMessageItem[]> {
    if (stopping.signal.aborted) return [];
    try {
      const { receivedMessageItems } = await queue.receiveMessages({
        numberOfMessages: config.batchSize,
        visibilityTimeout: deps.hiddenSeconds,
      });
      return receivedMessageItems;
    } catch (thrown) {
      if (!isMissing(thrown)) log("queue.unavailable", { function: name, error: messageOf(thrown) });
      return []; // a queue that is not there yet counts as empty
    }
  }

  function take(message: DequeuedMessageItem): void {
    const work = processMessage(deps, message)
      .catch((thrown: unknown) => {
        log("queue.failed", { function: name, message: message.messageId, error: messageOf(thrown) });
      })
      .finally(() => {
        running.delete(work);
        slotFreed.resolve();
        slotFreed = Promise.withResolvers();
      });
    running.add(work);
  }
}

async function processMessage(deps: QueueListenerDeps, message: DequeuedMessageItem): Promise<void> {
  const { name, queue, config, run } = deps;
  const text = decodeMessage(message.messageText, config.messageEncoding);
  if (text === undefined || message.dequeueCount > config.maxDequeueCount) {
    return moveToPoison(deps, message, message.popReceipt);
  }
  const lease = renewWhileRunning(deps, message);
  const outcome = await run(name, { string: text }, queueMetadata(message, text)).finally(lease.stop);
  const popReceipt = await lease.popReceipt();
  if (outcome.kind === "done") await queue.deleteMessage(message.messageId, popReceipt);
  else if (message.dequeueCount >= config.maxDequeueCount) await moveToPoison(deps, message, popReceipt);
  else {
    const visibleInSeconds = Math.round(config.visibilityTimeout / 1_000);
    await queue.updateMessage(message.messageId, popReceipt, message.messageText, visibleInSeconds);
  }
}

async function moveToPoison(deps: QueueListenerDeps, message: DequeuedMessageItem, popReceipt: string): Promise<void> {
  await deps.poison.createIfNotExists();
  await deps.poison.sendMessage(message.messageText, { messageTimeToLive: -1 });
  await deps.queue.deleteMessage(message.messageId, popReceipt);
  deps.log("queue.poisoned", { function: deps.name, message: message.messageId, queue: deps.poison.name });
}

/** Keeps a message hidden. A renewal changes the pop receipt, the only key to the message afterwards. */
function renewWhileRunning({ name, queue, hiddenSeconds, log }: QueueListenerDeps, message: DequeuedMessageItem) {
  let renewal = Promise.resolve(message.popReceipt);
  const renew = async (popReceipt: string) => {
    try {
      const renewed = await queue.updateMessage(message.messageId, popReceipt, message.messageText, hiddenSeconds);
      log("queue.renewed", { function: name, message: message.messageId });
      return renewed.popReceipt ?? popReceipt;
    } catch (thrown) {
      log("queue.renewal-failed", { function: name, message: message.messageId, error: messageOf(thrown) });
      return popReceipt;
    }
  };
  const timer = setInterval(() => {
    renewal = renewal.then(renew);
  }, hiddenSeconds * 500);
  return { stop: () => clearInterval(timer), popReceipt: () => renewal };
}

const storageErrorSchema = z.looseObject({ statusCode: z.literal(404) });

function isMissing(thrown: unknown): boolean {
  return storageErrorSchema.safeParse(thrown).success;
}

async function within(work: Promise<unknown>, ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([work, promise]);
  clearTimeout(timer);
}
