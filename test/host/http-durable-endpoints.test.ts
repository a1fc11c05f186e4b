import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { durableClientInput } from "../../src/local/functions-host/durable-client-input.ts";
import { type FixtureHost, startFixtureHost } from "../helpers/fixture-host.ts";
import recordedInput from "./golden-http/client-input.json" with { type: "json" };
import recorded from "./golden-http/http.json" with { type: "json" };

const base = "/runtime/webhooks/durabletask";
const recordedOrigin = "http://127.0.0.1:17071";

let host: FixtureHost;
beforeEach(async () => {
  host = await startFixtureHost();
});
afterEach(() => host[Symbol.asyncDispose]());

type Recorded = keyof typeof recorded;

/** Status, headers of the recording that matter and parsed body, with this host's origin as in the recordings. */
async function seen(response: Response, name: Recorded) {
  const expected: unknown = recorded[name];
  const text = (await response.text()).replaceAll(host.url, recordedOrigin).replaceAll("code=local", "code=rhdt");
  const wanted = headersOf(expected);
  const headers = Object.fromEntries(
    Object.keys(wanted).map((key) => [key, shown(response.headers.get(key) ?? undefined)]),
  );
  return { status: response.status, headers, body: text === "" ? "" : parse(text) };
}

const shown = (header: string | undefined) =>
  header?.replaceAll(host.url, recordedOrigin).replaceAll("code=local", "code=rhdt");

function headersOf(answer: unknown): object {
  return typeof answer === "object" && answer !== null && "headers" in answer && typeof answer.headers === "object"
    ? (answer.headers ?? {})
    : {};
}

function parse(text: string): unknown {
  return JSON.parse(text);
}

describe("starting an instance", () => {
  it("answers with the links of the instance, its Location and Retry-After", async () => {
    const response = await host.post(`${base}/orchestrators/fan5/g-fan5`, {});

    expect(await seen(response, "start fan5")).toEqual(recorded["start fan5"]);
    expect(host.scripted.calls).toEqual([["start", "fan5", { instanceId: "g-fan5", input: {} }]]);
  });

  it("makes up an id when none is given", async () => {
    const response = await host.post(`${base}/orchestrators/event`, {});

    expect(await response.json()).toMatchObject({ id: "generated-1" });
  });

  it.each([
    ["no body", undefined, {}],
    ["null", "null", { input: null }],
    ["a string", '"123"', { input: "123" }],
    ["a number", "123", { input: 123 }],
  ])("passes %s on as the input", async (_, body, expected) => {
    await host.post(`${base}/orchestrators/event/x?version=2.0`, body);

    expect(host.scripted.calls).toEqual([["start", "event", { instanceId: "x", version: "2.0", ...expected }]]);
  });

  it("answers 202 for an orchestrator that nobody registered: the instance fails later", async () => {
    const response = await host.post(`${base}/orchestrators/nope/x1`, {});

    expect(response.status).toBe(recorded["start unknown fn"].status);
  });

  it("accepts an id that starts with @ and escapes it in links", async () => {
    const response = await host.post(`${base}/orchestrators/event/@x`, {});

    expect(await seen(response, "start bad id @")).toEqual(recorded["start bad id @"]);
  });

  it("knows no ids with a slash", async () => {
    const response = await host.post(`${base}/orchestrators/event/a/b`, {});

    expect(await seen(response, "start bad id slash")).toEqual(recorded["start bad id slash"]);
  });

  it("refuses a body that is no JSON", async () => {
    const response = await host.post(`${base}/orchestrators/event/x`, "{bad");

    const { Message, ExceptionType } = recorded["start invalid json"].body;
    expect(response.status).toBe(recorded["start invalid json"].status);
    expect(await response.json()).toMatchObject({ Message, ExceptionType });
  });

  it("refuses the id of an instance that runs", async () => {
    host.scripted.put("g-terminateMe", { runtimeStatus: "Running" });

    const response = await host.post(`${base}/orchestrators/event/g-terminateMe`, {});

    expect(await seen(response, "duplicate start running")).toEqual(recorded["duplicate start running"]);
    expect(host.scripted.calls).toEqual([]);
  });

  it("starts the id of a finished instance again", async () => {
    host.scripted.put("g-immediate", { runtimeStatus: "Completed" });

    const response = await host.post(`${base}/orchestrators/immediate/g-immediate`, {});

    expect(await seen(response, "restart completed id (override)")).toEqual(
      recorded["restart completed id (override)"],
    );
  });

  it("starts another instance like a given one on restart", async () => {
    host.scripted.put("done", { runtimeStatus: "Completed", name: "fan5", input: { n: 1 } });

    const response = await host.post(`${base}/instances/done/restart`);

    expect(await response.json()).toMatchObject({ id: "generated-1" });
    expect(host.scripted.calls).toEqual([["start", "fan5", { input: { n: 1 } }]]);
  });
});

describe("instances that are not there", () => {
  it.each([
    ["GET", "", "get missing"],
    ["DELETE", "", "purge missing"],
    ["POST", "/raiseEvent/go", "raise missing"],
    ["POST", "/terminate?reason=r", "terminate missing"],
  ] as const)("answer %s %s with an empty 404", async (method, path, name) => {
    const response = await host.get(`${base}/instances/$nope-id${path}`, { method });

    expect(await seen(response, name)).toEqual(recorded[name]);
  });

  it("say so in words on rewind", async () => {
    const response = await host.post(`${base}/instances/$nope-id/rewind?reason=r`);

    expect(await seen(response, "rewind missing")).toEqual(recorded["rewind missing"]);
  });
});

describe("operations on an instance", () => {
  it.each([
    ["raiseEvent", "/raiseEvent/go", ["raiseEvent", "i", "go", { ok: true }]],
    ["terminate", "/terminate?reason=r", ["terminate", "i", "r"]],
    ["suspend", "/suspend?reason=hold", ["suspend", "i", "hold"]],
  ] as const)("%s of a running one: empty 202", async (name, path, call) => {
    host.scripted.put("i", { runtimeStatus: "Running" });

    const response = await host.post(`${base}/instances/i${path}`, { ok: true });

    expect(await seen(response, name)).toEqual(recorded[name]);
    expect(host.scripted.calls).toEqual([call]);
  });

  it("resume of a suspended one: empty 202", async () => {
    host.scripted.put("i", { runtimeStatus: "Suspended" });

    const response = await host.post(`${base}/instances/i/resume?reason=go`);

    expect(await seen(response, "resume")).toEqual(recorded.resume);
    expect(host.scripted.calls).toEqual([["resume", "i", "go"]]);
  });

  it("suspend of a suspended one: 500 as recorded", async () => {
    host.scripted.put("g-suspendMe", { runtimeStatus: "Suspended" });

    const response = await host.post(`${base}/instances/g-suspendMe/suspend?reason=hold`);

    const { StackTrace: _, ...body } = recorded["suspend twice"].body;
    expect(response.status).toBe(recorded["suspend twice"].status);
    expect(await response.json()).toMatchObject(body);
  });

  it.each([
    ["/raiseEvent/go", "raise to completed"],
    ["/terminate?reason=r", "terminate completed"],
    ["/suspend?reason=r", "suspend completed"],
  ] as const)("%s of a finished one: empty 410", async (path, name) => {
    host.scripted.put("i", { runtimeStatus: "Completed" });

    const response = await host.post(`${base}/instances/i${path}`, {});

    expect(await seen(response, name)).toEqual(recorded[name]);
    expect(host.scripted.calls).toEqual([]);
  });

  it.each([
    ["Completed", "rewind completed"],
    ["Failed", "rewind failed"],
  ] as const)("rewind of a %s one as recorded", async (runtimeStatus, name) => {
    host.scripted.put("i", { runtimeStatus });

    const response = await host.post(`${base}/instances/i/rewind?reason=r`);

    expect(await seen(response, name)).toEqual(recorded[name]);
  });

  it("refuses an event whose body is no JSON", async () => {
    host.scripted.put("i", {});

    const plain = await host.post(`${base}/instances/i/raiseEvent/go`, "x", { "content-type": "text/plain" });
    const broken = await host.post(`${base}/instances/i/raiseEvent/go`, "{");

    expect([plain.status, broken.status]).toEqual([400, 400]);
    expect(host.scripted.calls).toEqual([]);
  });
});

describe("status", () => {
  it("of a running instance: 202 with the request's own URL as Location", async () => {
    const { historyEvents } = recorded["status while waiting"].body;
    host.scripted.put("g-event", { customStatus: { s: "waiting" }, historyEvents });

    const flags = "showHistory=true&showHistoryOutput=true&showInput=true";
    const response = await host.get(`/durabletask/instances/g-event?${flags}`);

    expect(await seen(response, "status while waiting")).toEqual(recorded["status while waiting"]);
  });

  it.each([
    ["", "status completed no flags"],
    ["?showInput=false", "status showInput=false"],
    ["?showHistory=true", "status history no output"],
  ] as const)("of a finished instance: 200, with %j", async (query, name) => {
    host.scripted.put("g-event", {
      runtimeStatus: "Completed",
      customStatus: { s: "waiting" },
      output: { ok: true },
      lastUpdatedTime: "2026-11-24T10:30:54Z",
      historyEvents: recorded["status history no output"].body.historyEvents,
    });

    const response = await host.get(`${base}/instances/g-event${query}`);

    expect(await seen(response, name)).toEqual(recorded[name]);
  });

  it("of a failed instance: 500 only when asked for", async () => {
    host.scripted.put("i", { runtimeStatus: "Failed" });

    const plain = await host.get(`${base}/instances/i`);
    const strict = await host.get(`${base}/instances/i?returnInternalServerErrorOnFailure=true`);

    expect([plain.status, strict.status]).toEqual([200, 500]);
  });
});

describe("lists", () => {
  beforeEach(() => {
    for (const id of ["c", "a", "d", "b", "e"]) {
      host.scripted.put(id, { runtimeStatus: id === "d" ? "Failed" : "Completed", input: { id } });
    }
  });

  const ids = async (response: Response): Promise<unknown> => {
    const list: unknown = await response.json();
    return Array.isArray(list) ? list.map(({ instanceId }) => instanceId) : list;
  };

  it("come in pages, whose token is the base64 of the next id and empty at the end", async () => {
    const token = "x-ms-continuation-token";

    const first = await host.get(`${base}/instances?top=3`);
    const second = await host.get(`${base}/instances?top=3`, {
      headers: { [token]: first.headers.get(token) ?? "" },
    });

    expect([await ids(first), first.headers.get(token)]).toEqual([
      ["a", "b", "c"],
      Buffer.from("d").toString("base64"),
    ]);
    expect([await ids(second), second.headers.get(token)]).toEqual([["d", "e"], ""]);
  });

  it("take states, prefixes and times as filters", async () => {
    expect(await ids(await host.get(`${base}/instances?runtimeStatus=Failed,Terminated`))).toEqual(["d"]);
    expect(await ids(await host.get(`${base}/instances?instanceIdPrefix=a`))).toEqual(["a"]);
    expect(await ids(await host.get(`${base}/instances?createdTimeFrom=2027-01-01T00:00:00Z`))).toEqual([]);
  });

  it("leave inputs out with showInput=false", async () => {
    const response = await host.get(`${base}/instances?showInput=false&top=1`);

    expect(await response.json()).toMatchObject([{ instanceId: "a", input: null }]);
  });
});

describe("purge", () => {
  it("deletes a finished instance", async () => {
    host.scripted.put("i", { runtimeStatus: "Completed" });

    const response = await host.get(`${base}/instances/i`, { method: "DELETE" });

    expect(await seen(response, "purge one")).toEqual(recorded["purge one"]);
    expect((await host.get(`${base}/instances/i`)).status).toBe(404);
  });

  it("refuses a running instance", async () => {
    host.scripted.put("g-terminateMe", { runtimeStatus: "Running" });

    const response = await host.get(`${base}/instances/g-terminateMe`, { method: "DELETE" });

    expect(await seen(response, "purge running")).toEqual(recorded["purge running"]);
  });

  it("by filter wants createdTimeFrom, and answers 404 when nothing matches", async () => {
    const without = await host.get(`${base}/instances`, { method: "DELETE" });
    const none = await host.get(`${base}/instances?createdTimeFrom=2027-01-01T00:00:00Z`, { method: "DELETE" });

    expect(await seen(without, "purge no filter")).toEqual(recorded["purge no filter"]);
    expect(await seen(none, "purge filter none")).toEqual(recorded["purge filter none"]);
  });

  it("by filter spares what still runs", async () => {
    host.scripted.put("done", { runtimeStatus: "Completed" });
    host.scripted.put("running", { runtimeStatus: "Running" });

    const response = await host.get(`${base}/instances?createdTimeFrom=2000-01-01T00:00:00Z`, { method: "DELETE" });

    expect(await response.json()).toEqual({ instancesDeleted: 1 });
    expect((await host.get(`${base}/instances/running`)).status).toBe(202);
  });
});

describe("the durable client", () => {
  const client = async (operation: string, id: string, body: unknown = {}): Promise<unknown> =>
    (await host.post(`/api/client/${operation}/${id}`, body)).json();

  it("gets the input that the genuine host gives it", () => {
    const input = durableClientInput({ url: "http://localhost:7071", hubName: "golden1", code: "rhdt" });

    expect(JSON.parse(input)).toEqual({ ...recordedInput, rpcBaseUrl: "http://localhost:7071/durabletask/" });
  });

  it("starts an instance once and learns that it is there the second time", async () => {
    expect(await client("startNew", "cl-1", { name: "terminateMe" })).toEqual(
      recorded["client startNew running dup"].body,
    );
    expect(await client("startNew", "cl-1", { name: "terminateMe" })).toEqual(
      recorded["client startNew running dup2"].body,
    );
  });

  it.each([
    ["startNew", "cl-str", { name: "event", input: "123" }, "client startNew strInput"],
    ["startNew", "cl-no", { name: "event" }, "client startNew noInput"],
    ["getStatus", "nope", {}, "client getStatus missing"],
    ["raise", "nope", { name: "go", data: 1 }, "client raise missing"],
    ["raise", "done", { name: "go", data: 1 }, "client raise finished"],
    ["terminate", "nope", { reason: "r" }, "client terminate missing"],
    ["terminate", "done", { reason: "r" }, "client terminate finished"],
    ["suspend", "done", { reason: "r" }, "client suspend finished"],
    ["rewind", "done", { reason: "r" }, "client rewind completed"],
    ["purge", "nope", {}, "client purge missing"],
  ] as const)("%s %s gets what it got from the genuine host", async (operation, id, body, name) => {
    host.scripted.put("done", { runtimeStatus: "Completed" });

    expect(await client(operation, id, body)).toEqual(recorded[name].body);
  });

  it("reads the status that the genuine host gives", async () => {
    host.scripted.put("g-fan5", {
      name: "fan5",
      runtimeStatus: "Completed",
      output: [0, 1, 2, 3, 4].map((i) => ({ i })),
      lastUpdatedTime: "2026-11-24T10:30:53Z",
    });

    expect(await client("getStatus", "g-fan5")).toEqual(recorded["client getStatus"].body);
  });

  it("lists through all pages", async () => {
    for (let n = 0; n < 205; n += 1) host.scripted.put(`i${n}`, {});

    const { ok } = listSchema(await client("getStatusAll", "x"));

    expect(ok).toHaveLength(205);
  });

  it("makes the links of an instance", async () => {
    const payload = JSON.stringify(await client("payload", "g-fan5"));

    const links = payload.replaceAll(host.url, "http://localhost:7071").replaceAll("code=local", "code=rhdt");
    expect(JSON.parse(links)).toEqual(recorded["client payload"].body);
  });
});

function listSchema(answer: unknown): { ok: unknown[] } {
  if (typeof answer === "object" && answer !== null && "ok" in answer && Array.isArray(answer.ok)) {
    return { ok: answer.ok };
  }
  throw new Error(`no list: ${JSON.stringify(answer)}`);
}
