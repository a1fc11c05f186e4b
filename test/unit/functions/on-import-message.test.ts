import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { AcceptRequest } from "../../../src/domain/accept.ts";
import { poisonMessageSchema } from "../../../src/domain/poison-message.ts";
import { encodeItemMessage, encodePromotionMessage } from "../../../src/domain/queue-message.ts";
import { createRegistries } from "../../../src/domain/registries.ts";
import type { RejectRequest } from "../../../src/domain/rejected-import.ts";
import { ImportError } from "../../../src/errors.ts";
import type { DurablePort } from "../../../src/functions/durable-port.ts";
import {
  createOnImportMessage,
  maxDeliveries,
  type OnImportMessageDeps,
} from "../../../src/functions/triggers/on-import-message.ts";
import { createOnPoisonMessage } from "../../../src/functions/triggers/on-poison-message.ts";
import type { PoisonEntry } from "../../../src/store/poison.ts";
import { anImportId, aRecord } from "../../helpers/import-records.ts";
import { aPromotion } from "../../helpers/promotion-records.ts";

const now = new Date("2026-03-01T15:00:00.000Z");
const durable: DurablePort = { start: async () => {}, raise: async () => false, state: async () => "missing" };
const inserted = "2026-03-01T12:00:00+00:00";
const facts = { id: "ff53505f-4643-4ffc-aac3-b56934188c27", insertionTime: inserted, dequeueCount: 1 };
const request = { source: "docker.io/library/alpine:3.20" };
const unavailable = new ImportError({ code: "STORAGE_UNAVAILABLE", what: "down", retryable: true });

/** A handler whose ports note what they are told. */
function open(changes: Partial<OnImportMessageDeps> = {}) {
  const accepted: AcceptRequest[] = [];
  const rejected: RejectRequest[] = [];
  const poisoned: string[] = [];
  const started: unknown[] = [];
  const handle = createOnImportMessage({
    settings: {
      ...{ defaultTarget: "target.example", registries: createRegistries([], undefined), registrySuffix: "azurecr.io" },
      ...{ defaultConflict: "skipIfSame", defaultTimeoutSeconds: 60 },
    },
    assertAllowed: () => {},
    startImport: {
      accept: async (one) => {
        accepted.push(one);
        return { record: aRecord({ id: one.id }), isNew: true };
      },
    },
    restartImport: async () => "unchanged",
    startPromotion: async (_, cause) => {
      started.push(cause);
      return { record: aPromotion({ id: cause.id }), isNew: true };
    },
    startItem: async (item) => {
      started.push(item);
    },
    reject: async (one) => {
      rejected.push(one);
    },
    poison: {
      send: async (text) => {
        poisoned.push(text);
      },
    },
    log: () => {},
    now: () => now,
    ...changes,
  });
  return {
    ...{ accepted, rejected, poisoned, started },
    run: (message: unknown, metadata: object = facts) => handle(message, metadata, durable),
  };
}

describe("a message whose source cannot be read", () => {
  const target = { registry: "prod.example", tags: [], untaggedRepositories: [] };
  it.each([
    ["its target", { target: "prod.example" }, target],
    [
      "its tags",
      { target: "prod.example", targetTags: ["team/app:1"] },
      { ...target, tags: [{ repository: "team/app", tag: "1" }] },
    ],
    ["the default target", {}, { ...target, registry: "target.example" }],
  ])("has %s in its record", async (_, more, expected) => {
    const { run, rejected } = open();

    await run({ v: 1, import: { source: "nginx", ...more } });

    expect(rejected).toMatchObject([{ spec: undefined, target: expected }]);
  });

  it("has none where that cannot be read either", async () => {
    const { run, rejected } = open();

    await run({ v: 1, import: { source: "nginx", target: "no host" } });

    expect(rejected[0]?.target).toBeUndefined();
  });
});

const poisonOf = (text: string | undefined) => poisonMessageSchema.parse(JSON.parse(text ?? "")).poison;

describe("a message of queue imports", () => {
  it("is an import of the queue, whose id and time are the message's", async () => {
    const { run, accepted } = open();

    await run({ v: 1, import: request });
    await run({ v: 1, import: request }, { ...facts, dequeueCount: 2 });
    await run({ v: 1, import: request }, { ...facts, id: "another" });

    expect(accepted[0]).toMatchObject({
      trigger: { kind: "queue", ref: facts.id },
      causedAt: new Date(inserted),
      request: { spec: { conflict: "skipIfSame" } },
    });
    expect(accepted[1]?.id).toBe(accepted[0]?.id);
    expect(accepted[2]?.id).not.toBe(accepted[0]?.id);
  });

  it("keeps the id that its sender gave it", async () => {
    const importId = anImportId();
    const { run, accepted } = open();

    await run({ v: 1, import: request, importId });

    expect(accepted.map(({ id }) => id)).toEqual([importId]);
  });

  it("cannot choose an id by a property that hides the message's own", async () => {
    const { run, rejected } = open();
    const hiding = { v: 1, import: request, id: "x", insertionTime: "2001-01-01T00:00:00Z" };

    await run(hiding, { id: "x", insertionTime: "2001-01-01T00:00:00Z", dequeueCount: 1 });
    await run(hiding, { id: "y", insertionTime: "2011-01-01T00:00:00Z", dequeueCount: 2 });

    expect(rejected[0]?.causedAt).toEqual(new Date("2026-03-01T00:00:00.000Z"));
    expect(rejected[1]?.id).toBe(rejected[0]?.id);
  });

  it("begins promotions and items of promotions under their ids", async () => {
    const [promotion, importId] = [anImportId(), anImportId()];
    const { run, started } = open();

    await run(JSON.parse(encodePromotionMessage({ items: [request] }, promotion)));
    await run(JSON.parse(encodeItemMessage({ promotion, key: "k", attempt: 2 }, importId)));

    expect(started).toEqual([
      expect.objectContaining({ id: promotion, causedAt: new Date(inserted) }),
      { promotion, key: "k", attempt: 2, importId },
    ]);
  });

  it.each([
    ["no JSON", "{oops", undefined],
    ["base64", Buffer.from('{"v":1}').toString("base64"), undefined],
    ["a bare value", 7, undefined],
    ["no version", { import: request }, "v"],
    ["a later version", { v: 2, import: request }, "v"],
    ["two wishes", { v: 1, import: request, item: {} }, undefined],
    ["an unknown property", { v: 1, import: request, x: 1 }, "x"],
    ["a bad request", { v: 1, import: { source: 7 } }, "import.source"],
    ["a dry run", { v: 1, import: { ...request, dryRun: true } }, "import.dryRun"],
  ])("with %s goes to poison at once and is said to have failed", async (_, message, property) => {
    const { run, rejected, poisoned, accepted } = open();

    await run(message);

    expect(accepted).toEqual([]);
    expect(rejected).toMatchObject([{ error: { code: "INVALID_REQUEST", ...(property && { property }) } }]);
    expect(poisonOf(poisoned[0])).toMatchObject({ id: rejected[0]?.id, reason: { code: "INVALID_REQUEST" } });
  });

  it("leaves its password behind on the way to poison", async () => {
    const { run, rejected, poisoned } = open();
    const credentials = { username: "u", password: "hunter2" };
    const source = { registryUri: "docker.io", sourceImage: "a/b:1", credentials };

    await run({ v: 1, import: { source } });

    expect(rejected).toMatchObject([{ spec: { source: { registry: "docker.io" } } }]);
    expect(poisonOf(poisoned[0]).message).toMatchObject({ import: { source: { credentials: { username: "u" } } } });
    expect(JSON.stringify([rejected, poisoned])).not.toContain("hunter2");
  });

  it("tells the item's promotion when the item can never begin", async () => {
    const [promotion, importId] = [anImportId(), anImportId()];
    const startItem = async () => {
      throw new ImportError({ code: "HOST_NOT_ALLOWED", what: "no" });
    };
    const { run, rejected } = open({ startItem });

    await run({ v: 1, item: { promotion, key: "k", attempt: 1 }, importId });

    expect(rejected).toMatchObject([{ id: importId, promotion: { id: promotion, item: "k" } }]);
  });

  it("is delivered again after a passing fault, and at the last delivery goes to poison with its id", async () => {
    const accept = async () => {
      throw unavailable;
    };
    const { run, rejected, poisoned } = open({ startImport: { accept } });
    const importId = anImportId();
    const message = { v: 1, import: request, importId };

    await expect(run(message, { ...facts, dequeueCount: maxDeliveries - 1 })).rejects.toBe(unavailable);
    expect(poisoned).toEqual([]);
    await run(message, { ...facts, dequeueCount: maxDeliveries });

    expect(rejected).toEqual([]);
    expect(poisonOf(poisoned[0])).toMatchObject({ id: importId, reason: { code: "STORAGE_UNAVAILABLE" }, message });
  });

  it("is left to the host, whole, when with its reason it does not fit", async () => {
    const startPromotion = async () => {
      throw unavailable;
    };
    const { run, poisoned } = open({ startPromotion });
    const item = (at: number, chars: number) => ({
      source: `docker.io/a/b:${at}`,
      labels: { long: "x".repeat(chars) },
    });
    const full = [item(0, 1)];
    const roomLeft = () => 65_536 - JSON.stringify({ v: 1, promotion: { items: full } }).length;
    while (roomLeft() > 100) full.push(item(full.length, Math.min(256, roomLeft() - 60)));

    const last = run({ v: 1, promotion: { items: full } }, { ...facts, dequeueCount: maxDeliveries });

    await expect(last).rejects.toBe(unavailable);
    expect(poisoned).toEqual([]);
  });

  it("is delivered as often as host.json says", async () => {
    const schema = z.object({ extensions: z.object({ queues: z.object({ maxDequeueCount: z.int() }) }) });
    const hostJson = schema.parse(JSON.parse(await readFile(new URL("../../../host.json", import.meta.url), "utf8")));

    expect(hostJson.extensions.queues.maxDequeueCount).toBe(maxDeliveries);
  });
});

describe("a message of queue imports-poison", () => {
  function openPoison(upsert: (entry: PoisonEntry) => Promise<void>) {
    const sent: { readonly text: string; readonly visibilitySeconds: number | undefined }[] = [];
    const send = async (text: string, options?: { readonly visibilitySeconds?: number }) => {
      sent.push({ text, visibilitySeconds: options?.visibilitySeconds });
    };
    const handle = createOnPoisonMessage({ table: { upsert }, queue: { send }, log: () => {}, now: () => now });
    return { sent, handle };
  }

  it("is stored whatever it is, without passwords", async () => {
    const entries: PoisonEntry[] = [];
    const { handle } = openPoison(async (entry) => {
      entries.push(entry);
    });

    for (const message of ["{oops password=hunter2", { password: "hunter2", id: {} }, null, 7, "", [[]]]) {
      await handle(message, facts);
    }

    expect(entries).toHaveLength(6);
    expect(JSON.stringify(entries)).not.toContain("hunter2");
  });

  it("never gets a poison queue of its own while the table is down", async () => {
    const { handle, sent } = openPoison(async () => {
      throw unavailable;
    });

    await expect(handle("x", { ...facts, dequeueCount: maxDeliveries - 1 })).rejects.toBe(unavailable);
    await handle("x", { ...facts, dequeueCount: maxDeliveries });

    expect(sent).toEqual([{ text: "x", visibilitySeconds: 300 }]);
  });

  it("is stored without its body when storage refuses the body for good", async () => {
    const entries: PoisonEntry[] = [];
    const { handle } = openPoison(async (entry) => {
      if (entry.body !== "") throw new ImportError({ code: "INTERNAL", what: "400" });
      entries.push(entry);
    });

    await handle("odd", facts);

    expect(entries).toMatchObject([{ body: "", isCut: true }]);
  });
});
