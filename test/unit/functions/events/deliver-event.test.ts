import { describe, expect, it } from "vitest";
import type { Delivery } from "../../../../src/domain/event-delivery.ts";
import { promotionRecordSchema } from "../../../../src/domain/promotion-record.ts";
import { ImportError } from "../../../../src/errors.ts";
import { createAnnounceEvent } from "../../../../src/functions/events/announce-event.ts";
import { createBuryEvent, createDeliverEvent } from "../../../../src/functions/events/deliver-event.ts";
import { openQueueSink } from "../../../../src/functions/events/queue-sink.ts";
import { type DeadEvent, deadEventId } from "../../../../src/store/dead-events.ts";
import { aRecord } from "../../../helpers/import-records.ts";
import { createMemoryLog } from "../memory-stores.ts";

const now = () => new Date("2026-03-01T13:00:00.000Z");
const record = aRecord({ state: "Succeeded", finishedAt: "2026-03-01T12:30:00.000Z" });
const id = `${record.id}-1`;

/** A queue whose messages are taken one after the other, whatever their wait. */
function createWorld(...deliveries: readonly Delivery[]) {
  const sent: { readonly text: string; readonly visibilitySeconds?: number }[] = [];
  const send = async (text: string, options: { readonly visibilitySeconds?: number } = {}) => {
    sent.push({ text, ...options });
  };
  const dead: Omit<DeadEvent, "id">[] = [];
  const deadEvents = {
    put: async (one: Omit<DeadEvent, "id">) => {
      dead.push(one);
      return deadEventId(one.sink, one.event);
    },
  };
  const { log, lines, events } = createMemoryLog();
  const delivered: string[] = [];
  const sinks = new Map([
    [
      "hook",
      async (event: { readonly id: string }) => {
        delivered.push(event.id);
        return deliveries[delivered.length - 1] ?? { kind: "delivered" as const };
      },
    ],
  ]);
  const deps = { send, dead: deadEvents, waits: [5, 30], stopping: new AbortController().signal, log, now };
  const deliver = createDeliverEvent({ ...deps, sinks });
  const bury = createBuryEvent({ ...deps, postpone: send });
  const announce = (...names: readonly string[]) => {
    const entries = names.map((name) => ({ name, kind: "queue", queue: name }) as const);
    return createAnnounceEvent({ sinks: entries, source: "/here", send });
  };
  const takeAll = async () => {
    for (let at = 0; at < sent.length; at += 1) await deliver(JSON.parse(sent[at]?.text ?? ""));
  };
  return { announce, deliver, bury, takeAll, sent, dead, delivered, lines, logged: events, send };
}

describe("an event", () => {
  it("goes into the queue once for each sink that wants it", async () => {
    const { send, sent } = createWorld();
    const { announceImport } = createAnnounceEvent({
      sinks: [
        { name: "all", kind: "queue", queue: "all" },
        { name: "failures", kind: "queue", queue: "failures", types: ["drayage.import.failed"] },
      ],
      source: "/here",
      send,
    });

    await announceImport(record);

    expect(sent.map(({ text }) => JSON.parse(text))).toMatchObject([{ v: 1, sink: "all", attempt: 1, event: { id } }]);
  });

  it("is neither built nor counted without sinks", async () => {
    const { announce, sent } = createWorld();
    const { announceImport, announcePromotion } = announce();
    const promotion = promotionRecordSchema.parse({
      ...{ v: 1, id: record.id, state: "Succeeded", trigger: { kind: "http" }, request: {}, attempt: 1 },
      ...{ isExpanded: true, createdAt: record.createdAt, warnings: [] },
    });

    await announceImport(record);
    await announcePromotion(promotion, () => Promise.reject(new Error("nobody asked")));

    expect(sent).toEqual([]);
  });

  it("is sent again with a growing wait until the sink takes it", async () => {
    const failed = { kind: "failed", reason: "h answered 503" } as const;
    const world = createWorld(failed, { ...failed, retryAfterSeconds: 90 });
    await world.announce("hook").announceImport(record);

    await world.takeAll();

    expect(world.delivered).toEqual([id, id, id]);
    expect(world.sent.map(({ visibilitySeconds }) => visibilitySeconds)).toEqual([undefined, 5, 90]);
    expect(world.dead).toEqual([]);
    expect(world.logged()).toEqual(["event-delivery-failed", "event-delivery-failed", "event-delivered"]);
  });

  it("is dead after the last try", async () => {
    const failed = { kind: "failed", reason: "h answered 503" } as const;
    const world = createWorld(failed, failed, failed);
    await world.announce("hook").announceImport(record);

    await world.takeAll();

    expect(world.dead).toMatchObject([
      { sink: "hook", reason: "h answered 503", attempts: 3, diedAt: now().toISOString(), event: { id } },
    ]);
  });

  it("is dead at once when its sink is gone from the settings", async () => {
    const world = createWorld();
    await world.announce("former").announceImport(record);

    await world.takeAll();

    expect(world.dead).toMatchObject([{ sink: "former", reason: "the sink is not in EVENT_SINKS", attempts: 1 }]);
  });

  it("is dead when the host has handed it out too often", async () => {
    const world = createWorld();
    await world.announce("hook").announceImport(record);

    await world.bury(JSON.parse(world.sent[0]?.text ?? ""));

    expect(world.dead).toMatchObject([{ sink: "hook", event: { id } }]);
  });

  it("stays in the queue when the wait cannot be stored", async () => {
    const world = createWorld();
    await world.announce("hook").announceImport(record);
    const deliver = createDeliverEvent({
      sinks: new Map([["hook", async () => ({ kind: "failed", reason: "no" }) as const]]),
      send: () => Promise.reject(new Error("storage is down")),
      dead: { put: () => Promise.reject(new Error("unused")) },
      ...{ waits: [5], stopping: new AbortController().signal, log: () => {}, now },
    });

    await expect(deliver(JSON.parse(world.sent[0]?.text ?? ""))).rejects.toThrow("storage is down");
  });

  it.each([["no JSON"], [{ v: 2, sink: "hook" }], [{ v: 1, sink: "hook", attempt: 0, event: { secret: "hidden" } }]])(
    "that is none is dropped with a line in the log: %j",
    async (message) => {
      const world = createWorld();

      await world.deliver(message);
      await world.bury(message);

      expect(world.logged()).toEqual(["event-message-refused", "event-message-refused"]);
      expect(JSON.stringify(world.lines)).not.toContain("hidden");
      expect(world.dead).toEqual([]);
    },
  );

  it("waits for a queue that does not answer", async () => {
    const sink = openQueueSink("done", () => Promise.reject(new Error("storage is down")));
    const { sent, announce } = createWorld();
    await announce("hook").announceImport(record);
    const { event } = JSON.parse(sent[0]?.text ?? "");

    const delivery = await sink.deliver(event, new AbortController().signal);

    expect(delivery).toMatchObject({ kind: "failed", reason: expect.stringContaining("queue done: ") });
  });
});

describe("an event that its queue has given up", () => {
  it("goes back to the end of the queue while its death cannot be written down", async () => {
    const { announce, send, sent } = createWorld();
    await announce("hook").announceImport(record);
    const message: unknown = JSON.parse(sent.pop()?.text ?? "");
    const { log } = createMemoryLog();
    const put = async () => {
      throw new ImportError({ code: "STORAGE_UNAVAILABLE", what: "no table", retryable: true });
    };

    await createBuryEvent({ dead: { put }, postpone: send, log, now })(message);

    expect(sent.map(({ text, ...options }) => [JSON.parse(text), options])).toEqual([
      [message, { visibilitySeconds: 300 }],
    ]);
  });
});
