import { describe, expect, it } from "vitest";
import { createRegistries, parseRegistries } from "../../../src/domain/registries.ts";

const names = { profiles: ["acr", "ghcr"], limits: ["acr-basic", "acr-premium"] };
const limitsShape =
  "limits expected a name, or an object with readsPerMinute, writesPerMinute, referrersPerMinute or tokensPerMinute";
const password = (host: string, username: string) => ({
  host,
  auth: { kind: "password" as const, username, password: "p" },
});
const problemsOf = (entry: unknown) => parseRegistries(JSON.stringify([entry]), names).problems;

describe("createRegistries", () => {
  const registries = createRegistries([
    password("*.example", "short"),
    password("*.team.example", "long"),
    password("hub.team.example", "exact"),
    { host: "open.example", alias: "open", auth: { kind: "anonymous" } },
    { host: "prod.azurecr.io", auth: { kind: "anonymous" } },
  ]);

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
    [{ auth: { kind: "entra" } }, "auth kind entra is not supported yet"],
    [{ auth: { kind: "ecr" } }, "auth kind ecr is not supported yet"],
    [{ auth: { kind: "password", username: "u", secret: "s" } }, "auth secret is not supported yet"],
    [{ auth: { kind: "password", username: "u" } }, "auth password is missing"],
    [{ auth: { kind: "password", password: "p" } }, "auth username is missing"],
    [{ auth: { kind: "anonymous", username: "u" } }, "anonymous takes no user"],
    [{ limits: "acr-huge" }, "limits acr-huge is none of acr-basic, acr-premium"],
    [{ limits: {} }, limitsShape],
    [{ limits: 1_000 }, limitsShape],
    [{ limits: { writesPerMinute: 0 } }, "limits writesPerMinute Too small"],
    [{ limits: { writesPerMinute: 1_000, burst: 5 } }, 'limits Unrecognized key: "burst"'],
    [{ mirror: "m" }, "mirror is not supported yet"],
    [{ resourceId: "r" }, "resourceId is no resource id of a registry"],
    [{ profile: "nexus" }, "profile nexus is none of acr, ghcr"],
    [{ alias: "A B" }, "alias"],
    [{ user: "u" }, "user"],
  ])("names the entry that has %j", (change, problem) => {
    const problems = problemsOf({ host: "r.example", auth: { kind: "anonymous" }, ...change });

    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain("entry 1 (r.example): ");
    expect(problems[0]).toContain(problem);
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
