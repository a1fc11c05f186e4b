import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { importIdSchema } from "../../src/domain/import-id.ts";
import { type ImportView, importPageSchema, importViewSchema } from "../../src/domain/import-view.ts";
import { promotionViewSchema } from "../../src/domain/promotion-record.ts";
import { poisonEntrySchema, poisonPageSchema, requeuedSchema } from "../../src/functions/triggers/poison.ts";
import { type Azurite, startAzurite } from "../helpers/azurite.ts";
import { image } from "../helpers/images.ts";
import { anImportId } from "../helpers/import-records.ts";
import type { Service } from "../helpers/service.ts";
import { expectImage, openWorld, type World } from "./world.ts";

/** Messages in the real queue of an Azurite, taken by the service in a process of its own. */

let azurite: Azurite;
beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite.close());

const repository = "team/app";
const small = image({ layers: [3_000, 200], seed: "queue" });
const deadline = { timeout: 30_000, interval: 100 };
/** A failed message comes back soon. */
const quick = { AzureFunctionsJobHost__extensions__queues__visibilityTimeout: "00:00:01" };
/** So does one whose host was killed. */
const abandonSoon = { DRAYAGE_MESSAGE_LEASE_SECONDS: "2" };

async function open(settings: Readonly<Record<string, string>> = {}): Promise<World> {
  const world = await openWorld(azurite, { settings: { ...quick, ...settings } });
  await world.source.seedImage(repository, "1", small);
  await world.queue("imports").create();
  return world;
}

const messageFor = ({ source }: World, more: object = {}) =>
  JSON.stringify({ v: 1, import: { source: `${source.host}/${repository}:1` }, ...more });

async function list(service: Service): Promise<readonly ImportView[]> {
  return importPageSchema.parse(JSON.parse((await service.request("GET", "/api/imports")).text)).imports;
}

/** The only import, once it has ended. */
async function onlyImport(service: Service): Promise<ImportView> {
  await expect.poll(async () => (await list(service)).length, deadline).toBe(1);
  const [one] = await list(service);
  return await service.waitForEnd(importViewSchema.parse(one).id);
}

async function poisoned(service: Service, count = 1) {
  const read = async () =>
    poisonPageSchema.parse(JSON.parse((await service.request("GET", "/api/poison")).text)).messages;
  await expect.poll(async () => (await read()).length, deadline).toBe(count);
  return await read();
}

async function bodyOf(service: Service, id: string): Promise<string> {
  return poisonEntrySchema.parse(JSON.parse((await service.request("GET", `/api/poison/${id}`)).text)).body;
}

const emptied = (world: World) =>
  expect.poll(async () => (await world.queue("imports").getProperties()).approximateMessagesCount, deadline).toBe(0);

describe("a message in queue imports", () => {
  it("begins an import that skips what is there already", async () => {
    await using world = await open();
    const service = await world.start();

    await world.queue("imports").sendMessage(messageFor(world));
    const record = await onlyImport(service);

    expect(record).toMatchObject({ state: "Succeeded", trigger: { kind: "queue", ref: expect.any(String) } });
    await expectImage(world.target, repository, small, "1");
    await emptied(world);
    const importId = anImportId(new Date());
    await world.queue("imports").sendMessage(messageFor(world, { importId }));
    await expect.poll(async () => (await list(service)).length, deadline).toBe(2);
    expect(await service.waitForEnd(importId)).toMatchObject({ state: "Skipped" });
  });

  it("is one import when it is sent twice under one id", async () => {
    await using world = await open();
    const importId = anImportId(new Date());
    for (let sent = 0; sent < 3; sent += 1) await world.queue("imports").sendMessage(messageFor(world, { importId }));

    const service = await world.start();
    const record = await onlyImport(service);

    expect(record).toMatchObject({ id: importId, state: "Succeeded", attempt: 1 });
    await emptied(world);
    expect(await world.rows("Imports")).toHaveLength(1);
    expect(await world.rows("Poison").catch(() => [])).toEqual([]);
  });

  it.each([
    ["before its import has an open row", "before", "Open"],
    ["before its import has a record", "before", "Imports"],
    ["after its import has a record", "after", "Imports"],
  ] as const)("survives a host that is killed %s", async (_, point, table) => {
    await using world = await open(abandonSoon);
    const first = await world.start();
    const { reached } = world.gate.stop(point, { method: "POST", table });
    await world.queue("imports").sendMessage(messageFor(world));
    await reached;
    await first.kill("SIGKILL");

    const second = await world.start();
    const record = await onlyImport(second);

    expect(record).toMatchObject({ state: "Succeeded", attempt: 1 });
    await expectImage(world.target, repository, small, "1");
    await emptied(world);
    expect(await world.rows("Imports")).toHaveLength(1);
    await expect.poll(() => world.rows("Open"), deadline).toEqual([]);
  });

  it("begins a promotion, whose items come in by the same queue", async () => {
    await using world = await open();
    const service = await world.start();
    const promotionId = anImportId(new Date());
    const source = `${world.source.host}/${repository}:1`;
    const items = ["x", "y", "z"].map((name) => ({ source, targetTags: [`promoted/${name}:1`] }));

    const text = JSON.stringify({ v: 1, promotion: { items }, promotionId });
    for (let sent = 0; sent < 2; sent += 1) await world.queue("imports").sendMessage(text);

    const state = async () => {
      const answer = await service.request("GET", `/api/promotions/${promotionId}`);
      return answer.status === 200 ? promotionViewSchema.parse(JSON.parse(answer.text)).state : answer.status;
    };
    await expect.poll(state, deadline).toBe("Succeeded");
    for (const name of ["x", "y", "z"]) await expectImage(world.target, `promoted/${name}`, small, "1");
    expect(await world.rows("Imports")).toHaveLength(3);
  });

  it("survives a host that is killed during the import", async () => {
    await using world = await open(abandonSoon);
    const first = await world.start();
    const { reached, release } = world.target.hold({ kind: "manifest-put" }, "request");
    await world.queue("imports").sendMessage(messageFor(world));
    await reached;
    await first.kill("SIGKILL");
    release();

    const second = await world.start();
    const record = await onlyImport(second);

    expect(record).toMatchObject({ state: "Succeeded", attempt: 1 });
    await expectImage(world.target, repository, small, "1");
    expect(await world.rows("Imports")).toHaveLength(1);
  });
});

describe("a message that can never be valid", () => {
  it.each([
    ["that is no JSON", "{oops", "no JSON object"],
    ["of another version", '{"v":2,"import":{}}', "version 1"],
    [
      "with an unknown property",
      '{"v":1,"import":{"source":"h.example/a:1"},"id":"7","extra":1}',
      "extra: no such property",
    ],
    ["of 64 KiB", `{"v":1,"import":"${"x".repeat(65_536 - 19)}"}`, "import"],
    ["that is nested a thousand deep", `{"v":1,"import":${"[".repeat(1_000)}${"]".repeat(1_000)}}`, "import"],
  ])("%s becomes a Failed record and a row, at once", async (_, text, reason) => {
    await using world = await open();
    const service = await world.start();

    await world.queue("imports").sendMessage(text);
    const record = await onlyImport(service);

    expect(record).toMatchObject({
      state: "Failed",
      trigger: { kind: "queue" },
      error: { code: "INVALID_REQUEST", stage: "accept", message: expect.stringContaining(reason) },
    });
    expect(record.source).toBeUndefined();
    const [entry] = await poisoned(service);
    expect(entry).toMatchObject({ importId: record.id, reason: { code: "INVALID_REQUEST" }, dequeueCount: 1 });
    await emptied(world);
    const again = await service.request("POST", `/api/poison/${entry?.id}/requeue`);
    expect([400, 409]).toContain(again.status);
    expect((await service.request("DELETE", `/api/poison/${entry?.id}`)).status).toBe(204);
    expect((await service.request("GET", `/api/poison/${entry?.id}`)).status).toBe(404);
  });

  it("with a password in it leaves no password anywhere", async () => {
    await using world = await open();
    const service = await world.start();
    const credentials = { username: "u", password: "hunter2-in-the-queue" };
    const source = { registryUri: world.source.host, sourceImage: `${repository}:1`, credentials };

    await world.queue("imports").sendMessage(JSON.stringify({ v: 1, import: { source } }));
    await world.queue("imports").sendMessage(`{"v":1,"import":{"password":"hunter2-in-the-queue"`);

    const entries = await poisoned(service, 2);
    const bodies = await Promise.all(entries.map(({ id }) => bodyOf(service, id)));
    const rows = await Promise.all(["Imports", "Poison", "Open"].map((table) => world.rows(table)));
    expect(bodies.join()).toContain("username");
    for (const text of [bodies.join(), JSON.stringify(rows), service.output(), ...service.answers])
      expect(text).not.toContain("hunter2");
  });
});

describe("a message that was given up", () => {
  it("is imported under its id when it is requeued after the cause was mended", async () => {
    await using world = await open({ ALLOWED_SOURCES: "elsewhere.example" });
    const first = await world.start();
    await world.queue("imports").sendMessage(messageFor(world));
    const refused = await onlyImport(first);
    expect(refused).toMatchObject({ state: "Failed", error: { code: "HOST_NOT_ALLOWED" } });
    const [entry] = await poisoned(first);
    await first.kill("SIGTERM");

    const second = await world.start({ ALLOWED_SOURCES: world.source.host });
    const requeued = await second.request("POST", `/api/poison/${entry?.id}/requeue`);

    expect(requeued.status).toBe(202);
    expect(requeuedSchema.parse(JSON.parse(requeued.text)).importId).toBe(refused.id);
    const record = await second.waitUntil(refused.id, ({ state }) => state === "Succeeded", "imported");
    expect(record).toMatchObject({ attempt: 2 });
    await expectImage(world.target, repository, small, "1");
    expect(await poisoned(second, 0)).toEqual([]);
    expect(await world.rows("Imports")).toHaveLength(1);
  });

  it("is kept whatever it holds, when somebody else sends it to the poison queue", async () => {
    await using world = await open();
    await world.queue("imports-poison").create();
    const service = await world.start();
    const texts = ["[1,2", '{"id":7,"insertionTime":"never","dequeueCount":{"a":1}}', "null", "7", " "];

    for (const text of texts) await world.queue("imports-poison").sendMessage(text);

    const entries = await poisoned(service, texts.length);
    for (const { id } of entries) expect(importIdSchema.parse(id)).toBe(id);
    await expect
      .poll(() => world.queue("imports-poison").getProperties(), deadline)
      .toMatchObject({ approximateMessagesCount: 0 });
  });
});

it("keeps a message that the Functions library itself cannot take", async () => {
  await using world = await open();
  const service = await world.start();
  const text = `{"v":1,"import":${"[".repeat(30_000)}{"password":"hunter2"}${"]".repeat(30_000)}}`;

  await world.queue("imports").sendMessage(text);
  await expect
    .poll(
      () =>
        world
          .queue("imports-poison-poison")
          .getProperties()
          .catch(() => undefined),
      deadline,
    )
    .toMatchObject({ approximateMessagesCount: 1 });
  await service.request("POST", "/admin/functions/sweepStores", {});

  const [entry] = await poisoned(service);
  const body = await bodyOf(service, entry?.id ?? "");
  expect(body.length).toBeGreaterThan(60_000);
  expect(body).not.toContain("hunter2");
});

describe("a message that meets trouble on its way", () => {
  it("is delivered again when storage fails, and is imported once", async () => {
    await using world = await open();
    const service = await world.start();
    for (let tries = 0; tries < 8; tries += 1) world.gate.refuse({ method: "POST", table: "Imports" }, 503);

    await world.queue("imports").sendMessage(messageFor(world));
    const record = await onlyImport(service);

    expect(record).toMatchObject({ state: "Succeeded", attempt: 1 });
    expect(await world.rows("Imports")).toHaveLength(1);
    await emptied(world);
  });

  it("goes to poison with its id and reason when storage never works, and can be requeued", async () => {
    await using world = await open();
    const service = await world.start();
    const stopRefusing = world.gate.refuse({ method: "POST", table: "Imports" }, 503, "always");

    await world.queue("imports").sendMessage(messageFor(world));
    const [entry] = await poisoned(service);
    stopRefusing();

    expect(entry).toMatchObject({ reason: { code: "STORAGE_UNAVAILABLE", retryable: true }, dequeueCount: 5 });
    expect((await service.request("POST", `/api/poison/${entry?.id}/requeue`)).status).toBe(202);
    const record = await onlyImport(service);
    expect(record).toMatchObject({ id: entry?.importId, state: "Succeeded", attempt: 1 });
  });
});
