import { readFile } from "node:fs/promises";
import { afterEach, describe, expect, it } from "vitest";
import type { StoredEvent } from "../../../../src/domain/event-delivery.ts";
import { openEventGridSink } from "../../../../src/functions/events/event-grid-sink.ts";
import { signatureHeaders } from "../../../../src/functions/events/signature.ts";
import { type OpenSink, openWebhookSink } from "../../../../src/functions/events/webhook-sink.ts";
import { type Reply, startServer, type TestServer } from "../../../helpers/http-server.ts";
import { createTestNetwork } from "../../../helpers/network.ts";

const secret = "a secret of 16+ characters";
const now = () => new Date("2026-03-01T13:00:00.000Z");
const event: StoredEvent = {
  ...{ specversion: "1.0", id: "one-1", source: "/here", type: "drayage.import.succeeded", subject: "t/r:1" },
  ...{ time: "2026-03-01T12:30:00.000Z", data: { text: "字 \uffff" } },
};
const { signal } = new AbortController();

const opened: OpenSink[] = [];
afterEach(async () => {
  for (const sink of opened.splice(0)) await sink.close();
});

interface Place {
  readonly url: string;
  readonly host: string;
}

function open({ url, host }: Place, timeoutMs = 10_000): OpenSink {
  const network = createTestNetwork({ allowPrivateHosts: [host], isInsecure: () => true });
  const sink = openWebhookSink(
    { name: "hook", kind: "webhook", url, secret },
    { network, userAgent: "drayage/test", timeoutMs, now },
  );
  opened.push(sink);
  return sink;
}

const placeOf = ({ origin, host }: TestServer): Place => ({ url: `${origin}/in?key=in-the-query`, host });

async function deliverTo(reply: Reply) {
  await using server = await startServer(() => reply);
  const delivery = await open(placeOf(server)).deliver(event, signal);
  return { delivery, requests: server.requests, host: server.host };
}

/** The example that the documents give to receivers. */
async function documentedCheck(): Promise<(headers: object, body: string, secret: string, now: number) => boolean> {
  const document = await readFile(new URL("../../../../docs/triggers.md", import.meta.url), "utf8");
  const [, code = ""] = /```js\n([\s\S]*?)```/.exec(document) ?? [];
  const { isFromDrayage } = await import(`data:text/javascript,${encodeURIComponent(code)}`);
  return isFromDrayage;
}

describe("a web hook", () => {
  it("gets the event with a signature that the documented check accepts", async () => {
    const { delivery, requests } = await deliverTo({ status: 200, body: "thanks" });
    const check = await documentedCheck();

    const [{ headers, body, ...request } = { headers: {}, body: Buffer.alloc(0) }] = requests;
    const nowSeconds = now().getTime() / 1_000;
    expect(delivery).toEqual({ kind: "delivered" });
    expect(request).toEqual({ method: "POST", url: "/in?key=in-the-query" });
    expect(headers).toMatchObject({ "content-type": "application/cloudevents+json; charset=utf-8" });
    expect(JSON.parse(body.toString())).toEqual(event);
    expect(check(headers, body.toString(), secret, nowSeconds)).toBe(true);
    expect(check(headers, `${body} `, secret, nowSeconds)).toBe(false);
    expect(check(headers, body.toString(), "another secret", nowSeconds)).toBe(false);
    expect(check(headers, body.toString(), secret, nowSeconds + 301)).toBe(false);
    expect(check({}, body.toString(), secret, nowSeconds)).toBe(false);
  });

  it("signs as it always did", () => {
    expect(signatureHeaders("{}", secret, now())).toEqual({
      "x-drayage-timestamp": "1772370000",
      "x-drayage-signature": "sha256=c502d1c0bcae463d9fd320d3b103973e0ff9da0183194cca6f20c062429f5971",
    });
  });

  it("is not followed elsewhere", async () => {
    await using elsewhere = await startServer(() => ({ status: 200 }));

    const { delivery, host } = await deliverTo({ status: 307, headers: { location: elsewhere.origin } });

    expect(delivery).toEqual({ kind: "failed", reason: `${host} answered 307`, retryAfterSeconds: undefined });
    expect(elsewhere.requests).toEqual([]);
  });

  it("says when it wants to be asked again", async () => {
    const { delivery } = await deliverTo({ status: 429, headers: { "retry-after": "120" } });

    expect(delivery).toMatchObject({ kind: "failed", retryAfterSeconds: 120 });
  });

  it("may answer with more than anybody reads", async () => {
    const { delivery } = await deliverTo({ status: 200, body: Buffer.alloc(4_000_000) });

    expect(delivery).toEqual({ kind: "delivered" });
  });

  it("that does not answer in time has failed", async () => {
    await using server = await startServer(() => undefined);

    const delivery = await open(placeOf(server), 50).deliver(event, signal);

    expect(delivery).toEqual({ kind: "failed", reason: `${server.host}: no answer within the time allowed` });
  });

  it("that refuses the connection has failed, and its URL is not repeated", async () => {
    const server = await startServer(() => undefined);
    await server[Symbol.asyncDispose]();

    const delivery = await open(placeOf(server)).deliver(event, signal);

    expect(delivery).toEqual({ kind: "failed", reason: `${server.host}: the connection was refused` });
  });

  it.each(["127.0.0.1", "localhost"] as const)(
    "at loopback is not connected to unless allowed: %s",
    async (hostname) => {
      await using server = await startServer(() => ({ status: 200 }), { hostname });
      const { url } = placeOf(server);

      const delivery = await open({ url, host: "another.example" }).deliver(event, signal);

      expect(delivery).toMatchObject({ kind: "failed", reason: expect.stringContaining("ALLOW_PRIVATE_HOSTS") });
      expect(server.requests).toEqual([]);
    },
  );

  it("leaves the event in the queue when the process stops", async () => {
    const stopping = new AbortController();
    await using server = await startServer(() => {
      stopping.abort(new Error("about to stop"));
      return undefined;
    });

    await expect(open(placeOf(server)).deliver(event, stopping.signal)).rejects.toThrow("about to stop");
  });
});

describe("an Event Grid topic", () => {
  async function publish(reply: Reply, guardedHost?: string) {
    await using server = await startServer(() => reply);
    const allowed = guardedHost ?? server.host;
    const sink = openEventGridSink(
      { name: "topic", kind: "eventGrid", endpoint: `${server.origin}/api/events`, key: secret },
      {
        network: createTestNetwork({ allowPrivateHosts: [allowed], isInsecure: () => true }),
        credential: () => ({ getToken: () => Promise.reject(new Error("unused")) }),
        ...{ timeoutMs: 10_000, now },
      },
    );
    opened.push(sink);
    return { delivery: await sink.deliver(event, signal), requests: server.requests, host: server.host };
  }

  it("gets the event once, as it is", async () => {
    const { delivery, requests } = await publish({ status: 200 });

    expect(delivery).toEqual({ kind: "delivered" });
    expect(requests.map(({ body }) => JSON.parse(body.toString()))).toEqual([
      [{ ...event, datacontenttype: "application/json" }],
    ]);
  });

  it.each([
    [401, "refused"],
    [413, "refused"],
    [503, "failed"],
  ])("that answers %i is asked once: %s", async (status, kind) => {
    const { delivery, requests, host } = await publish({ status, headers: { "retry-after": "7" } });

    expect(delivery).toMatchObject({ kind, reason: `${host} answered ${status}` });
    if (kind === "failed") expect(delivery).toMatchObject({ retryAfterSeconds: 7 });
    expect(requests).toHaveLength(1);
  });

  it("is not followed elsewhere", async () => {
    await using elsewhere = await startServer(() => ({ status: 200 }));

    const { delivery } = await publish({ status: 307, headers: { location: elsewhere.origin } });

    expect(delivery).toMatchObject({ kind: "failed" });
    expect(elsewhere.requests).toEqual([]);
  });

  it("at loopback is not connected to unless allowed", async () => {
    const { delivery, requests } = await publish({ status: 200 }, "another.example");

    expect(delivery).toMatchObject({ kind: "failed", reason: expect.stringContaining("ALLOW_PRIVATE_HOSTS") });
    expect(requests).toEqual([]);
  });
});
