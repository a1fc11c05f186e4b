import { createHmac } from "node:crypto";
import { rm } from "node:fs/promises";
import { QueueClient } from "@azure/storage-queue";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { importEventSchema } from "../../src/domain/cloud-event.ts";
import { type Azurite, startAzurite } from "../helpers/azurite.ts";
import { type SeenRequest, startServer, type TestServer } from "../helpers/http-server.ts";
import { image } from "../helpers/images.ts";
import { openWorld, type World } from "./world.ts";

/** The built service with real queues and tables tells real receivers of what has ended. */

let azurite: Azurite;
beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite.close());

const secret = "a secret of 16+ characters";
const repository = "team/app";
const small = image({ layers: [3_000, 200], seed: "events" });
const eventually = { timeout: 60_000, interval: 50 };

async function openEventWorld(sinks: readonly object[], ...moreHosts: readonly string[]): Promise<World> {
  const world = await openWorld(azurite, {
    settings: { EVENT_SINKS: JSON.stringify(sinks), EVENT_SOURCE: "/test", EVENT_RETRY_SECONDS: "0,0" },
    moreHosts,
  });
  await world.source.seedImage(repository, "1", small);
  return world;
}

const webhook = (server: TestServer, more: object = {}) => ({
  ...{ name: "hook", kind: "webhook", url: `${server.origin}/in?key=in-the-query`, secret },
  ...more,
});

const eventOf = ({ body }: SeenRequest) => importEventSchema.parse(JSON.parse(body.toString()));
const expectSigned = ({ headers, body }: SeenRequest) => {
  const timestamp = String(headers["x-drayage-timestamp"]);
  const hmac = createHmac("sha256", secret).update(`${timestamp}.${body}`).digest("hex");
  expect(headers["x-drayage-signature"]).toBe(`sha256=${hmac}`);
  expect(Math.abs(Date.now() / 1_000 - Number(timestamp))).toBeLessThan(120);
};

const deadSchema = z.object({
  events: z.array(z.looseObject({ id: z.string(), sink: z.string(), reason: z.string(), attempts: z.int() })),
});

describe("the end of an import", () => {
  it("is told once to a web hook, signed, whatever the end", async () => {
    await using receiver = await startServer(() => ({ status: 202 }));
    await using world = await openEventWorld([webhook(receiver)], receiver.host);
    const service = await world.start();
    const source = `${world.source.host}/${repository}:1`;

    const succeeded = await service.importAndWait({ source });
    const skipped = await service.importAndWait({ source, conflict: "skipIfSame" });
    const failed = await service.importAndWait({ source });
    const held = world.source.hold({ kind: "manifest-get" }, "request");
    const { id } = await service.startImport({ source, targetTags: ["other:1"] });
    await held.reached;
    await service.cancel(id);
    held.release();
    const cancelled = await service.waitForEnd(id);
    await expect.poll(() => receiver.requests.length, eventually).toBe(4);

    const events = receiver.requests.map(eventOf);
    const expected = [succeeded, skipped, failed, cancelled].map((view) => {
      const { links: _, ...data } = view;
      const type = `drayage.import.${view.state.toLowerCase()}`;
      return { id: `${view.id}-1`, type, source: "/test", time: view.finishedAt, data };
    });
    expect(events.map(({ type }) => type).toSorted()).toEqual(expected.map(({ type }) => type).toSorted());
    for (const one of expected) expect(events.find(({ id }) => id === one.id)).toMatchObject(one);
    for (const request of receiver.requests) {
      expectSigned(request);
      expect(request).toMatchObject({ method: "POST", url: "/in?key=in-the-query" });
      expect(request.headers["content-type"]).toBe("application/cloudevents+json; charset=utf-8");
    }
    expect(await world.rows("DeadEvents")).toEqual([]);
    expectNoSecret(service.output(), service.answers);
  });

  it("comes to a web hook that fails twice, each time signed anew", async () => {
    await using receiver = await startServer(() => ({ status: receiver.requests.length < 3 ? 503 : 200 }));
    await using world = await openEventWorld([webhook(receiver)], receiver.host);
    const service = await world.start();

    const { id } = await service.importAndWait({ source: `${world.source.host}/${repository}:1` });
    await expect.poll(() => receiver.requests.length, eventually).toBe(3);

    for (const request of receiver.requests) {
      expectSigned(request);
      expect(eventOf(request)).toMatchObject({ id: `${id}-1`, type: "drayage.import.succeeded" });
    }
    await expect.poll(service.output, eventually).toContain("event-delivered");
    expect(await world.rows("DeadEvents")).toEqual([]);
  });

  it("is kept when a web hook never takes it, and delivered when somebody asks for it", async () => {
    let status = 500;
    await using receiver = await startServer(() => ({ status }));
    await using world = await openEventWorld([webhook(receiver)], receiver.host);
    const service = await world.start();
    const { id } = await service.importAndWait({ source: `${world.source.host}/${repository}:1` });
    await expect.poll(() => world.rows("DeadEvents"), eventually).toHaveLength(1);

    const list = async () =>
      deadSchema.parse(JSON.parse((await service.request("GET", "/api/events/dead")).text)).events;
    const [dead] = await list();
    status = 204;
    const redelivered = await service.request("POST", `/api/events/dead/${dead?.id}/redeliver`);
    await expect.poll(() => receiver.requests.length, eventually).toBe(4);

    expect(dead).toMatchObject({ sink: "hook", reason: `${receiver.host} answered 500`, attempts: 3 });
    expect(dead).toMatchObject({ event: { id: `${id}-1`, type: "drayage.import.succeeded" } });
    expect(redelivered.status).toBe(202);
    expect(receiver.requests.map(eventOf).map((event) => event.id)).toEqual(Array(4).fill(`${id}-1`));
    expect(await list()).toEqual([]);
    expectNoSecret(service.output(), service.answers);
  });

  it("is forgotten when somebody deletes it", async () => {
    await using receiver = await startServer(() => ({ status: 410 }));
    await using world = await openEventWorld([webhook(receiver)], receiver.host);
    const service = await world.start();
    await service.importAndWait({ source: `${world.source.host}/${repository}:1` });
    await expect.poll(() => world.rows("DeadEvents"), eventually).toHaveLength(1);
    const [row] = await world.rows("DeadEvents");

    const deleted = await service.request("DELETE", `/api/events/dead/${row?.rowKey}`);
    const again = await service.request("DELETE", `/api/events/dead/${row?.rowKey}`);

    expect(deleted.status).toBe(204);
    expect(again).toMatchObject({ status: 404, text: expect.stringContaining("EVENT_NOT_FOUND") });
    expect(receiver.requests).toHaveLength(1);
    expect(await world.rows("DeadEvents")).toEqual([]);
  });

  it("is told by the sweep when the service is killed before it could tell", async () => {
    await using receiver = await startServer(() => ({ status: 200 }));
    await using world = await openEventWorld([webhook(receiver)], receiver.host);
    const first = await world.start();
    const { reached } = world.gate.stop("after", { method: "PUT", table: "Imports", body: '"Succeeded' });
    const { id } = await first.startImport({ source: `${world.source.host}/${repository}:1` });
    await reached;
    await first.kill("SIGKILL");
    expect(receiver.requests).toEqual([]);
    await rm(world.directory, { recursive: true }); // no orchestration is there to end it a second time
    await world.ageOpenRows(61);

    const second = await world.start();
    await second.sweep();
    await expect.poll(() => receiver.requests.length, eventually).toBe(1);
    await expect.poll(() => world.rows("Open"), eventually).toEqual([]);

    expect(receiver.requests.map(eventOf)).toMatchObject([{ id: `${id}-1`, type: "drayage.import.succeeded" }]);
  });

  it("comes to a queue and an Event Grid topic that want it, and to no other sink", async () => {
    await using topic = await startServer(() => ({ status: 200 }));
    await using other = await startServer(() => ({ status: 200 }));
    const queue = `sink-${Date.now()}`;
    const sinks = [
      { name: "queue", kind: "queue", queue },
      { name: "topic", kind: "eventGrid", endpoint: `${topic.origin}/api/events`, key: secret },
      webhook(other, { types: ["drayage.import.failed"] }),
    ];
    await using world = await openEventWorld(sinks, topic.host, other.host);
    const service = await world.start();
    const labels = Object.fromEntries(
      Array.from({ length: 50 }, (_, at) => [`label-${at}`, '"<&>"\u{1F6A2}\uffff'.repeat(4)]),
    );

    const view = await service.importAndWait({ source: `${world.source.host}/${repository}:1`, labels });
    const client = new QueueClient(azurite.connectionString, queue);
    const peeked = async () => (await client.peekMessages()).peekedMessageItems.map(({ messageText }) => messageText);
    await expect.poll(() => peeked().catch(() => []), eventually).toHaveLength(1);
    await expect.poll(() => topic.requests.length, eventually).toBe(1);

    const [text = ""] = await peeked();
    const event = importEventSchema.parse(JSON.parse(text));
    const { links: _, ...data } = view;
    expect(event).toMatchObject({ id: `${view.id}-1`, type: "drayage.import.succeeded", data });
    const [request] = topic.requests;
    expect(request).toMatchObject({ method: "POST", url: "/api/events?api-version=2018-01-01" });
    expect(request?.headers).toMatchObject({ "aeg-sas-key": secret });
    expect(request?.headers["content-type"]).toContain("application/cloudevents-batch+json");
    expect(JSON.parse(String(request?.body))).toEqual([event]);
    expect(other.requests).toEqual([]);
    expectNoSecret(service.output(), service.answers);
  });
});

function expectNoSecret(output: string, answers: readonly string[]): void {
  for (const text of [output, ...answers]) {
    expect(text).not.toContain(secret);
    expect(text).not.toContain("in-the-query");
  }
}
