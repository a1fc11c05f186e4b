import { describe, expect, it } from "vitest";
import { Interrupted } from "../../../src/cli/follow.ts";
import { importRequestSchema } from "../../../src/domain/import-request-schema.ts";
import { aFailure, aProblem, aRecord, ended, importId, startFakeApi } from "./fake-api.ts";
import { runCli } from "./run-cli.ts";

const image = ["--source", "docker.io/library/alpine:3.20"];
const succeeded = aRecord({ ...ended, state: "Succeeded" });

describe("drayage import: the request", () => {
  const requests: readonly (readonly [string, readonly string[], unknown])[] = [
    ["the short form as it is", [...image], { source: "docker.io/library/alpine:3.20" }],
    [
      "the flags of az acr import",
      [...image, "-n", "prod", "-t", "alpine:3.20", "-t", "alpine:3", "--repository", "mirror/alpine", "--force"],
      {
        source: "docker.io/library/alpine:3.20",
        target: "prod",
        targetTags: ["alpine:3.20", "alpine:3"],
        untaggedTargetRepositories: ["mirror/alpine"],
        mode: "Force",
      },
    ],
    [
      "what az acr import does not have",
      [
        ...["--source", "ghcr.io/team/app:1", "--target", "prod.example", "--platform", "linux/amd64,linux/arm64"],
        ...["--platform", "linux/arm/v7", "--sparse-index", "--conflict", "skipIfSame", "--timeout", "2h"],
        ...["--label", "team=x", "--label", "note=a=b", "--referrers", "--verify", "full"],
        ...["--foreign-layers", "skip"],
      ],
      {
        source: "ghcr.io/team/app:1",
        target: "prod.example",
        referrers: true,
        platforms: ["linux/amd64", "linux/arm64", "linux/arm/v7"],
        sparseIndex: true,
        conflict: "skipIfSame",
        foreignLayers: "skip",
        verify: "full",
        timeoutSeconds: 7200,
        labels: { team: "x", note: "a=b" },
      },
    ],
    [
      "--registry as the source registry",
      ["-r", "src.example", "--source", "team/app:1"],
      { source: { registryUri: "src.example", sourceImage: "team/app:1" } },
    ],
    [
      "a resource id",
      [
        "-r",
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/src",
        "--source",
        "a:1",
      ],
      {
        source: {
          resourceId: "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/src",
          sourceImage: "a:1",
        },
      },
    ],
    [
      "credentials with the short form",
      ["--source", "src.example:5000/team/app:1", "-u", "ci", "-p", "s3cret-value"],
      {
        source: {
          sourceImage: "src.example:5000/team/app:1",
          credentials: { username: "ci", password: "s3cret-value" },
        },
      },
    ],
  ];
  it.each(requests)("carries %s", async (_, args, body) => {
    await using api = await startFakeApi(() => ({ body: succeeded }));

    const run = await runCli(["import", ...args, "--endpoint", api.endpoint]);

    expect(run.exitCode).toBe(0);
    expect(api.seen.map((request) => request.body)).toEqual([body]);
    expect(importRequestSchema.safeParse(body).success).toBe(true); // a body that the service reads
    expect(run.stdout + run.stderr).not.toContain("s3cret-value");
  });

  it("takes the password from standard input without the newline of echo, and needs no user name", async () => {
    await using api = await startFakeApi(() => ({ body: succeeded }));
    const args = ["import", ...image, "--password-stdin", "--endpoint", api.endpoint];

    const run = await runCli(args, { stdin: "s3cret-value\n" });

    expect(api.seen[0]?.body).toMatchObject({ source: { credentials: { password: "s3cret-value" } } });
    expect(run.stderr).toBe("");
    expect(run.stdout).not.toContain("s3cret-value");
  });

  it("warns of a password on the command line", async () => {
    await using api = await startFakeApi(() => ({ body: succeeded }));

    const run = await runCli(["import", ...image, "-p", "s3cret-value", "--endpoint", api.endpoint]);

    expect(run.stderr).toContain("warning: --password can be seen in the process list");
  });

  it.each([
    ["the platform's own sign-in", "/.auth/login/aad?post_login_redirect_uri=%2Fapi%2Fimports"],
    ["Microsoft Entra", "https://login.microsoftonline.com/common/oauth2/v2.0/authorize"],
  ])("says what is missing where the platform leads to %s", async (_, location) => {
    await using api = await startFakeApi(() => ({ status: 302, headers: { location } }));

    const run = await runCli(["import", ...image, "--endpoint", api.endpoint]);

    expect(run.exitCode).toBe(2);
    expect(run.stderr).toContain("--token or DRAYAGE_TOKEN");
  });

  it("says so, too, where the platform answers 401, and not where the host wants a key", async () => {
    const challenge = { "www-authenticate": 'Bearer realm="app.example"' };
    await using platform = await startFakeApi(() => ({ status: 401, headers: challenge }));
    await using host = await startFakeApi(() => ({ status: 401 }));

    const [byPlatform, byHost] = [
      await runCli(["import", ...image, "--endpoint", platform.endpoint]),
      await runCli(["import", ...image, "--endpoint", host.endpoint]),
    ];

    expect(byPlatform.stderr).toContain("DRAYAGE_TOKEN");
    expect(byHost.stderr).toContain("DRAYAGE_KEY");
    expect(byHost.stderr).not.toContain("DRAYAGE_TOKEN");
  });

  it("sends a token to the service, and does not follow a redirect with it", async () => {
    await using elsewhere = await startFakeApi(() => ({ body: succeeded }));
    await using api = await startFakeApi(() => ({ status: 307, headers: { location: elsewhere.endpoint } }));

    const run = await runCli(["import", ...image, "--endpoint", api.endpoint, "--token", "the-token"]);

    expect(api.seen[0]?.headers.authorization).toBe("Bearer the-token");
    expect(api.seen[0]?.headers).not.toHaveProperty("x-functions-key");
    expect(elsewhere.seen).toEqual([]);
    expect(run.stderr).not.toContain("the-token");
  });

  it("sends the function key to the service, and does not follow a redirect with it", async () => {
    await using elsewhere = await startFakeApi(() => ({ body: succeeded }));
    await using api = await startFakeApi(() => ({ status: 307, headers: { location: elsewhere.endpoint } }));

    const run = await runCli(["import", ...image, "--endpoint", `${api.endpoint}/`, "--key", "the-key"]);

    expect(api.seen[0]?.headers["x-functions-key"]).toBe("the-key");
    expect(elsewhere.seen).toEqual([]);
    expect(run.exitCode).toBe(2);
    expect(run.stderr).toContain("give its final address");
    expect(run.stderr).not.toContain("the-key");
  });

  it("sends the idempotency key that is given, and a new one each time otherwise", async () => {
    await using api = await startFakeApi(() => ({ body: succeeded }));
    const args = ["import", ...image, "--endpoint", api.endpoint];

    await runCli([...args, "--idempotency-key", "build-7"]);
    await runCli(args);
    await runCli(args);

    const keys = api.seen.map(({ headers }) => headers["idempotency-key"]);
    expect(keys[0]).toBe("build-7");
    expect(new Set(keys).size).toBe(3);
  });

  it("notes that a resource group is not needed", async () => {
    await using api = await startFakeApi(() => ({ body: succeeded }));

    const run = await runCli(["import", ...image, "-g", "group", "--endpoint", api.endpoint]);

    expect(run.stderr).toContain("--resource-group is not needed");
    expect(run.exitCode).toBe(0);
  });
});

describe("drayage import: wrong usage", () => {
  const wrong: readonly (readonly [string, readonly string[], string])[] = [
    ["no source", [], "--source"],
    ["an unknown option", [...image, "--plattform", "linux/amd64"], "--platform"],
    ["a user name without password", [...image, "-u", "ci"], "--username needs --password or --password-stdin"],
    ["two ways to give a password", [...image, "-p", "x", "--password-stdin"], "cannot be used with"],
    ["an empty password", [...image, "--password-stdin"], "standard input is empty"],
    ["two targets", [...image, "-n", "a", "--target", "b"], "cannot be used with"],
    ["--force and --conflict", [...image, "--force", "--conflict", "fail"], "cannot be used with"],
    ["an unknown conflict policy", [...image, "--conflict", "maybe"], "skipIfSame"],
    ["--wait and --no-wait", [...image, "--wait", "5", "--no-wait"], "contradict"],
    ["--no-wait and --wait", [...image, "--no-wait", "--wait", "5"], "contradict"],
    ["--dry-run and --no-wait", [...image, "--dry-run", "--no-wait"], "cannot be used with"],
    ["--sparse-index without platforms", [...image, "--sparse-index"], "--sparse-index needs --platform"],
    ["a label without value", [...image, "--label", "team"], "KEY=VALUE"],
    ["a label twice", [...image, "--label", "a=1", "--label", "a=2"], "given twice"],
    ["a wait that is no time", [...image, "--wait", "soon"], "e.g. 15m"],
    ["credentials with a resource id", ["-r", "/subscriptions/s", "--source", "a", "-p", "x"], "takes no credentials"],
    ["an endpoint that is no URL", [...image, "--endpoint", "localhost:7071"], "http or https URL"],
  ];
  it.each(wrong)("refuses %s before anything is sent", async (_, args, said) => {
    await using api = await startFakeApi(() => ({ body: succeeded }));

    const run = await runCli(["--endpoint", api.endpoint, "import", ...args]);

    expect(run.exitCode).toBe(2);
    expect(run.stderr).toContain(said);
    expect(run.stdout).toBe("");
    expect(api.seen).toEqual([]);
  });
});

describe("drayage import: the end", () => {
  const ends: readonly (readonly [string, Record<string, unknown>, number, string])[] = [
    ["Succeeded", succeeded, 0, "Succeeded in 4.2s: 4 manifests, 6 blobs; 20.0 MiB copied, 5.0 MiB mounted\n"],
    ["Skipped", aRecord({ ...ended, state: "Skipped" }), 0, "Skipped: the target holds this digest already\n"],
    [
      "Failed",
      aFailure(),
      1,
      "Failed after 4.2s: source docker.io: pull of library/alpine refused (401); check source.cr",
    ],
    ["Failed for a tag", aFailure({ code: "TARGET_TAG_EXISTS" }), 5, "code: TARGET_TAG_EXISTS"],
    ["Cancelled", aRecord({ ...ended, state: "Cancelled" }), 3, "Cancelled after 4.2s\n"],
  ];
  it.each(ends)("tells %s by its exit code and in words", async (_, record, exitCode, said) => {
    await using api = await startFakeApi(() => ({ body: record }));

    const run = await runCli(["import", ...image, "--endpoint", api.endpoint]);

    expect(run.exitCode).toBe(exitCode);
    expect(run.stdout).toContain(`Import ${importId}  docker.io/library/alpine:3.20 → prod.example/alpine:3.20\n`);
    expect(exitCode === 0 ? run.stdout : run.stderr).toContain(said);
  });

  it("prints code, status, the registry's words, and the hint once", async () => {
    await using api = await startFakeApi(() => ({ body: aFailure() }));

    const run = await runCli(["import", ...image, "--endpoint", api.endpoint]);

    expect(run.stderr).toContain("code: SOURCE_UNAUTHORIZED (HTTP 401)");
    expect(run.stderr).toContain("registry said: UNAUTHORIZED authentication required");
    expect(run.stderr.split("check source.credentials")).toHaveLength(2);
    expect(run.stderr).toContain(`drayage retry ${importId}`);
  });

  it("says that a retry has to bring credentials again, where the import brought some", async () => {
    await using api = await startFakeApi(() => ({ body: aFailure() }));
    const run = async (...more: string[]) =>
      (await runCli(["import", ...image, ...more, "--endpoint", api.endpoint], { stdin: "s3cret" })).stderr;

    expect(await run()).toContain(`retry with: drayage retry ${importId}\n`);
    expect(await run("-u", "ci", "--password-stdin")).toContain(
      `retry with: drayage retry ${importId} -u USER --password-stdin\n`,
    );
  });

  it("lets no control character of a message reach the terminal", async () => {
    await using api = await startFakeApi(() => ({ body: aFailure({ message: "bad\u001b[2Jthing\rhidden" }) }));

    const run = await runCli(["import", ...image, "--endpoint", api.endpoint]);

    expect(run.stderr).toContain("bad [2Jthing hidden");
  });

  const refusals: readonly (readonly [number, string, number])[] = [
    [400, "INVALID_REFERENCE", 2],
    [422, "IDEMPOTENCY_KEY_REUSED", 2],
    [403, "HOST_NOT_ALLOWED", 2],
    [409, "IMPORT_STATE_CONFLICT", 5],
    [503, "STORAGE_UNAVAILABLE", 4],
  ];
  it.each(refusals)("answers a refusal with %i %s by exit code %i", async (status, code, exitCode) => {
    await using api = await startFakeApi(() => aProblem(status, code, { hint: "do otherwise", correlationId: "c-1" }));

    const run = await runCli(["import", ...image, "--endpoint", api.endpoint, "--json"]);

    expect(run.exitCode).toBe(exitCode);
    expect(run.stderr).toContain(`error: no: ${code}\n  code: ${code} (HTTP ${status})\n  hint: do otherwise`);
    expect(run.stderr).toContain("c-1");
    expect(run.stdout).toBe("");
  });

  it.each([
    ["text", "it works!"],
    ["a JSON of another kind", { hello: "world" }],
  ])("says that %s is not the answer of a Drayage service", async (_, body) => {
    await using api = await startFakeApi(() => ({ body }));

    const run = await runCli(["import", ...image, "--endpoint", api.endpoint]);

    expect(run.exitCode).toBe(4);
    expect(run.stderr).toContain("is this the address of a Drayage service");
  });

  it("ends with 4 when nothing listens", async () => {
    const api = await startFakeApi(() => ({}));
    await api.stop();

    const run = await runCli(["import", ...image, "--endpoint", api.endpoint]);

    expect(run.exitCode).toBe(4);
    expect(run.stderr).toContain("ECONNREFUSED");
    expect(run.stderr).not.toContain("--idempotency-key");
  });

  it("repeats a start whose answer is lost with the same key, while the service restarts", async () => {
    const api = await startFakeApi(async (_, count) => {
      if (count === 1) await api.stop();
      return count === 2 ? aProblem(503, "STORAGE_UNAVAILABLE") : { body: succeeded };
    });
    await using _closed = api;

    const run = await runCli(["import", ...image, "--endpoint", api.endpoint], {
      onSleep: (count) => (count === 3 ? api.restart() : undefined),
    });

    expect(run.exitCode).toBe(0);
    expect(api.calls()).toEqual(Array(3).fill("POST /api/imports?wait=2"));
    expect(new Set(api.seen.map(({ headers }) => headers["idempotency-key"])).size).toBe(1);
    expect(new Set(api.seen.map(({ body }) => JSON.stringify(body))).size).toBe(1);
    expect(run.stderr).toMatch(/^no answer from \S+ \(\w+\); repeating the request with its idempotency key/);
    expect(run.stderr.match(/repeating/g)).toHaveLength(1);
    expect(run.stderr).toContain("the service answers again\n");
    expect(run.stdout).toContain("Succeeded in 4.2s");
  });

  it("does not repeat a start any more once the service refuses it", async () => {
    const api = await startFakeApi(async (_, count) => {
      if (count === 1) await api.stop();
      return aProblem(422, "IDEMPOTENCY_KEY_REUSED");
    });
    await using _closed = api;

    const run = await runCli(["import", ...image, "--endpoint", api.endpoint], {
      onSleep: (count) => (count === 1 ? api.restart() : undefined),
    });

    expect(run.exitCode).toBe(2);
    expect(api.seen).toHaveLength(2);
  });

  it.each([
    ["a minute", [], 60],
    ["the time of --wait", ["--wait", "10"], 10],
  ])("gives a lost start up after %s, and says how to repeat it safely", async (_, args, seconds) => {
    const lost = await startFakeApi(async () => {
      await lost.stop();
      return {};
    });

    const run = await runCli(["import", ...image, ...args, "--endpoint", lost.endpoint]);

    expect(run.exitCode).toBe(4);
    expect(run.sleepsMs.reduce((sum, ms) => sum + ms, 0)).toBe(seconds * 1000);
    const key = lost.seen[0]?.headers["idempotency-key"];
    expect(run.stderr).toContain(`repeat with --idempotency-key ${key}`);
  });

  it("stops repeating a lost start at Ctrl-C", async () => {
    const interruption = new AbortController();
    const lost = await startFakeApi(async () => {
      await lost.stop();
      return {};
    });

    const run = await runCli(["import", ...image, "--endpoint", lost.endpoint], {
      interrupted: interruption.signal,
      onSleep: (count) => (count === 2 ? interruption.abort(new Interrupted("Ctrl-C")) : undefined),
    });

    expect(run.exitCode).toBe(130);
    expect(run.sleepsMs).toHaveLength(2);
  });

  it("names the flags that get past a tag that exists, and no retry, which would fail again", async () => {
    await using api = await startFakeApi(() => ({ body: aFailure({ code: "TARGET_TAG_EXISTS" }) }));

    const run = await runCli(["import", ...image, "--endpoint", api.endpoint]);

    expect(run.stderr).toContain("import again with --force, or with --conflict skipIfSame");
    expect(run.stderr).not.toContain("drayage retry");
  });

  it("asks whether it is a Drayage service where another one answers 404 in JSON", async () => {
    await using api = await startFakeApi(() => ({ status: 404, body: { errors: [{ code: "NAME_UNKNOWN" }] } }));

    const run = await runCli(["import", ...image, "--endpoint", api.endpoint]);

    expect(run.exitCode).toBe(4);
    expect(run.stderr).toContain("is this the address of a Drayage service?");
  });
});

describe("drayage import --dry-run", () => {
  it("shows the plan and follows nothing", async () => {
    const { source, target, progress } = aRecord();
    await using api = await startFakeApi(() => ({ body: { source, target, progress, warnings: ["sparse"] } }));

    const run = await runCli(["import", ...image, "--dry-run", "--endpoint", api.endpoint]);

    expect(run.exitCode).toBe(0);
    expect(api.seen.map(({ body }) => body)).toEqual([{ source: "docker.io/library/alpine:3.20", dryRun: true }]);
    expect(run.stdout).toContain("Dry run: nothing was changed.");
    expect(run.stdout).toContain("to copy: 4 blobs, 75.0 MiB");
    expect(run.stdout).toContain("warning: sparse");
  });

  it("tells what is to be mounted from what is to be copied", async () => {
    const { source, target, progress } = aRecord();
    const MiB = 1024 ** 2;
    const work = {
      copy: { blobs: 1, bytes: 40 * MiB },
      mount: { blobs: 3, bytes: 35 * MiB },
      skip: { blobs: 0, bytes: 0 },
    };
    await using api = await startFakeApi(() => ({ body: { source, target, progress, work, warnings: [] } }));

    const run = await runCli(["import", ...image, "--dry-run", "--endpoint", api.endpoint]);

    expect(run.stdout).toContain("  to copy: 1 blob, 40.0 MiB\n");
    expect(run.stdout).toContain("  to mount: 3 blobs, 35.0 MiB (copied where the registry refuses)\n");
    expect(run.stdout).not.toContain("already there");
  });

  it.each([
    ["SOURCE_NOT_FOUND", 1],
    ["TARGET_TAG_EXISTS", 5],
  ])("foretells %s by the exit code the import would have", async (code, exitCode) => {
    await using api = await startFakeApi(() => aProblem(422, code));

    const run = await runCli(["import", ...image, "--dry-run", "--endpoint", api.endpoint]);

    expect(run.exitCode).toBe(exitCode);
  });
});
