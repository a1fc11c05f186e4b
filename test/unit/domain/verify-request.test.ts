import { describe, expect, it } from "vitest";
import type { RequestSettings } from "../../../src/domain/import-request.ts";
import { createRegistries } from "../../../src/domain/registries.ts";
import { parseVerifyRequest, referenceOf } from "../../../src/domain/verify-request.ts";
import { digestNamed } from "./records.ts";
import { refusal } from "./refusal.ts";

const settings: RequestSettings = {
  defaultTarget: undefined,
  defaultConflict: "fail",
  defaultTimeoutSeconds: 60,
  registrySuffix: "azurecr.io",
  registries: createRegistries([{ host: "harbor.example", alias: "harbor", auth: { kind: "anonymous" } }], undefined),
};
const request = { source: "docker.io/alpine:3.20", target: "prod.example/alpine:3.20" };
const parse = (body: unknown) => parseVerifyRequest(body, settings);

describe("parseVerifyRequest", () => {
  it("reads both references, and looks for blobs only", () => {
    expect(parse(request)).toEqual({
      source: { registry: "docker.io", repository: "library/alpine", tag: "3.20" },
      target: { registry: "prod.example", repository: "alpine", tag: "3.20" },
      blobs: "presence",
      referrers: "ignored",
    });
  });

  it("takes aliases for hosts", () => {
    const expected = { registry: "harbor.example", repository: "team/app", tag: "1.0" };
    for (const source of ["harbor/team/app:1.0", { sourceImage: "harbor/team/app:1.0" }])
      expect(parse({ source, target: "harbor/team/app:1.0" })).toMatchObject({ source: expected, target: expected });
  });

  it("reads a source as imports do, with credentials, platforms and what else is to be compared", () => {
    const credentials = { username: "ci", password: "s3cret" };
    const source = { registryUri: "harbor", sourceImage: "team/app", credentials };
    const parsed = parse({ ...request, source, platforms: ["linux/arm64"], full: true, referrers: true });

    expect(parsed).toMatchObject({
      source: { registry: "harbor.example", repository: "team/app", tag: "latest" },
      credentials,
      platforms: [{ os: "linux", architecture: "arm64" }],
      blobs: "content",
      referrers: "compared",
    });
  });

  it.each([
    ["no target", { target: undefined }, "target"],
    ["a target without a host", { target: "alpine:3.20" }, "target"],
    ["a target that brings credentials", { target: { registryUri: "x.example", sourceImage: "a" } }, "target"],
    ["a resource id", { source: { resourceId: "/subscriptions/s", sourceImage: "a" } }, "source.resourceId"],
    [
      "credentials without a password",
      { source: { sourceImage: "a.io/b", credentials: {} } },
      "source.credentials.password",
    ],
    ["a platform that is none", { platforms: ["linux"] }, "platforms[0]"],
    ["an unknown property", { conflict: "fail" }, "conflict"],
  ])("refuses %s", (_, change, property) => {
    expect(refusal(() => parse({ ...request, ...change })).toWire()).toMatchObject({ property });
  });
});

describe("referenceOf", () => {
  it("takes the digest where there are both", () => {
    const place = { registry: "a.io", repository: "b" };

    expect(referenceOf({ ...place, tag: "1", digest: digestNamed("x") })).toBe(digestNamed("x"));
    expect(referenceOf({ ...place, tag: "1" })).toBe("1");
  });
});
