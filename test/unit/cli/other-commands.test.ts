import { describe, expect, it } from "vitest";
import packageJson from "../../../package.json" with { type: "json" };
import { importViewSchema as readByClient } from "../../../src/cli/api-records.ts";
import { importViewSchema } from "../../../src/domain/import-view.ts";
import { aFailure, aProblem, aRecord, ended, type FakeAnswer, importId, startFakeApi } from "./fake-api.ts";
import { runCli } from "./run-cli.ts";

const succeeded = aRecord({ ...ended, state: "Succeeded", labels: { team: "x" } });
const aPart = (changes: Readonly<Record<string, unknown>> = {}) => ({
  kind: "blob",
  digest: `sha256:${"b".repeat(64)}`,
  mediaType: "application/vnd.oci.image.layer.v1.tar+gzip",
  sizeBytes: 2048,
  state: "done",
  via: "mounted",
  ms: 1500,
  ...changes,
});

describe("drayage show", () => {
  it("shows a failed import with code, status, hint and what the registry said, and ends with 0", async () => {
    await using api = await startFakeApi(() => ({ body: aFailure() }));

    const run = await runCli(["show", importId, "--endpoint", api.endpoint]);

    expect(run.exitCode).toBe(0);
    expect(run.stdout).toMatch(/^Import +01ARZ3NDEKTSV4RRFFQ69G5FAV$/m);
    expect(run.stdout).toMatch(/^State +Failed$/m);
    expect(run.stdout).toMatch(/^Code +SOURCE_UNAUTHORIZED$/m);
    expect(run.stdout).toMatch(/^Registry said +UNAUTHORIZED authentication required$/m);
  });

  it("reads what the service answers, whether running, ended or failed", () => {
    for (const record of [aRecord(), succeeded, aFailure()]) {
      expect(importViewSchema.parse(record)).toEqual(record); // the records of these tests are what the service says
      expect(readByClient.parse(record)).toEqual(record);
    }
  });

  it("writes nothing that a terminal obeys or that turns text around, and JSON of the same value", async () => {
    const platform = "linux\u009b8m/\u202eamd64\u001b[2J";
    await using api = await startFakeApi(({ url }) =>
      url.includes("/parts") ? { body: { parts: [aPart({ platform })] } } : { body: succeeded },
    );

    const text = await runCli(["show", importId, "--parts", "--endpoint", api.endpoint]);
    const json = await runCli(["show", importId, "--parts", "--json", "--endpoint", api.endpoint]);

    for (const { stdout } of [text, json]) expect(stdout).not.toMatch(/[\u202e\u009b]|(?!\n)\p{Cc}/u);
    expect(JSON.parse(json.stdout)).toMatchObject({ parts: [{ platform }] });
  });

  it("reads every page of the parts", async () => {
    await using api = await startFakeApi(({ url }) => {
      if (!url.includes("/parts")) return { body: succeeded };
      if (!url.includes("continuationToken")) return { body: { parts: [aPart()], continuationToken: "a/b" } };
      return {
        body: { parts: [aPart({ kind: "manifest", state: "pending", via: undefined, platform: "linux/arm64" })] },
      };
    });

    const run = await runCli(["show", importId, "--parts", "--endpoint", api.endpoint]);

    expect(api.calls().at(-1)).toBe(`GET /api/imports/${importId}/parts?limit=1000&continuationToken=a%2Fb`);
    expect(run.stdout).toMatch(/^blob +sha256:b{12} +2.0 KiB +mounted +1.5s +application/m);
    expect(run.stdout).toMatch(/^manifest .* pending .*linux\/arm64$/m);
  });

  it("shows what kind of artifact a referrer is", async () => {
    const sbom = aPart({ kind: "manifest", platform: undefined, artifactType: "application/spdx+json" });
    await using api = await startFakeApi(({ url }) => ({
      body: url.includes("/parts") ? { parts: [sbom] } : succeeded,
    }));

    const run = await runCli(["show", importId, "--parts", "--endpoint", api.endpoint]);

    expect(run.stdout).toMatch(/^manifest .*application\/spdx\+json$/m);
  });

  it("says nothing of bytes before any have come", async () => {
    const bytes = { total: 100, copied: 0, mounted: 0, skipped: 0 };
    const show = async (state: string) => {
      const body = aRecord({
        state,
        progress: { manifests: { total: 1, done: 0 }, blobs: { total: 1, done: 0 }, bytes },
      });
      await using api = await startFakeApi(() => ({ body }));
      return (await runCli(["show", importId, "--endpoint", api.endpoint])).stdout;
    };

    expect(await show("Copying")).not.toMatch(/^Bytes/m);
    expect(await show("Skipped")).toMatch(/^Bytes +nothing to copy$/m);
  });

  it("tells how long an import waited for its start where that is long, and of its first attempt only", async () => {
    const ends = async (startedAt: string, attempt = 1) => {
      const times = { createdAt: "2026-11-24T09:36:40Z", startedAt, finishedAt: "2026-11-24T09:37:44Z" };
      await using api = await startFakeApi(() => ({ body: { ...succeeded, ...times, attempt } }));
      return (await runCli(["show", importId, "--endpoint", api.endpoint])).stdout;
    };

    expect(await ends("2026-11-24T09:37:30Z")).toContain("(took 14s after 50s of waiting)");
    expect(await ends("2026-11-24T09:36:44Z")).toContain("(took 1m 00s)");
    expect(await ends("2026-11-24T09:37:30Z", 2)).toContain("(took 14s)");
  });

  it("puts the parts into the record with --json", async () => {
    await using api = await startFakeApi(({ url }) => ({
      body: url.includes("/parts") ? { parts: [aPart()] } : succeeded,
    }));

    const run = await runCli(["show", importId, "--parts", "--json", "--endpoint", api.endpoint]);

    expect(JSON.parse(run.stdout)).toEqual({ ...succeeded, parts: [aPart()] });
  });

  it("ends with 6 when there is no such import", async () => {
    await using api = await startFakeApi(() => aProblem(404, "IMPORT_NOT_FOUND"));

    const run = await runCli(["show", "../secret", "--endpoint", api.endpoint]);

    expect(run.exitCode).toBe(6);
    expect(api.calls()).toEqual(["GET /api/imports/..%2Fsecret"]);
  });

  it("tells a wrong address from a missing import", async () => {
    await using api = await startFakeApi(() => ({ status: 404 }));

    const run = await runCli(["show", importId, "--endpoint", api.endpoint]);

    expect(run.exitCode).toBe(4);
    expect(run.stderr).toContain("is this the address of a Drayage service?");
  });
});

describe("drayage list", () => {
  it("hands its filters over, times in UTC", async () => {
    await using api = await startFakeApi(() => ({ body: { imports: [] } }));
    const filters = [
      "--state",
      "Failed",
      "--target",
      "prod.example",
      "--source",
      "docker.io",
      "--repository",
      "team/app",
      "--trigger",
      "queue",
      "--error",
      "SOURCE_NOT_FOUND",
    ];
    const times = ["--since", "2h", "--until", "2026-01-31T13:00:00+01:00", "--ended-since", "1h"];

    const run = await runCli(["list", ...filters, ...times, "--limit", "5", "--endpoint", api.endpoint]);

    const query = new URL(api.seen[0]?.url ?? "", api.endpoint).searchParams;
    expect(Object.fromEntries(query)).toEqual({
      state: "Failed",
      target: "prod.example",
      source: "docker.io",
      repository: "team/app",
      trigger: "queue",
      error: "SOURCE_NOT_FOUND",
      since: "2026-01-31T10:00:00.000Z",
      until: "2026-01-31T12:00:00.000Z",
      endedSince: "2026-01-31T11:00:00.000Z",
      limit: "5",
    });
    expect(run.stdout).toBe("No imports found.\n");
  });

  it("goes on past short and empty pages until the limit is reached", async () => {
    const pages = [
      { imports: [succeeded], continuationToken: "1" },
      { imports: [], continuationToken: "2" },
      { imports: [succeeded, succeeded], continuationToken: "3" },
    ];
    await using api = await startFakeApi((_, count) => ({ body: pages[count - 1] }));

    const run = await runCli(["list", "--limit", "3", "--json", "--endpoint", api.endpoint]);

    expect(JSON.parse(run.stdout)).toEqual([succeeded, succeeded, succeeded]);
    expect(api.calls()).toEqual([
      "GET /api/imports?limit=3",
      "GET /api/imports?limit=2&continuationToken=1",
      "GET /api/imports?limit=2&continuationToken=2",
    ]);
  });

  it("prints one row per import", async () => {
    const target = { registry: "prod.example", tags: ["alpine:3.20", "alpine:3"], untaggedRepositories: [] };
    await using api = await startFakeApi(() => ({ body: { imports: [{ ...succeeded, target }] } }));

    const run = await runCli(["list", "--endpoint", api.endpoint]);

    expect(run.stdout.split("\n")[1]).toBe(
      `${importId}  Succeeded  2026-01-31T08:00:00Z  4.2s  25.0 MiB  docker.io/library/alpine:3.20 → prod.example/alpine:3.20 and 1 more`,
    );
  });

  it.each([
    ["--state", "Done"],
    ["--since", "yesterday"],
    ["--limit", "0"],
  ])("refuses %s %s", async (flag, value) => {
    const run = await runCli(["list", flag, value]);

    expect(run.exitCode).toBe(2);
    expect(run.stderr).toContain(flag);
  });
});

describe("drayage cancel", () => {
  it("asks the service to cancel and says what the import does now", async () => {
    await using api = await startFakeApi(() => ({ status: 202, body: aRecord() }));

    const run = await runCli(["cancel", importId, "--endpoint", api.endpoint]);

    expect(run.exitCode).toBe(0);
    expect(api.calls()).toEqual([`POST /api/imports/${importId}/cancel`]);
    expect(run.stdout).toBe(`Import ${importId} will stop within seconds (Copying now).\n`);
  });

  it("ends with 5 when the import has ended or is publishing", async () => {
    await using api = await startFakeApi(() => aProblem(409, "IMPORT_STATE_CONFLICT"));

    const run = await runCli(["cancel", importId, "--endpoint", api.endpoint]);

    expect(run.exitCode).toBe(5);
  });
});

describe("drayage retry", () => {
  it("retries and follows to the end", async () => {
    await using api = await startFakeApi((_, count) => ({
      body: count === 1 ? aRecord({ state: "Accepted", attempt: 2 }) : succeeded,
    }));

    const run = await runCli(["retry", importId, "--endpoint", api.endpoint]);

    expect(run.exitCode).toBe(0);
    expect(api.calls()).toEqual([`POST /api/imports/${importId}/retry`, `GET /api/imports/${importId}`]);
    expect(api.seen[0]?.body).toBeUndefined();
    expect(run.stdout).toContain("Succeeded");
  });

  it("resolves the tag again and sends new credentials if told so", async () => {
    await using api = await startFakeApi(() => ({ body: aRecord({ state: "Accepted" }) }));
    const args = ["retry", importId, "--resolve", "-u", "ci", "--password-stdin", "--no-wait"];

    const run = await runCli([...args, "--endpoint", api.endpoint], { stdin: "s3cret-value" });

    expect(run.exitCode).toBe(0);
    expect(api.calls()).toEqual([`POST /api/imports/${importId}/retry?resolve=true`]);
    expect(api.seen[0]?.body).toEqual({ source: { credentials: { username: "ci", password: "s3cret-value" } } });
  });

  it("says that credentials are needed again", async () => {
    const hint = "send source.credentials";
    await using api = await startFakeApi(() => aProblem(409, "CREDENTIALS_REQUIRED", { hint }));

    const run = await runCli(["retry", importId, "--endpoint", api.endpoint]);

    expect(run.exitCode).toBe(5);
    expect(run.stderr).toContain(hint);
  });
});

describe("drayage retry, its answer lost", () => {
  const conflict = aProblem(409, "IMPORT_STATE_CONFLICT");
  const lostOnce = async (answer: (call: string) => FakeAnswer) => {
    const api = await startFakeApi(async ({ method }, count) => {
      if (count === 1) await api.stop();
      return answer(method);
    });
    const run = await runCli(["retry", importId, "--endpoint", api.endpoint], {
      onSleep: (count) => (count === 2 ? api.restart() : undefined),
    });
    await api.stop();
    return { run, calls: api.calls() };
  };

  it("takes the attempt that the first request has started for the answer", async () => {
    const { run, calls } = await lostOnce((method) =>
      method === "POST" ? conflict : { body: { ...succeeded, attempt: 2 } },
    );

    expect(run.exitCode).toBe(0);
    expect(run.stdout).toContain("Succeeded");
    expect(calls).toEqual([
      ...Array(2).fill(`POST /api/imports/${importId}/retry`),
      `GET /api/imports/${importId}`, // the record says that there is a second attempt
    ]);
  });

  it("retries where the first request did not arrive", async () => {
    const { run } = await lostOnce(() => ({ body: { ...succeeded, attempt: 2 } }));

    expect(run.exitCode).toBe(0);
    expect(run.stderr).toMatch(/repeating the request\nthe service answers again\n$/);
  });

  it("tells the refusal where there never was a second attempt", async () => {
    const { run } = await lostOnce((method) => (method === "POST" ? conflict : { body: succeeded }));

    expect(run.exitCode).toBe(5);
    expect(run.stderr).toContain("IMPORT_STATE_CONFLICT");
  });
});

describe("drayage --version", () => {
  it("prints the version of the package", async () => {
    const run = await runCli(["--version"]);

    expect(run.exitCode).toBe(0);
    expect(run.stdout).toBe(`${packageJson.version}\n`);
  });
});

describe("drayage --help", () => {
  it.each([[["--help"]], [["import", "--help"]], [["help", "list"]]])("lists the exit codes for %j", async (args) => {
    const run = await runCli(args);

    expect(run.exitCode).toBe(0);
    expect(run.stdout).toContain("124  --wait ran out; the import or the promotion goes on");
    expect(run.stdout).toContain("DRAYAGE_ENDPOINT");
  });

  it("is wrong usage when no command is given", async () => {
    const run = await runCli([]);

    expect(run.exitCode).toBe(2);
  });
});
