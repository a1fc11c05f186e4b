import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type QueueClient, QueueServiceClient } from "@azure/storage-queue";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Azurite, startAzurite } from "../../src/local/azurite.ts";
import type { QueuesConfig } from "../../src/local/functions-host/host-json.ts";
import { decodeMessage, queueMetadata } from "../../src/local/functions-host/queue-binding.ts";
import { startQueueListener } from "../../src/local/functions-host/queue-listener.ts";
import type { RpcTypedData } from "../../src/local/functions-host/rpc.ts";
import type { RunFunction, RunOutcome } from "../../src/local/functions-host/run-function.ts";
import { createLogBook, fixtureEvents, startFixtureHost } from "../helpers/fixture-host.ts";
import recorded from "./golden-http/queue-metadata.json" with { type: "json" };

let azurite: Azurite;
let service: QueueServiceClient;
beforeAll(async () => {
  azurite = await startAzurite({ directory: undefined });
  service = QueueServiceClient.fromConnectionString(azurite.connectionString);
});
afterAll(() => azurite.close());

let queueCount = 0;
async function createQueue(): Promise<QueueClient> {
  queueCount += 1;
  const queue = service.getQueueClient(`work-${queueCount}`);
  await queue.create();
  return queue;
}

const config: QueuesConfig = {
  batchSize: 4,
  newBatchThreshold: 2,
  maxDequeueCount: 3,
  maxPollingInterval: 50,
  visibilityTimeout: 0,
  messageEncoding: "none",
};
const done: RunOutcome = { kind: "done", result: { invocationId: "i", outputData: [], returnValue: null } };
const failed: RunOutcome = { kind: "failed", error: new Error("no") };

interface Delivery {
  readonly text: string;
  readonly metadata: Readonly<Record<string, RpcTypedData>>;
}

/** Listens with a function of the test's own; `next` resolves with the coming delivery. */
function listen(queue: QueueClient, run: (delivery: Delivery) => Promise<RunOutcome>, own: Partial<QueuesConfig> = {}) {
  const book = createLogBook();
  const deliveries: Delivery[] = [];
  const runFunction: RunFunction = (_, trigger, metadata) => {
    const delivery = { text: trigger.string ?? "", metadata };
    deliveries.push(delivery);
    return run(delivery);
  };
  const listener = startQueueListener({
    name: "onQueue",
    queue,
    poison: service.getQueueClient(`${queue.name}-poison`),
    config: { ...config, ...own },
    run: runFunction,
    hiddenSeconds: 2,
    sleep: async (ms, signal) => {
      await delay(ms, undefined, { signal });
    },
    log: book.log,
  });
  return { deliveries, book, [Symbol.asyncDispose]: () => listener.close(1_000) };
}

const messagesOf = async (queue: QueueClient) => (await queue.getProperties()).approximateMessagesCount;

describe("the queue listener", () => {
  it("deletes a message whose function succeeded", async () => {
    const queue = await createQueue();
    const ran = Promise.withResolvers<void>();
    const listening = listen(queue, async () => {
      ran.resolve();
      return done;
    });

    await queue.sendMessage('{"n":1}');
    await ran.promise;
    await listening[Symbol.asyncDispose]();

    expect(await messagesOf(queue)).toBe(0);
    expect(listening.deliveries.map(({ text }) => text)).toEqual(['{"n":1}']);
  });

  it("waits for a queue that does not exist yet", async () => {
    queueCount += 1;
    const queue = service.getQueueClient(`later-${queueCount}`);
    const ran = Promise.withResolvers<void>();
    await using _ = listen(queue, async () => {
      ran.resolve();
      return done;
    });

    await queue.create();
    await queue.sendMessage("x");

    await ran.promise;
  });

  it("delivers a failed message again, and moves it to poison after maxDequeueCount", async () => {
    const queue = await createQueue();
    await using listening = listen(queue, async () => failed);

    await queue.sendMessage('{"id":"2","bad":true}');
    await listening.book.line("queue.poisoned");

    const poison = service.getQueueClient(`${queue.name}-poison`);
    const { peekedMessageItems } = await poison.peekMessages();
    expect(peekedMessageItems.map(({ messageText }) => messageText)).toEqual(['{"id":"2","bad":true}']);
    expect(listening.deliveries.map(({ metadata }) => metadata.DequeueCount?.json)).toEqual(["1", "2", "3"]);
    expect(await messagesOf(queue)).toBe(0);
  });

  it("keeps a message hidden while its function runs, and can delete it afterwards", async () => {
    const queue = await createQueue();
    const release = Promise.withResolvers<void>();
    const listening = listen(queue, async () => {
      await release.promise;
      return done;
    });

    await queue.sendMessage("long");
    await listening.book.line("queue.renewed");
    release.resolve();
    await listening[Symbol.asyncDispose]();

    expect(listening.deliveries).toHaveLength(1);
    expect(await messagesOf(queue)).toBe(0);
  });

  it("runs at most batchSize + newBatchThreshold messages at a time", async () => {
    const queue = await createQueue();
    for (let n = 0; n < 12; n += 1) await queue.sendMessage(String(n));
    let runningNow = 0;
    let mostRunning = 0;
    const all = Promise.withResolvers<void>();
    let ended = 0;
    await using _ = listen(queue, async () => {
      runningNow += 1;
      mostRunning = Math.max(mostRunning, runningNow);
      await queue.getProperties(); // a round trip, in which further messages may arrive
      runningNow -= 1;
      ended += 1;
      if (ended === 12) all.resolve();
      return done;
    });

    await all.promise;

    expect(mostRunning).toBeGreaterThan(1);
    expect(mostRunning).toBeLessThanOrEqual(config.batchSize + config.newBatchThreshold);
  });

  it("sends what is no base64 to poison without running the function", async () => {
    const queue = await createQueue();
    await using listening = listen(queue, async () => done, { messageEncoding: "base64" });

    await queue.sendMessage("{plain}");
    await listening.book.line("queue.poisoned");

    expect(listening.deliveries).toEqual([]);
  });

  it("stops receiving on close, and waits for what runs", async () => {
    const queue = await createQueue();
    const started = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const listening = listen(queue, async () => {
      started.resolve();
      await release.promise;
      return done;
    });
    await queue.sendMessage("first");
    await started.promise;

    const closed = listening[Symbol.asyncDispose]();
    release.resolve();
    await closed;
    await queue.sendMessage("second");

    expect(await messagesOf(queue)).toBe(1);
  });
});

describe("the trigger metadata of a message", () => {
  it.each(recorded)("is as recorded for $text", ({ text, metadata }) => {
    const parse = (json: string): string => JSON.parse(json);
    const message = {
      messageId: "ff53505f-4643-4ffc-aac3-b56934188c27",
      popReceipt: metadata.PopReceipt.string,
      dequeueCount: Number(metadata.DequeueCount.json),
      insertedOn: new Date(parse(metadata.InsertionTime.json)),
      expiresOn: new Date(parse(metadata.ExpirationTime.json)),
      nextVisibleOn: new Date(parse(metadata.NextVisibleTime.json)),
    };

    expect(queueMetadata(message, text)).toEqual(metadata);
  });

  it("takes objects and numbers as binding data, and leaves out arrays and null", () => {
    const now = new Date("2026-01-01T00:00:00Z");
    const message = { messageId: "m", popReceipt: "p", dequeueCount: 1 };
    const times = { insertedOn: now, expiresOn: now, nextVisibleOn: now };

    const { o, n, a, z, DequeueCount, dequeuecount } = queueMetadata(
      { ...message, ...times },
      '{"o":{"x":1},"n":1.5,"a":[1],"z":null,"dequeuecount":"9"}',
    );

    expect({ o, n, a, z }).toEqual({ o: { json: '{"x":1}' }, n: { string: "1.5" }, a: undefined, z: undefined });
    expect({ DequeueCount, dequeuecount }).toEqual({ DequeueCount: { string: "9" }, dequeuecount: undefined });
  });

  it("decodes base64 messages", () => {
    expect(decodeMessage(Buffer.from('{"ü":1}').toString("base64"), "base64")).toBe('{"ü":1}');
    expect(decodeMessage('{"ü":1}', "base64")).toBeUndefined();
  });
});

describe("a queue function of the app", () => {
  it("gets message and metadata as on the genuine host, where a property shadows the message id", async () => {
    const queue = await createQueue();
    const seen = once(fixtureEvents(), "queue");
    await using _ = await startFixtureHost({
      environment: { AzureWebJobsStorage: azurite.connectionString, FixtureQueue: queue.name },
    });

    await queue.sendMessage('{"id":"1"}');

    const [{ message, metadata }] = await seen;
    expect(message).toEqual({ id: "1" });
    expect(metadata).toMatchObject({ id: 1, dequeueCount: 1, queueTrigger: { id: "1" } }); // the library parses strings
  });

  it("runs by hand through the admin route", async () => {
    const queue = await createQueue();
    await using host = await startFixtureHost({
      environment: { AzureWebJobsStorage: azurite.connectionString, FixtureQueue: queue.name },
    });
    const seen = once(fixtureEvents(), "queue");

    const response = await host.post("/admin/functions/onQueue", { input: '{"by":"hand"}' });

    const [{ message }] = await seen;
    expect([response.status, message]).toEqual([202, { by: "hand" }]);
  });
});

describe("Azurite", () => {
  it("keeps its data in its directory over a restart", async () => {
    const directory = await mkdtemp(join(tmpdir(), "azurite-"));
    const queueOf = ({ connectionString }: Azurite) =>
      QueueServiceClient.fromConnectionString(connectionString).getQueueClient("kept");
    const first = await startAzurite({ directory });
    await queueOf(first).create();
    await queueOf(first).sendMessage("still there");
    await first.close();

    await using second = await startAzurite({ directory });

    const { peekedMessageItems } = await queueOf(second).peekMessages();
    expect(peekedMessageItems.map(({ messageText }) => messageText)).toEqual(["still there"]);
    await second.close();
    await rm(directory, { recursive: true });
  });
});
