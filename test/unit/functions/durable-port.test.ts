import { InvocationContext } from "@azure/functions";
import * as df from "durable-functions";
import { describe, expect, it } from "vitest";
import { createDurablePort, createDurableUpkeep } from "../../../src/functions/durable-port.ts";
import { durableClientInput } from "../../../src/local/functions-host/durable-client-input.ts";
import { type Responder, startServer } from "../../helpers/http-server.ts";

const json = { "content-type": "application/json; charset=utf-8" };
const ok = { status: 202, headers: json, body: JSON.stringify({ id: "x-1" }) };
const exists = {
  status: 409,
  headers: json,
  body: '{"Message":"An Orchestration instance with the status Running already exists."}',
};
const broken = { status: 500, headers: json, body: '{"Message":"Something went wrong while processing your request"}' };
const statusOf = (runtimeStatus: string) => ({
  status: runtimeStatus === "Completed" ? 200 : 202,
  headers: json,
  body: JSON.stringify({
    ...{ name: "importImage", instanceId: "x-1", runtimeStatus, input: null, customStatus: null, output: null },
    ...{ createdTime: "2026-11-24T10:30:50Z", lastUpdatedTime: "2026-11-24T10:30:54Z" },
  }),
});

/** The SDK's own client before an extension that answers like this (statuses: test/host/golden-http/http.json). */
async function startExtension(respond: Responder) {
  const server = await startServer(respond);
  const input = df.input.durableClient();
  const options = { trigger: { type: "manual", name: "manual" }, extraInputs: [input], extraOutputs: [] };
  const context = new InvocationContext({ functionName: "test", options });
  const clientInput = durableClientInput({ url: server.origin, hubName: "Drayage", code: "local" });
  context.extraInputs.set(input, JSON.parse(clientInput));
  return {
    port: createDurablePort(df.getClient(context)),
    upkeep: createDurableUpkeep(df.getClient(context)),
    requests: server.requests,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

const byMethod = (replies: Readonly<Record<"GET" | "POST", { status: number }>>): Responder => {
  return ({ method }) => (method === "GET" ? replies.GET : replies.POST);
};

describe("the durable port", () => {
  it("starts an instance under its id, with its input", async () => {
    await using extension = await startExtension(() => ok);

    await extension.port.start("importImage", "x-1", { v: 1 });

    const [request] = extension.requests;
    expect(request?.url).toMatch(/\/orchestrators\/importImage\/x-1(\?|$)/);
    expect(JSON.parse(String(request?.body))).toEqual({ v: 1 });
  });

  it("is content when an instance of that id runs already", async () => {
    await using extension = await startExtension(byMethod({ POST: exists, GET: statusOf("Running") }));

    await expect(extension.port.start("importImage", "x-1", {})).resolves.toBeUndefined();
  });

  it("passes on a refused start when nothing runs", async () => {
    await using extension = await startExtension(byMethod({ POST: broken, GET: { status: 404 } }));

    await expect(extension.port.start("importImage", "x-1", {})).rejects.toThrow(/500/);
  });

  it.each([
    ["Pending", "running"],
    ["Running", "running"],
    ["ContinuedAsNew", "running"],
    ["Suspended", "running"],
    ["Completed", "ended"],
    ["Failed", "ended"],
    ["Terminated", "ended"],
    ["Canceled", "ended"],
  ])("calls an instance that is %s %s", async (runtimeStatus, state) => {
    await using extension = await startExtension(() => statusOf(runtimeStatus));

    expect(await extension.port.state("x-1")).toBe(state);
  });

  it("tells a missing instance from an extension that does not work", async () => {
    await using missing = await startExtension(() => ({ status: 404 }));
    await using failing = await startExtension(() => broken);

    expect(await missing.port.state("x-1")).toBe("missing");
    await expect(failing.port.state("x-1")).rejects.toThrow();
  });

  it("raises an event, and says whether there is an instance for it", async () => {
    await using alive = await startExtension(() => ({ status: 202 }));
    await using ended = await startExtension(() => ({ status: 410 }));
    await using missing = await startExtension(() => ({ status: 404 }));

    expect(await alive.port.raise("x-1", "cancel")).toBe(true);
    expect(await ended.port.raise("x-1", "cancel")).toBe(true);
    expect(await missing.port.raise("x-1", "cancel")).toBe(false);
    expect(alive.requests[0]?.url).toMatch(/\/instances\/x-1\/raiseEvent\/cancel/);
  });

  it("passes on an event that an instance did not get", async () => {
    await using extension = await startExtension(byMethod({ POST: broken, GET: statusOf("Running") }));

    await expect(extension.port.raise("x-1", "cancel")).rejects.toThrow();
  });
});

describe("the durable upkeep", () => {
  it("purges what has ended and began between two times", async () => {
    const body = JSON.stringify({ instancesDeleted: 7 });
    await using extension = await startExtension(() => ({ status: 200, headers: json, body }));

    expect(
      await extension.upkeep.purge(new Date("2026-02-01T12:00:00.000Z"), new Date("2026-03-01T12:00:00.000Z")),
    ).toBe(7);

    const [{ method, url } = { method: "", url: "" }] = extension.requests;
    const query = new URL(url, "http://extension.test").searchParams;
    expect(method).toBe("DELETE");
    expect(query.get("createdTimeFrom")).toBe("2026-02-01T12:00:00.000Z");
    expect(query.get("createdTimeTo")).toBe("2026-03-01T12:00:00.000Z");
    expect(query.get("runtimeStatus")?.split(",").toSorted()).toEqual(["Completed", "Failed", "Terminated"]);
  });

  it("counts none where nothing is that old", async () => {
    await using extension = await startExtension(() => ({ status: 404 }));

    expect(await extension.upkeep.purge(new Date(0), new Date())).toBe(0);
  });

  it.each(["Completed", "Terminated"])("is content with an instance that is %s already", async (status) => {
    await using extension = await startExtension(byMethod({ POST: { status: 410 }, GET: statusOf(status) }));

    await expect(extension.upkeep.terminate("x-1", "stuck")).resolves.toBeUndefined();
  });

  it("passes on that an instance which runs was not terminated", async () => {
    await using extension = await startExtension(byMethod({ POST: broken, GET: statusOf("Running") }));

    await expect(extension.upkeep.terminate("x-1", "stuck")).rejects.toThrow(/500/);
  });
});
