import { describe, expect, it } from "vitest";
import { createRegistries, parseRegistries } from "../../../src/domain/registries.ts";

const names = { profiles: ["acr", "ghcr"], limits: ["acr-basic", "acr-premium"] };
const limitsShape =
  "limits expected a name, or an object with readsPerMinute, writesPerMinute, referrersPerMinute or tokensPerMinute";
const ecr = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
const password = (host: string, username: string) => ({
  host,
  auth: { kind: "password" as const, username, password: "p" },
});
const problemsOf = (...entries: readonly unknown[]) => parseRegistries(JSON.stringify(entries), names).problems;

describe("createRegistries", () => {
  const registries = createRegistries(
    [
      password("*.example", "short"),
      password("*.team.example", "long"),
      password("hub.team.example", "exact"),
      { host: "open.example", alias: "open", auth: { kind: "anonymous" } },
      { host: "prod.azurecr.io", auth: { kind: "anonymous" } },
    ],
    undefined,
  );

  it.each([
    ["hub.team.example", "exact"],
    ["x.team.example", "long"],
    ["x.y.team.example", "long"],
    ["team.example", "short"],
  ])("finds for %s the entry of that host, else of the longest suffix: %s", (host, username) => {
    expect(registries.signInAt(host, undefined)).toEqual({ kind: "password", username, password: "p" });
  });

  it.each(["example", "badexample", "x.example:5000", "open.example", "other.io"])(
    "signs in at %s as nobody",
    (host) => {
      expect(registries.signInAt(host, undefined)).toEqual({ kind: "anonymous" });
    },
  );

  it("prefers what the request brings", () => {
    const own = { username: "u", password: "q" };
    expect(registries.signInAt("hub.team.example", own)).toEqual({ kind: "password", ...own });
  });

  it.each([
    ["open", "open.example"],
    ["prod", "prod.azurecr.io"],
    ["hub", undefined],
    ["nobody", undefined],
  ])("knows the registry %s as %s", (name, host) => {
    expect(registries.hostOfName(name)).toBe(host);
  });
});

describe("the default target without an entry", () => {
  const own = { kind: "entra", identity: { kind: "app", clientId: undefined } };

  it("is signed in at by the app's own identity where it is an ACR, and no other ACR is", () => {
    const registries = createRegistries([], "prod.azurecr.io");

    expect(registries.signInAt("prod.azurecr.io", undefined)).toEqual(own);
    expect(registries.signInAt("other.azurecr.io", undefined)).toEqual({ kind: "anonymous" });
    expect(createRegistries([], "r.example").signInAt("r.example", undefined)).toEqual({ kind: "anonymous" });
  });

  it("is signed in at as its entry says, and by what a request brings first", () => {
    const registries = createRegistries([{ host: "*.azurecr.io", auth: { kind: "anonymous" } }], "prod.azurecr.io");

    expect(registries.signInAt("prod.azurecr.io", undefined)).toEqual({ kind: "anonymous" });
    expect(registries.signInAt("prod.azurecr.io", { password: "t" })).toEqual({ kind: "token", token: "t" });
  });
});

describe("parseRegistries", () => {
  it("reads entries, with hosts in the form they are compared in", () => {
    const text = JSON.stringify([
      { host: "GHCR.io", auth: { kind: "anonymous" }, profile: "ghcr" },
      { host: "*.Example", auth: { kind: "password", username: "u", password: "p" }, insecure: true },
      { host: "index.docker.io", auth: { kind: "anonymous" } },
    ]);

    const { entries, problems } = parseRegistries(text, names);

    expect(problems).toEqual([]);
    expect(entries.map(({ host }) => host)).toEqual(["ghcr.io", "*.example", "docker.io"]);
  });

  it.each<[object, string]>([
    [{ auth: { kind: "ecr" } }, "auth kind ecr needs a host such as 123456789012.dkr.ecr"],
    [{ host: "public.ecr.aws", auth: { kind: "ecr" } }, "public.ecr.aws is read with kind anonymous"],
    [{ host: ecr, auth: { kind: "ecr", username: "AKIA" } }, "username and secret together"],
    [{ auth: { kind: "google" } }, "auth kind google needs a host below pkg.dev"],
    [{ host: "*.example", auth: { kind: "entra" } }, "auth kind entra needs an exact host, or one below azurecr.io"],
    [{ auth: { kind: "entra", tenantId: "t" } }, "tenantId, clientId and password or secret"],
    [{ auth: { kind: "entra", clientId: "c", secret: "s" } }, "tenantId, clientId and password or secret"],
    [{ auth: { kind: "password", username: "u", password: "p", secret: "s" } }, "auth password excludes secret"],
    [{ auth: { kind: "password", username: "u", secret: "a/b" } }, "expected the name of a secret"],
    [{ auth: { kind: "password", username: "u" } }, "auth password is missing"],
    [{ auth: { kind: "password", password: "p" } }, "auth username is missing"],
    [{ auth: { kind: "anonymous", username: "u" } }, "anonymous takes no username"],
    [{ limits: "acr-huge" }, "limits acr-huge is none of acr-basic, acr-premium"],
    [{ limits: {} }, limitsShape],
    [{ limits: 1_000 }, limitsShape],
    [{ limits: { writesPerMinute: 0 } }, "limits writesPerMinute Too small"],
    [{ limits: { writesPerMinute: 1_000, burst: 5 } }, 'limits Unrecognized key: "burst"'],
    [{ mirror: "*.example" }, "mirror expected host[:port]"],
    [{ resourceId: "r" }, "resourceId is no resource id of a registry"],
    [{ profile: "nexus" }, "profile nexus is none of acr, ghcr"],
    [{ alias: "A B" }, "alias"],
    [{ user: "u" }, "user"],
  ])("names the entry that has %j", (change, problem) => {
    const problems = problemsOf({ host: "r.example", auth: { kind: "anonymous" }, ...change });

    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/^entry 1 \(.+\): /);
    expect(problems[0]).toContain(problem);
  });

  it("refuses a mirror that has a mirror, as it may be the registry itself", () => {
    const auth = { kind: "anonymous" };
    const hub = { host: "docker.io", auth, mirror: "m.example" };

    expect(problemsOf(hub, { host: "m.example", auth })).toEqual([]);
    expect(problemsOf(hub, { host: "*.example", auth, mirror: "docker.io" })).toEqual([
      "host docker.io: its mirror m.example has a mirror of its own",
      "host *.example: its mirror docker.io has a mirror of its own",
    ]);
  });

  it.each([
    [{ kind: "entra" }, { kind: "entra", identity: { kind: "app", clientId: undefined } }],
    [
      { kind: "entra", clientId: "c" },
      { kind: "entra", identity: { kind: "app", clientId: "c" } },
    ],
    [
      { kind: "entra", tenantId: "t", clientId: "c", secret: "s" },
      { identity: { kind: "servicePrincipal", tenantId: "t", clientId: "c", secret: { secret: "s" } } },
    ],
    [
      { kind: "password", username: "u", secret: "s" },
      { kind: "vault", username: "u", secret: "s" },
    ],
  ])("reads auth %j as %j", (auth, signIn) => {
    const { entries, problems } = parseRegistries(JSON.stringify([{ host: "r.azurecr.io", auth }]), names);

    expect(problems).toEqual([]);
    expect(createRegistries(entries, undefined).signInAt("r.azurecr.io", undefined)).toMatchObject(signIn);
  });

  it.each([
    [
      { host: ecr, auth: { kind: "ecr" } },
      { kind: "ecr", keys: undefined },
    ],
    [
      { host: ecr, auth: { kind: "ecr", username: "AKIA", secret: "aws" } },
      { kind: "ecr", keys: { accessKeyId: "AKIA", secret: { secret: "aws" } } },
    ],
    [
      { host: "eu-docker.pkg.dev", auth: { kind: "google", password: "{}" } },
      { kind: "google", key: { value: "{}" } },
    ],
  ])("reads entry %j as %j", (entry, signIn) => {
    const { entries, problems } = parseRegistries(JSON.stringify([entry]), names);

    expect(problems).toEqual([]);
    expect(createRegistries(entries, undefined).signInAt(entry.host, undefined)).toEqual(signIn);
  });

  it("refuses what is no list, no host, or there twice", () => {
    expect(parseRegistries("{", names).problems).toEqual(["expected a JSON list of entries"]);
    expect(problemsOf({ host: "https://x", auth: { kind: "anonymous" } })[0]).toContain("expected host[:port]");
    const twice = { host: "a.example", alias: "a", auth: { kind: "anonymous" } };
    expect(parseRegistries(JSON.stringify([twice, twice]), names).problems).toEqual([
      "host a.example is named twice",
      "alias a is given twice",
    ]);
  });

  it("repeats no password", () => {
    const entry = { host: "r.example", auth: { kind: "password", password: "hunter2", usrname: "u" }, alias: "" };
    expect(JSON.stringify(problemsOf(entry))).not.toContain("hunter2");
    expect(JSON.stringify(parseRegistries(`${JSON.stringify([entry])}x`, names).problems)).not.toContain("hunter2");
  });
});
