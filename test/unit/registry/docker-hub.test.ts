import type { LookupFunction } from "node:net";
import { describe, expect, it } from "vitest";
import { parseHostPattern } from "../../../src/domain/host-pattern.ts";
import { apiHostOf } from "../../../src/registry/docker-hub.ts";
import { createGuardedLookup, createNetworkPolicy, namesOf } from "../../../src/registry/network-guard.ts";

describe("apiHostOf", () => {
  it("knows where Docker Hub's API is", () => {
    expect(["docker.io", "index.docker.io", "quay.io"].map(apiHostOf)).toEqual([
      "registry-1.docker.io",
      "registry-1.docker.io",
      "quay.io",
    ]);
  });
});

describe("what settings say of Docker Hub", () => {
  const said = ["docker.io", "index.docker.io", "registry-1.docker.io"].map((name) => parseHostPattern(name) ?? "");
  const api = new URL("https://registry-1.docker.io/v2/");

  it.each(said)("holds for the host of its API, a CA say, by whatever name (%s)", (name) => {
    expect(namesOf(api)).toContain(name);
    expect(namesOf(new URL("https://auth.docker.io/token"))).not.toContain(name);
  });

  it.each([
    ["docker.io", ["10.0.0.9"]],
    ["quay.io", []],
  ])("lets that host be at a private address where %s is named", async (named, permitted) => {
    const policy = createNetworkPolicy({ namedHosts: [named], allowPrivateHosts: [], isInsecure: () => false });
    const lookup: LookupFunction = (_, __, callback) => callback(null, [{ address: "10.0.0.9", family: 4 }]);
    const guarded = createGuardedLookup(api, { policy, lookup, log: () => {} });

    const found = await new Promise((resolve) => {
      guarded("registry-1.docker.io", { all: true }, (_, addresses) => resolve(addresses));
    });

    expect(found).toEqual(permitted.map((address) => ({ address, family: 4 })));
  });
});
