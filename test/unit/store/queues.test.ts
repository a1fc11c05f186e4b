import { QueueClient } from "@azure/storage-queue";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { maxMessageBytes } from "../../../src/domain/queue-message.ts";
import { formatQueueName } from "../../../src/domain/queue-names.ts";
import { createQueueAccess, type QueueAccess } from "../../../src/store/queues.ts";
import type { StorageTransaction } from "../../../src/store/storage-client.ts";
import { type Azurite, startAzurite, uniquePrefix } from "../../helpers/azurite.ts";
import { startStorageProxy } from "../../helpers/storage-proxy.ts";

let azurite: Azurite;

beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite[Symbol.asyncDispose]());

function openQueues(connectionString = azurite.connectionString) {
  const seen: StorageTransaction[] = [];
  const onTransaction = (transaction: StorageTransaction) => seen.push(transaction);
  const namePrefix = uniquePrefix();
  const access = createQueueAccess({ storage: { connectionString }, namePrefix, onTransaction });
  const client = new QueueClient(azurite.connectionString, formatQueueName(namePrefix, "imports"));
  const texts = async () => {
    const { receivedMessageItems } = await client.receiveMessages({ numberOfMessages: 32, visibilityTimeout: 60 });
    return receivedMessageItems.map(({ messageText }) => messageText);
  };
  return { access, client, seen, texts };
}

const isOver = () => false;

describe("createQueueAccess", () => {
  it("sends plain text to a queue that it creates once", async () => {
    const { access, seen, texts } = openQueues();
    const sent = ['{"a":"<&> é 😀"}', "two", "three"];

    await Promise.all(sent.map((text) => access.queue("imports").send(text)));

    expect((await texts()).toSorted()).toEqual(sent.toSorted());
    expect(seen.map(({ method }) => method).toSorted()).toEqual(["POST", "POST", "POST", "PUT"]);
  });

  it("hides a message for as long as it is told to", async () => {
    const { access, client, texts } = openQueues();

    await access.queue("imports").send("later", { visibilitySeconds: 3_600 });

    expect(await texts()).toEqual([]);
    expect((await client.getProperties()).approximateMessagesCount).toBe(1);
  });

  it("takes 64 KiB, and says that more does not fit before it asks", async () => {
    const { access, seen, texts } = openQueues();
    const longest = "é".repeat(maxMessageBytes / 2);

    await access.queue("imports").send(longest);
    const known = seen.length;
    const tooLong = access.queue("imports").send(`${longest}x`);

    await expect(tooLong).rejects.toMatchObject({ code: "INVALID_REQUEST", retryable: false });
    expect(seen).toHaveLength(known);
    expect(await texts()).toEqual([longest]);
  });

  it("sends on after the queue was deleted under it", async () => {
    const { access, client, texts } = openQueues();
    await access.queue("imports").send("lost");
    await client.delete();

    await access.queue("imports").send("kept");

    expect(await texts()).toEqual(["kept"]);
  });

  it("drains what is there, and leaves what was not taken", async () => {
    const { access, client } = openQueues();
    const queue = access.queue("imports");
    await queue.drain(async () => expect.unreachable("there is no queue yet"), isOver);
    for (const text of ["one", "two", "three"]) await queue.send(text);
    const taken: string[] = [];

    const draining = queue.drain(async ({ text }) => {
      if (text === "two") throw new Error("not now");
      taken.push(text);
    }, isOver);

    await expect(draining).rejects.toThrow("not now");
    expect(taken).toEqual(["one"]);
    expect((await client.getProperties()).approximateMessagesCount).toBe(2);
  });

  it("drains more than storage hands out at once", async () => {
    const queue = openQueues().access.queue("imports");
    await Promise.all(Array.from({ length: 40 }, (_, at) => queue.send(String(at))));
    const taken = new Set<string>();

    const count = await queue.drain(async ({ text }) => {
      taken.add(text);
    }, isOver);

    expect([count, taken.size]).toEqual([40, 40]);
  });

  it("drains no more than one batch where the time for it is over", async () => {
    const queue = openQueues().access.queue("imports");
    await Promise.all(Array.from({ length: 40 }, (_, at) => queue.send(String(at))));

    const count = await queue.drain(
      async () => {},
      () => true,
    );

    expect(count).toBe(32);
    expect(await queue.drain(async () => {}, isOver)).toBe(8);
  });

  it("puts the prefix of tables before its names, as queues spell it", async () => {
    expect(formatQueueName("Test1", "imports-poison")).toBe("test1-imports-poison");
    expect(formatQueueName("", "imports")).toBe("imports");
  });
});

describe("queues when storage fails", () => {
  async function broken(
    run: (proxy: Awaited<ReturnType<typeof startStorageProxy>>, access: QueueAccess) => Promise<void>,
  ) {
    await using proxy = await startStorageProxy(azurite, "queue");
    const { access } = openQueues(proxy.connectionString);
    await run(proxy, access);
  }

  it.each([
    ["a broken connection", { kind: "reset" }],
    ["a busy server", { kind: "refuse", status: 503 }],
  ] as const)("get over %s by themselves", (_, fault) =>
    broken(async (proxy, access) => {
      proxy.breakNext(fault);

      await access.queue("imports").send("text");
    }),
  );

  it("say STORAGE_UNAVAILABLE, retryable, when it stays down, and work again afterwards", () =>
    broken(async (proxy, access) => {
      for (let tries = 0; tries < 4; tries += 1) proxy.breakNext({ kind: "refuse", status: 500 });

      const down = access.queue("imports").send("text");

      await expect(down).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE", retryable: true });
      await access.queue("imports").send("text");
    }));

  it("say STORAGE_UNAVAILABLE, and not to try again, when access is refused", () =>
    broken(async (proxy, access) => {
      proxy.breakNext({ kind: "refuse", status: 403 });

      await expect(access.queue("imports").send("text")).rejects.toMatchObject({
        code: "STORAGE_UNAVAILABLE",
        retryable: false,
        message: expect.stringMatching(/queue .*-imports .*Storage Queue Data Contributor/),
      });
    }));
});
