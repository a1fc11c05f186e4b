import { type DequeuedMessageItem, QueueClient, type StoragePipelineOptions } from "@azure/storage-queue";
import { maxMessageBytes } from "../domain/queue-message.ts";
import { formatQueueName } from "../domain/queue-names.ts";
import { ImportError } from "../errors.ts";
import { createOnce } from "./once.ts";
import type { StorageLocation, StorageTransaction } from "./storage-client.ts";
import { classify, toStorageError } from "./storage-errors.ts";

export interface QueueAccessOptions {
  readonly storage: StorageLocation;
  /** TABLE_PREFIX: put before every queue's name by {@link formatQueueName}. */
  readonly namePrefix: string;
  /** Told before each request; what the SDK repeats after a failure is one. */
  readonly onTransaction: (transaction: StorageTransaction) => void;
}

/** All queues of one storage account. */
export interface QueueAccess {
  /** The queue of that name, created at its first use; cheap, no request is made here. */
  readonly queue: (name: string) => Queue;
}

export interface SendOptions {
  /** Seconds until somebody can receive it. Default: at once. */
  readonly visibilitySeconds?: number;
}

/** One queue. Storage that does not answer throws STORAGE_UNAVAILABLE, retryable. */
export interface Queue {
  /** As the account knows it, prefix included. */
  readonly name: string;
  /**
   * Sends plain text, which never expires. Longer than {@link maxMessageBytes} of UTF-8 throws INVALID_REQUEST. A call
   * that failed may have sent it all the same: whoever repeats it sends a message that is safe to receive twice.
   */
  readonly send: (text: string, options?: SendOptions) => Promise<void>;
  /**
   * Hands over what is visible now, one message after the other, and deletes each that was taken, until `isOver`, which is
   * asked after every 32; how many it were. For queues that no function listens on; one that does not exist is empty.
   */
  readonly drain: (take: (message: QueuedMessage) => Promise<void>, isOver: () => boolean) => Promise<number>;
}

/** A message as the service has it. */
export interface QueuedMessage {
  readonly id: string;
  readonly text: string;
  readonly insertedAt: Date;
}

const callTimeoutMs = 30_000;
const drainedAtOnce = 32; // the service's limit
const drainSeconds = 300;
const options: StoragePipelineOptions = {
  retryOptions: { maxTries: 4, tryTimeoutInMs: 10_000, retryDelayInMs: 200, maxRetryDelayInMs: 2_000 },
};

/** Opens Queue Storage by connection string or identity. No request is made before a queue is used. */
export function createQueueAccess({ storage, namePrefix, onTransaction }: QueueAccessOptions): QueueAccess {
  const queues = new Map<string, Queue>();
  return {
    queue: (name) => {
      const known = queues.get(name);
      if (known) return known;
      const queue = createQueue(openClient(storage, formatQueueName(namePrefix, name)), onTransaction);
      queues.set(name, queue);
      return queue;
    },
  };
}

function createQueue(client: QueueClient, onTransaction: QueueAccessOptions["onTransaction"]): Queue {
  const { name } = client;
  const ensure = createOnce(async () => {
    onTransaction({ method: "PUT", path: `/${name}` });
    await client.createIfNotExists({ abortSignal: AbortSignal.timeout(callTimeoutMs) });
  });
  return {
    name,
    send: async (text, { visibilitySeconds } = {}) => {
      assertFits(name, text);
      for (let isSecondTry = false; ; isSecondTry = true) {
        try {
          await ensure.done();
          onTransaction({ method: "POST", path: `/${name}/messages` });
          await client.sendMessage(text, {
            messageTimeToLive: -1,
            ...(visibilitySeconds !== undefined && { visibilityTimeout: visibilitySeconds }),
            abortSignal: AbortSignal.timeout(callTimeoutMs),
          });
          return;
        } catch (thrown) {
          if (classify(thrown) !== "missing" || isSecondTry) rethrow(thrown);
          ensure.reset(); // somebody deleted it under us
        }
      }
    },
    drain: async (take, isOver) => {
      let count = 0;
      do {
        const messages = await receive();
        if (messages.length === 0) break;
        for (const { messageId, messageText, insertedOn, popReceipt } of messages) {
          await take({ id: messageId, text: messageText, insertedAt: insertedOn });
          onTransaction({ method: "DELETE", path: `/${name}/messages` });
          await client
            .deleteMessage(messageId, popReceipt, { abortSignal: AbortSignal.timeout(callTimeoutMs) })
            .catch(rethrow);
          count += 1;
        }
      } while (!isOver());
      return count;
    },
  };

  async function receive(): Promise<readonly DequeuedMessageItem[]> {
    onTransaction({ method: "GET", path: `/${name}/messages` });
    try {
      const { receivedMessageItems } = await client.receiveMessages({
        ...{ numberOfMessages: drainedAtOnce, visibilityTimeout: drainSeconds },
        abortSignal: AbortSignal.timeout(callTimeoutMs),
      });
      return receivedMessageItems;
    } catch (thrown) {
      return classify(thrown) === "missing" ? [] : rethrow(thrown);
    }
  }

  function rethrow(thrown: unknown): never {
    throw toStorageError(thrown, { kind: "queue", name });
  }
}

function assertFits(name: string, text: string): void {
  const bytes = Buffer.byteLength(text);
  if (bytes <= maxMessageBytes) return;
  throw new ImportError({
    code: "INVALID_REQUEST",
    stage: "accept",
    what: `a message of ${bytes} bytes does not fit into queue ${name}`,
    hint: `at most ${maxMessageBytes} bytes`,
  });
}

function openClient(storage: StorageLocation, name: string): QueueClient {
  if ("connectionString" in storage) return new QueueClient(storage.connectionString, name, options);
  return new QueueClient(`${storage.queueUrl}/${name}`, storage.credential, options);
}
