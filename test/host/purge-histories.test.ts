import { InvocationContext } from "@azure/functions";
import * as df from "durable-functions";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createDurablePort, createDurableUpkeep } from "../../src/functions/durable-port.ts";
import { durableClientInput } from "../../src/local/functions-host/durable-client-input.ts";
import { image } from "../helpers/images.ts";
import { type Api, readImport, startApi } from "./api-support/start-api.ts";

let api: Api;
beforeAll(async () => {
  api = await startApi();
  for (const name of ["old", "young", "running"]) await api.source.seedImage(name, "1", image({ seed: name }));
});
afterAll(() => api[Symbol.asyncDispose]());

/** The SDK's client as housekeeping gets it, of the host that runs the app. */
function openClient() {
  const input = df.input.durableClient();
  const options = { trigger: { type: "manual", name: "manual" }, extraInputs: [input], extraOutputs: [] };
  const context = new InvocationContext({ functionName: "test", options });
  context.extraInputs.set(input, JSON.parse(durableClientInput({ url: api.url, hubName: "Drayage", code: "local" })));
  const client = df.getClient(context);
  return { ...createDurablePort(client), ...createDurableUpkeep(client) };
}

const from = (name: string) => ({ source: `${api.source.host}/${name}:1` });

it("purges the histories of what has ended and began before a time, and no other", async () => {
  const durable = openClient();
  const old = await api.importAndWait(from("old"));
  const before = new Date(Date.now() - 1);
  const young = await api.importAndWait(from("young"));
  const hold = api.source.hold({ kind: "blob-get" });
  const running = await readImport(await api.post("/api/imports", from("running")));
  await hold.reached;
  const states = () => Promise.all([old, young, running].map(({ id }) => durable.state(`${id}-1`)));
  await expect.poll(states).toEqual(["ended", "ended", "running"]); // a record ends a moment before its instance

  const epoch = new Date(0);
  expect(await durable.purge(epoch, before)).toBe(1);
  expect(await states()).toEqual(["missing", "ended", "running"]);
  expect(await durable.purge(before, new Date(Date.now() + 1_000))).toBe(1);
  expect(await states()).toEqual(["missing", "missing", "running"]);
  expect(await durable.purge(epoch, new Date(Date.now() + 1_000))).toBe(0);

  hold.release();
  expect(await api.untilState(running.id, "Succeeded", "Failed")).toMatchObject({ state: "Succeeded" });
  expect(await api.untilState(old.id, "Succeeded")).toMatchObject({ id: old.id }); // the record is not the history's
});
