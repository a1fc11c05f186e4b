import { describe, expect, it } from "vitest";
import { Interrupted } from "../../../src/cli/follow.ts";
import { aProblem, aRecord, ended, importId, startFakeApi } from "./fake-api.ts";
import { runCli, spawnCli } from "./run-cli.ts";

const start = ["import", "--source", "docker.io/library/alpine:3.20"];
const succeeded = aRecord({ ...ended, state: "Succeeded" });

describe("following an import", () => {
  it("asks in the pace of Retry-After, by ETag, until the import ends", async () => {
    await using api = await startFakeApi((_, count) => {
      if (count === 1) return { status: 202, headers: { "retry-after": "3", etag: '"one"' }, body: aRecord() };
      if (count === 2) return { status: 304, headers: { "retry-after": "5", etag: '"one"' } };
      return { body: succeeded };
    });

    const run = await runCli([...start, "--endpoint", api.endpoint]);

    expect(run.exitCode).toBe(0);
    expect(run.sleepsMs).toEqual([3000, 5000]);
    expect(api.seen.map(({ headers }) => headers["if-none-match"])).toEqual([undefined, '"one"', '"one"']);
    expect(api.calls()).toEqual([
      "POST /api/imports?wait=2",
      `GET /api/imports/${importId}`,
      `GET /api/imports/${importId}`,
    ]);
  });

  it("prints one line per change of state and one every 10 s where it cannot redraw", async () => {
    const states = ["Accepted", ...Array(13).fill("Copying"), "Publishing"];
    await using api = await startFakeApi((_, count) => {
      const state = states[count - 1];
      return { body: state === undefined ? succeeded : aRecord({ state }) };
    });

    const run = await runCli([...start, "--endpoint", api.endpoint]);

    const lines = run.stdout.split("\n").map((line) => line.split(" ")[0]);
    expect(lines.slice(0, 7)).toEqual(["Import", "Accepted", "Copying", "Copying", "Publishing", "Succeeded", ""]);
    expect(run.stdout).not.toContain("\u001b");
    expect(run.stderr).toBe("");
  });

  it("redraws its lines on a terminal", async () => {
    await using api = await startFakeApi((_, count) => ({ body: count < 3 ? aRecord() : succeeded }));

    const run = await runCli([...start, "--endpoint", api.endpoint], { isTty: true });

    expect(run.stdout).toContain("\u001b[4A\r\u001b[J");
    expect(run.stdout).toMatch(/Copying {5}━+─+ {3}25%|Copying {5}━+─+ +25%/);
  });

  it("prints the record and nothing else with --json, what a newer service adds included", async () => {
    const final = { ...succeeded, addedLater: { deep: [1] } };
    await using api = await startFakeApi((_, count) => ({ body: count < 3 ? aRecord() : final }));

    const run = await runCli([...start, "--json", "--endpoint", api.endpoint]);

    expect(JSON.parse(run.stdout)).toEqual(final);
    expect(run.stderr).toBe("");
  });

  it("shows progress on standard error with --json on a terminal", async () => {
    await using api = await startFakeApi((_, count) => ({ body: count < 2 ? aRecord() : succeeded }));

    const run = await runCli([...start, "--json", "--endpoint", api.endpoint], { isTty: true });

    expect(JSON.parse(run.stdout)).toEqual(succeeded);
    expect(run.stderr).toContain("25.0 MiB of 100.0 MiB");
  });

  it("waits for a service that restarts, and says so once", async () => {
    await using api = await startFakeApi((_, count) => ({ body: count < 2 ? aRecord() : succeeded }));
    const onSleep = async (count: number) => {
      if (count === 1) await api.stop();
      if (count === 4) await api.restart();
    };

    const run = await runCli([...start, "--endpoint", api.endpoint], { onSleep });

    expect(run.exitCode).toBe(0);
    expect(run.stderr.match(/waiting for it/g)).toHaveLength(1);
    expect(run.stderr).toContain("the service answers again");
    expect(run.sleepsMs).toHaveLength(4);
  });

  it("gives up after 15 minutes without an answer", async () => {
    await using api = await startFakeApi((_, count) =>
      count === 1 ? { body: aRecord() } : aProblem(503, "STORAGE_UNAVAILABLE"),
    );

    const run = await runCli([...start, "--endpoint", api.endpoint]);

    expect(run.exitCode).toBe(4);
    expect(run.sleepsMs.reduce((sum, ms) => sum + ms, 0)).toBe(15 * 60_000 + 1000);
    expect(run.stderr).toContain(importId);
  });

  it("ends with 6 when the import is deleted meanwhile", async () => {
    await using api = await startFakeApi((_, count) =>
      count === 1 ? { body: aRecord() } : aProblem(404, "IMPORT_NOT_FOUND"),
    );

    const run = await runCli([...start, "--endpoint", api.endpoint]);

    expect(run.exitCode).toBe(6);
  });

  it("only starts the import with --no-wait, and says how to look at it", async () => {
    await using api = await startFakeApi(() => ({ status: 202, body: aRecord({ state: "Accepted" }) }));

    const run = await runCli([...start, "--no-wait", "--endpoint", api.endpoint]);

    expect(run.exitCode).toBe(0);
    expect(api.calls()).toEqual(["POST /api/imports"]);
    expect(run.stdout).toContain(`drayage show ${importId}`);
  });

  it("leaves the import running at Ctrl-C and says how to look at it", async () => {
    await using api = await startFakeApi(() => ({ body: aRecord() }));
    const interruption = new AbortController();
    const onSleep = () => interruption.abort(new Interrupted());

    const run = await runCli([...start, "--endpoint", api.endpoint], { interrupted: interruption.signal, onSleep });

    expect(run.exitCode).toBe(130);
    expect(run.stderr).toContain(`Interrupted; import ${importId} goes on.`);
    expect(api.calls()).toEqual(["POST /api/imports?wait=2"]);
  });
});

describe("the process", () => {
  it("ends with 124 when --wait runs out, and leaves the import alone", async () => {
    await using api = await startFakeApi(() => ({ headers: { "retry-after": "1" }, body: aRecord() }));

    const run = await spawnCli([...start, "--wait", "1", "--json"], { DRAYAGE_ENDPOINT: api.endpoint }).exit;

    expect(run.exitCode).toBe(124);
    expect(JSON.parse(run.stdout)).toMatchObject({ id: importId, state: "Copying" });
    expect(run.stderr).toContain(`import ${importId} goes on (Copying)`);
    expect(api.calls().filter((call) => call.startsWith("POST"))).toEqual(["POST /api/imports?wait=1"]);
  });

  it("ends with 130 at SIGINT while it follows", async () => {
    let followed = () => {};
    const isFollowing = new Promise<void>((resolve) => {
      followed = resolve;
    });
    await using api = await startFakeApi((_, count) => {
      if (count === 2) followed();
      return { headers: { "retry-after": "0" }, body: aRecord() };
    });
    const { child, exit } = spawnCli([...start, "--endpoint", api.endpoint]);
    await isFollowing;

    child.kill("SIGINT");

    const run = await exit;
    expect(run.exitCode).toBe(130);
    expect(run.stderr).toContain(`drayage show ${importId}`);
    expect(api.calls().some((call) => call.includes("cancel"))).toBe(false);
  });

  it("ends with 130 at SIGINT before the service has answered", async () => {
    let asked = () => {};
    const isAsked = new Promise<void>((resolve) => {
      asked = resolve;
    });
    await using api = await startFakeApi(() => {
      asked();
      return new Promise<never>(() => {});
    });
    const { child, exit } = spawnCli([...start, "--endpoint", api.endpoint]);
    await isAsked;

    child.kill("SIGINT");

    const run = await exit;
    expect(run.exitCode).toBe(130);
    expect(run.stderr).toContain("drayage list");
  });

  it("reads the password from a pipe, takes key and endpoint from the environment, and shows neither secret", async () => {
    await using api = await startFakeApi(() => ({ body: succeeded }));
    const environment = { DRAYAGE_ENDPOINT: api.endpoint, DRAYAGE_KEY: "the-key" };
    const { child, exit } = spawnCli([...start, "-u", "ci", "--password-stdin"], environment);

    child.stdin.end("s3cret-value\n");

    const run = await exit;
    expect(run.exitCode).toBe(0);
    expect(api.seen[0]?.headers["x-functions-key"]).toBe("the-key");
    expect(api.seen[0]?.body).toMatchObject({ source: { credentials: { username: "ci", password: "s3cret-value" } } });
    expect(run.stdout + run.stderr).not.toMatch(/s3cret-value|the-key/);
  });
});
