"use strict";
// A small app on the unmodified packages. The functions of the same names as in the recordings behave as there.
const { app } = require("@azure/functions");
const df = require("durable-functions");
const seen = require("./seen.cjs");

app.hook.appTerminate(() => seen.emit("terminated"));

df.app.activity("echo", { handler: async (input) => input });
df.app.orchestration("fan5", function* (ctx) {
  return yield ctx.df.Task.all([0, 1, 2, 3, 4].map((i) => ctx.df.callActivity("echo", { i })));
});
// biome-ignore lint/correctness/useYield: an orchestration that does nothing, as in the recordings
df.app.orchestration("immediate", function* () {
  return "now";
});
df.app.orchestration("event", function* (ctx) {
  ctx.df.setCustomStatus({ s: "waiting" });
  return yield ctx.df.waitForExternalEvent("go");
});
df.app.orchestration("terminateMe", function* (ctx) {
  yield ctx.df.callActivity("echo", { n: 1 });
  yield ctx.df.waitForExternalEvent("never");
});

app.http("ping", {
  methods: ["GET", "POST"],
  route: "ping/{id?}",
  authLevel: "anonymous",
  extraInputs: [df.input.durableClient()],
  handler: async (req) => ({
    jsonBody: {
      params: req.params,
      q: Object.fromEntries(req.query),
      body: await req.text(),
      headers: [...req.headers.keys()],
      url: req.url,
    },
  }),
});

app.http("client", {
  methods: ["POST"],
  route: "client/{op}/{id?}",
  extraInputs: [df.input.durableClient()],
  handler: async (req, ctx) => {
    const client = df.getClient(ctx);
    const body = JSON.parse((await req.text()) || "{}");
    const { id, op } = req.params;
    const operations = {
      startNew: () => client.startNew(body.name, { instanceId: id, input: body.input, version: body.version }),
      getStatus: () => client.getStatus(id, body),
      getStatusAll: () => client.getStatusAll(),
      getStatusBy: () => client.getStatusBy(body),
      raise: () => client.raiseEvent(id, body.name, body.data),
      terminate: () => client.terminate(id, body.reason),
      suspend: () => client.suspend(id, body.reason),
      resume: () => client.resume(id, body.reason),
      rewind: () => client.rewind(id, body.reason),
      purge: () => client.purgeInstanceHistory(id),
      purgeBy: () => client.purgeInstanceHistoryBy({ createdTimeFrom: new Date(0), ...body }),
      payload: () => client.createHttpManagementPayload(id),
    };
    try {
      const result = await operations[op]();
      return { jsonBody: { ok: result === undefined ? "undefined" : result } };
    } catch (error) {
      return { jsonBody: { error: error.message, name: error.name } };
    }
  },
});

const answer = (name, options, handler) =>
  app.http(name, { methods: ["GET"], authLevel: "anonymous", ...options, handler });
answer("failing", {}, async () => {
  throw new Error("the handler failed");
});
answer("silent", {}, async () => undefined);
answer("anyId", { route: "things/{id}" }, async (req) => ({ jsonBody: { route: "any", params: req.params } }));
answer("numberId", { route: "things/{id:int}" }, async (req) => ({ jsonBody: { route: "int", params: req.params } }));
answer("special", { route: "things/special" }, async () => ({ jsonBody: { route: "special" } }));
answer("rest", { route: "files/{*path}" }, async (req) => ({ jsonBody: { route: "rest", params: req.params } }));
answer("bytes", { methods: ["GET", "HEAD", "POST"], route: "bytes" }, async (req) => ({
  status: 201,
  headers: { "Content-Type": "application/octet-stream", ETag: '"e"' },
  cookies: [
    { name: "a", value: "1", maxAge: 60, httpOnly: true, sameSite: "Strict" },
    { name: "b", value: "2" },
  ],
  body: req.method === "POST" ? new Uint8Array(await req.arrayBuffer()).reverse() : new Uint8Array([0, 255, 10]),
}));
answer("notModified", { route: "not-modified" }, async () => ({ status: 304, headers: { ETag: '"e"' } }));
answer("slow", { route: "slow" }, async () => {
  seen.emit("slow");
  await new Promise((resolve) => seen.once("release", resolve));
  return { body: "done" };
});
app.http("guarded", { methods: ["GET"], authLevel: "function", handler: async () => ({ body: "in" }) });

app.storageQueue("onQueue", {
  queueName: "%FixtureQueue%",
  connection: "AzureWebJobsStorage",
  extraInputs: [df.input.durableClient()],
  handler: async (message, ctx) => {
    seen.emit("queue", { message, metadata: ctx.triggerMetadata });
    if (message.holds) await new Promise((resolve) => seen.once(`release ${message.holds}`, resolve));
    if (message.bad) throw new Error("poison me");
  },
});

app.eventGrid("onPush", {
  extraInputs: [df.input.durableClient()],
  handler: async (event, ctx) => {
    seen.emit("event", { event, metadata: ctx.triggerMetadata });
    if (event.data.bad) throw new Error("eg bad");
  },
});

app.timer("tick", {
  schedule: "0 0 3 * * *",
  handler: async (timer) => {
    seen.emit("tick", timer);
  },
});
