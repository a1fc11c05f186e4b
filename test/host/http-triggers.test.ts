import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { maxBodyBytes } from "../../src/local/functions-host/http-server.ts";
import { toRpcRequest } from "../../src/local/functions-host/http-trigger.ts";
import { type FixtureHost, fixtureEvents, startFixtureHost } from "../helpers/fixture-host.ts";
import recorded from "./golden-http/http.json" with { type: "json" };
import recordedRequest from "./golden-http/ping-request.json" with { type: "json" };

let host: FixtureHost;
beforeAll(async () => {
  host = await startFixtureHost();
});
afterAll(() => host[Symbol.asyncDispose]());

describe("HTTP triggers", () => {
  it("answers the recorded request as the genuine host did", async () => {
    const response = await host.post("/api/ping/a%20b?x=1&x=2&y=", '{"z":1}');

    const { url, ...body } = recorded["http trigger"].body;
    expect(response.status).toBe(recorded["http trigger"].status);
    expect(response.headers.get("content-type")).toBe(recorded["http trigger"].headers["content-type"]);
    expect(await response.json()).toEqual({ ...body, url: url.replace("http://127.0.0.1:7071", host.url) });
  });

  it("hands the worker the request that the genuine host hands it", () => {
    const headers = Object.fromEntries(
      Object.entries(recordedRequest.nullableHeaders).map(([name, { value }]) => [name, value]),
    );

    const rpc = toRpcRequest(
      {
        method: "POST",
        url: recordedRequest.url,
        pathname: "/api/ping/a%20b",
        query: new URL(recordedRequest.url).searchParams,
        headers,
        body: Buffer.from(recordedRequest.body.bytes),
      },
      { id: "a b" },
    );

    expect(rpc).toEqual({ ...recordedRequest, body: { bytes: Buffer.from(recordedRequest.body.bytes) } });
  });

  it("matches routes whatever their case", async () => {
    const response = await host.get("/API/Ping");

    expect(await response.json()).toMatchObject({ params: {} });
  });

  it.each([
    ["/api/nowhere", "GET", "http 404"],
    ["/api/ping", "DELETE", "http wrong method"],
  ] as const)("answers %s %s as recorded: 404 with nothing in it", async (path, method, name) => {
    const response = await host.get(path, { method });

    expect([response.status, await response.text()]).toEqual([recorded[name].status, recorded[name].body]);
  });

  it.each([
    ["/api/things/special", { route: "special" }],
    ["/api/things/42", { route: "int", params: { id: "42" } }],
    ["/api/things/x42", { route: "any", params: { id: "x42" } }],
    ["/api/files/a/b%20c/d", { route: "rest", params: { path: "a/b c/d" } }],
    ["/api/files", { route: "rest", params: {} }],
  ])("routes %s to the most specific function", async (path, expected) => {
    const response = await host.get(path);

    expect(await response.json()).toEqual(expected);
  });

  it("answers with the function's status, headers, cookies and bytes", async () => {
    const response = await host.get("/api/bytes", { method: "POST", body: new Uint8Array([1, 2, 255]) });

    expect(response.status).toBe(201);
    expect(response.headers.get("content-type")).toBe("application/octet-stream");
    expect(response.headers.get("etag")).toBe('"e"');
    expect(response.headers.getSetCookie()).toEqual(["a=1; max-age=60; samesite=strict; httponly", "b=2"]);
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(new Uint8Array([255, 2, 1]));
  });

  it("announces the length of an answer to HEAD and sends no body", async () => {
    const response = await host.get("/api/bytes", { method: "HEAD" });

    expect([response.headers.get("content-length"), await response.text()]).toEqual(["3", ""]);
  });

  it("sends a 304 without a body", async () => {
    const response = await host.get("/api/not-modified");

    expect([response.status, response.headers.get("etag"), await response.text()]).toEqual([304, '"e"', ""]);
  });

  it("answers an error of the handler with an empty 500 and logs it", async () => {
    const response = await host.get("/api/failing");

    expect([response.status, await response.text()]).toEqual([500, ""]);
    expect((await host.book.line("function.failed")).fields).toMatchObject({
      function: "failing",
      error: "the handler failed",
    });
  });

  it("answers a function that returns nothing with 204", async () => {
    const response = await host.get("/api/silent");

    expect(response.status).toBe(204);
  });

  it("refuses a body above the limit with 413", async () => {
    const request = httpRequest(`${host.url}/api/ping`, {
      method: "POST",
      headers: { "content-length": maxBodyBytes + 1 },
    });
    request.on("error", () => {}); // the host hangs up on the rest
    request.flushHeaders();

    const [response] = await once(request, "response");

    expect(response.statusCode).toBe(413);
    request.destroy();
  });

  it("lets a function end although its client has left", async () => {
    const events = fixtureEvents();
    const isRunning = once(events, "slow");
    const socket = connect(host.port, "127.0.0.1");
    socket.write("GET /api/slow HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await isRunning;
    socket.destroy();
    await once(socket, "close");

    events.emit("release");

    expect((await host.get("/api/ping")).status).toBe(200);
  });

  it("listens on loopback only", () => {
    expect(new URL(host.url).hostname).toBe("127.0.0.1");
  });
});

describe("keys", () => {
  it("are not asked for without the option, as under func start", async () => {
    expect((await host.get("/api/guarded")).status).toBe(200);
    expect((await host.get("/admin/functions")).status).toBe(200);
  });

  it("open what is not anonymous when the host was given some", async () => {
    await using guarded = await startFixtureHost({ keys: ["k1", "k2"] });
    const status = async (path: string, headers = {}) => (await guarded.get(path, { headers })).status;

    expect(await status("/api/ping")).toBe(200);
    expect(await status("/api/guarded")).toBe(401);
    expect(await status("/api/guarded", { "x-functions-key": "wrong" })).toBe(401);
    expect(await status("/api/guarded", { "x-functions-key": "k2" })).toBe(200);
    expect(await status("/api/guarded?code=k1")).toBe(200);
    expect(await status("/admin/functions")).toBe(401);
    expect(await status("/runtime/webhooks/durabletask/instances")).toBe(401);
    expect(await status("/durabletask/instances")).toBe(200); // the worker's own door
  });
});
