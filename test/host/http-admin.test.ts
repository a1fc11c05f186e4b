import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type FixtureHost, fixtureEvents, startFixtureHost } from "../helpers/fixture-host.ts";

let host: FixtureHost;
beforeAll(async () => {
  host = await startFixtureHost();
});
afterAll(() => host[Symbol.asyncDispose]());

describe("admin routes", () => {
  it("tell that the host runs", async () => {
    expect(await (await host.get("/admin/host/status")).json()).toMatchObject({ state: "Running" });
  });

  it("list the functions with their triggers and URLs", async () => {
    const list: unknown = await (await host.get("/admin/functions")).json();

    expect(list).toContainEqual(
      expect.objectContaining({
        name: "ping",
        invoke_url_template: `${host.url}/api/ping/{id?}`,
        config: { name: "ping", bindings: [expect.objectContaining({ type: "httpTrigger", route: "ping/{id?}" })] },
      }),
    );
  });

  it("refuse to run by hand what is neither timer nor queue function", async () => {
    const statuses = await Promise.all([
      host.post("/admin/functions/ping", {}),
      host.post("/admin/functions/nope", {}),
      host.post("/admin/functions/tick", "{"),
    ]);

    expect(statuses.map(({ status }) => status)).toEqual([400, 404, 400]);
  });
});

describe("stopping", () => {
  it("lets a running request end, then runs the app's hooks and closes the engine once", async () => {
    const events = fixtureEvents();
    const stopping = await startFixtureHost();
    const isRunning = once(events, "slow");
    const terminated = once(events, "terminated");
    const answer = stopping.get("/api/slow");
    await isRunning;

    const closed = Promise.all([stopping.close(), stopping.close()]);
    events.emit("release");

    expect(await (await answer).text()).toBe("done");
    await Promise.all([terminated, closed]);
    expect(stopping.scripted.calls).toEqual([["close"]]);
    await expect(stopping.get("/api/ping")).rejects.toThrow();
  });
});
