import { describe, expect, it } from "vitest";
import { aProblem, importId, startFakeApi } from "./fake-api.ts";
import { runCli } from "./run-cli.ts";

describe("drayage poison", () => {
  const message = {
    id: importId,
    createdAt: "2026-01-31T08:00:00.000Z",
    reason: { code: "INVALID_REQUEST", message: "source: is missing", retryable: false },
    importId,
    dequeueCount: 1,
    isCut: false,
    links: {},
  };

  it("lists messages with their reason, page by page", async () => {
    const pages = [{ messages: [message], continuationToken: "1" }, { messages: [message] }];
    await using api = await startFakeApi((_, count) => ({ body: pages[count - 1] ?? { messages: [] } }));

    const some = await runCli(["poison", "list", "--endpoint", api.endpoint]);
    const none = await runCli(["poison", "list", "--json", "--endpoint", api.endpoint]);

    expect(api.calls()[0]).toBe("GET /api/poison?limit=20");
    expect(some.stdout.split("\n").slice(1)).toEqual([
      ...Array(2).fill(`${importId}  2026-01-31T08:00:00Z  1      INVALID_REQUEST source: is missing`),
      "",
    ]);
    expect(JSON.parse(none.stdout)).toEqual([]);
  });

  it("shows a message without letting its control characters through", async () => {
    await using api = await startFakeApi(() => ({ body: { ...message, isCut: true, body: "{\u001b[2J" } }));

    const run = await runCli(["poison", "show", importId, "--endpoint", api.endpoint]);

    expect(run.stdout).toMatch(/^Code +INVALID_REQUEST$/m);
    expect(run.stdout).toMatch(/^Body +\{ \[2J … \(its end is missing\)$/m);
  });

  it("requeues several, and stops at one that cannot be", async () => {
    await using api = await startFakeApi((_, count) =>
      count === 1 ? { status: 202, body: { importId } } : aProblem(404, "POISON_NOT_FOUND"),
    );

    const run = await runCli(["poison", "requeue", "a", "b", "c", "--endpoint", api.endpoint]);

    expect(run.exitCode).toBe(6);
    expect(run.stdout).toBe(`Message a is in the queue again, as ${importId}.\n`);
    expect(api.calls()).toEqual(["POST /api/poison/a/requeue", "POST /api/poison/b/requeue"]);
  });

  it("deletes several", async () => {
    await using api = await startFakeApi(() => ({ status: 204 }));

    const run = await runCli(["poison", "delete", "a", "b", "--endpoint", api.endpoint]);

    expect(run.exitCode).toBe(0);
    expect(run.stdout).toBe("Message a is deleted.\nMessage b is deleted.\n");
    expect(api.calls()).toEqual(["DELETE /api/poison/a", "DELETE /api/poison/b"]);
  });
});
