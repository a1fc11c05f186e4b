import { describe, expect, it } from "vitest";
import { aProblem, startFakeApi } from "./fake-api.ts";
import { runCli } from "./run-cli.ts";

const ok = { status: "ok", detail: "it works" };
const refused = { status: "failing", detail: "target prod.example: no; ask the operator", hint: "ask the operator" };
const untried = { status: "unchecked", detail: "not tried", hint: "name a repository" };

const answered = (check: Readonly<Record<string, unknown>> = {}, more: Readonly<Record<string, unknown>> = {}) => ({
  host: "prod.example",
  profile: "harbor",
  auth: { kind: "password", username: "drayage", secret: "harbor-password" },
  pauses: [],
  check: { signIn: ok, pull: ok, push: ok, list: ok, ...check },
  ...more,
});

describe("drayage login-check", () => {
  it("prints what works, and the cure below what does not", async () => {
    const pauses = [{ requests: "write", until: "2026-01-31T13:00:00.000Z", reason: "it answered 429" }];
    await using api = await startFakeApi(() => ({ body: answered({ pull: untried, push: refused }, { pauses }) }));

    const run = await runCli(["login-check", "prod.example", "--endpoint", api.endpoint]);

    expect(run.stdout).toBe(
      [
        "prod.example  harbor, signs in as drayage with the secret harbor-password (password)",
        "  ✓ sign-in  it works",
        "  – pull     not tried",
        "             name a repository",
        "  ✗ push     target prod.example: no; ask the operator",
        "  ✓ list     it works",
        "  ! paused   write requests until 2026-01-31T13:00:00.000Z, because it answered 429",
        "",
      ].join("\n"),
    );
    expect(run.exitCode).toBe(1);
  });

  it("asks for the registry and the repository that were named, by POST", async () => {
    await using api = await startFakeApi(() => ({ body: answered() }));

    const run = await runCli([
      ...["login-check", "localhost:5001", "--repository", "team/app", "--json", "--endpoint", api.endpoint],
    ]);

    expect(api.calls()).toEqual(["POST /api/registries/localhost%3A5001/check"]);
    expect(api.seen[0]?.body).toEqual({ repository: "team/app" });
    expect(JSON.parse(run.stdout)).toEqual(answered());
    expect(run.exitCode).toBe(0);
  });

  it("takes a registry that lists no repositories for usable", async () => {
    await using api = await startFakeApi(() => ({ body: answered({ list: refused }) }));

    const run = await runCli(["login-check", "docker.io", "--endpoint", api.endpoint]);

    expect(run.exitCode).toBe(0);
  });

  it("ends with 2 when the service does not allow the registry", async () => {
    await using api = await startFakeApi(() => aProblem(403, "HOST_NOT_ALLOWED"));

    const run = await runCli(["login-check", "10.0.0.4", "--endpoint", api.endpoint]);

    expect(run.exitCode).toBe(2);
  });

  it.each([
    [{ kind: "anonymous" }, "nobody"],
    [{ kind: "entra" }, "the app's own identity (entra)"],
    [{ kind: "entra", clientId: "id", tenantId: "t" }, "id of tenant t (entra)"],
    [{ kind: "ecr" }, "what the app finds around it (ecr)"],
  ])("says that %j signs in as %s", async (auth, account) => {
    await using api = await startFakeApi(() => ({ body: answered({}, { auth }) }));

    const run = await runCli(["login-check", "prod.example", "--endpoint", api.endpoint]);

    expect(run.stdout).toContain(`signs in as ${account}\n`);
  });
});
