import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type FixtureHost, fixtureEvents, startFixtureHost } from "../helpers/fixture-host.ts";
import recordedEvents from "./golden-http/eventgrid.json" with { type: "json" };
import recorded from "./golden-http/http.json" with { type: "json" };

const webhook = "/runtime/webhooks/eventgrid?functionName=onPush";
const events = fixtureEvents();

let host: FixtureHost;
beforeAll(async () => {
  host = await startFixtureHost();
});
afterAll(() => host[Symbol.asyncDispose]());
afterEach(() => {
  events.removeAllListeners("event");
});

const deliver = (body: unknown, type = "Notification", path = webhook) =>
  host.post(path, body, { "aeg-event-type": type, "content-type": "application/json" });

const answerOf = async (response: Response) => ({ status: response.status, body: await response.text() });

function recordDeliveries() {
  const delivered: { event: Record<string, unknown>; metadata: unknown }[] = [];
  events.on("event", (seen) => delivered.push(seen));
  return delivered;
}

describe("the Event Grid webhook", () => {
  it("answers the validation handshake", async () => {
    const response = await deliver([{ id: "1", data: { validationCode: "abc" } }], "SubscriptionValidation");

    expect(await answerOf(response)).toEqual(recorded["eg validation"]);
  });

  it("runs the function once for each event, with the recorded metadata", async () => {
    const delivered = recordDeliveries();
    const good = recordedEvents.filter(({ failed }) => !failed);

    const response = await deliver(good.map(({ event }) => JSON.parse(event)));

    expect(await answerOf(response)).toEqual(recorded["eg notify"]);
    expect(delivered).toEqual(
      good.map(({ event, metadata }) => ({
        event: JSON.parse(event),
        metadata: { data: JSON.parse(metadata.data.json) },
      })),
    );
  });

  it("answers one failing event of a batch with its error, and still runs its siblings", async () => {
    const delivered = recordDeliveries();

    const response = await deliver([
      { id: "3", data: { ok: 1 } },
      { id: "4", data: { bad: 1 } },
      { id: "5", data: { ok: 1 } },
    ]);

    expect(await answerOf(response)).toEqual(recorded["eg bad"]);
    expect(delivered.map(({ event }) => event.id)).toEqual(["3", "4", "5"]);
  });

  it("takes a single event that is no array, as CloudEvents come", async () => {
    const delivered = recordDeliveries();
    const event = { specversion: "1.0", id: "7", type: "t", source: "s", data: { ok: 1 } };

    const response = await deliver(event);

    expect([response.status, delivered.map((seen) => seen.event)]).toEqual([202, [event]]);
  });

  it("answers the CloudEvents handshake with the origin that may deliver", async () => {
    const response = await host.get(webhook, {
      method: "OPTIONS",
      headers: { "webhook-request-origin": "eventgrid.azure.net" },
    });

    expect([response.status, response.headers.get("webhook-allowed-origin")]).toEqual([200, "eventgrid.azure.net"]);
  });

  it("takes an unsubscription", async () => {
    expect(await answerOf(await deliver([], "Unsubscribe"))).toEqual(recorded["eg unsub"]);
  });

  it("does not know functions without an Event Grid trigger", async () => {
    const unknown = await deliver([], "Notification", "/runtime/webhooks/EventGrid?functionName=nope");
    const other = await deliver([], "Notification", "/runtime/webhooks/eventgrid?functionName=ping");

    expect(await answerOf(unknown)).toEqual(recorded["eg unknown fn"]);
    expect(other.status).toBe(404);
  });

  it.each([
    ["an unknown kind", "Other", []],
    ["a body that is no JSON", "Notification", "{"],
    ["a validation without a code", "SubscriptionValidation", [{ data: {} }]],
  ])("refuses %s with 400", async (_, type, body) => {
    expect((await deliver(body, type)).status).toBe(400);
  });

  it("wants a key when the host was given keys", async () => {
    await using guarded = await startFixtureHost({ keys: ["k"] });
    const headers = { "aeg-event-type": "Unsubscribe" };

    const without = await guarded.post(webhook, [], headers);
    const wanted = await guarded.post(`${webhook}&code=k`, [], headers);

    expect(await answerOf(without)).toEqual(recorded["eg no code"]);
    expect(wanted.status).toBe(202);
  });
});
