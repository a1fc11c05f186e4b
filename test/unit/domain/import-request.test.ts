import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { assertRequestSize, parseImportRequest, type RequestSettings } from "../../../src/domain/import-request.ts";
import { importRequestSchema } from "../../../src/domain/import-request-schema.ts";
import { importSpecSchema } from "../../../src/domain/import-spec.ts";
import { formatReference } from "../../../src/domain/reference.ts";
import { createRegistries } from "../../../src/domain/registries.ts";
import { anyReference } from "./arbitraries.ts";
import { digestNamed } from "./records.ts";
import { attempt, refusal } from "./refusal.ts";

const resourceIdOf = (name: string) =>
  `/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/${name}`;
const settings: RequestSettings = {
  defaultTarget: "prod.azurecr.io",
  defaultConflict: "fail",
  defaultTimeoutSeconds: 86_400,
  registrySuffix: "azurecr.io",
  registries: createRegistries(
    [
      { host: "harbor.example:8443", alias: "harbor", auth: { kind: "anonymous" } },
      { host: "dev.azurecr.cn", auth: { kind: "anonymous" } },
      { host: "placed.example", auth: { kind: "anonymous" }, resourceId: resourceIdOf("placed") },
    ],
    undefined,
  ),
};
const source = "docker.io/library/alpine:3.20";
const digest = digestNamed("x");
const resourceId = resourceIdOf("src");
const parse = (body: unknown, change: Partial<RequestSettings> = {}) =>
  parseImportRequest(body, { ...settings, ...change });
const refused = (body: unknown, change: Partial<RequestSettings> = {}) => refusal(() => parse(body, change)).toWire();

describe("parseImportRequest", () => {
  it("says of an alias in place of a host where it goes", () => {
    for (const alias of ["harbor", "dev"]) {
      const hint = `${alias} is an alias: --registry ${alias} --source team/app:1.0`;
      for (const written of [`${alias}/team/app:1.0`, { sourceImage: `${alias}/team/app:1.0` }])
        expect(refused({ source: written })).toMatchObject({
          code: "INVALID_REFERENCE",
          hint: expect.stringContaining(hint),
        });
    }
    expect(refused({ source: "library/alpine" }).hint).toContain("docker.io/library/alpine");
  });

  it("fills in every default of the shortest request", () => {
    expect(parse({ source })).toEqual({
      dryRun: false,
      spec: {
        v: 1,
        source: { registry: "docker.io", repository: "library/alpine", tag: "3.20" },
        target: {
          registry: "prod.azurecr.io",
          tags: [{ repository: "library/alpine", tag: "3.20" }],
          untaggedRepositories: [],
        },
        conflict: "fail",
        sparseIndex: false,
        foreignLayers: "auto",
        verify: "manifest",
        timeoutSeconds: 86_400,
        labels: {},
      },
    });
  });

  it.each([
    ["the entry with this id", resourceIdOf("Placed").toUpperCase(), "placed.example", {}],
    ["the registry in Azure that has its name", resourceIdOf("dev"), "dev.azurecr.cn", {}],
    [
      "its own name, though it is another registry's alias",
      resourceIdOf("harbor"),
      "harbor.azurecr.io",
      { isAssumed: true },
    ],
    ["the name in Azure, until Azure is asked", resourceId, "src.azurecr.io", { isAssumed: true }],
  ])("takes a resource id for %s", (_, id, registry, assumed) => {
    const { spec } = parse({ source: { resourceId: id, sourceImage: `${registry}/team/app:1` } });

    expect(spec.source).toEqual({ registry, repository: "team/app", tag: "1", resourceId: id, ...assumed });
    expect(spec.target.tags).toEqual([{ repository: "team/app", tag: "1" }]);
  });

  it("takes what az acr import sends", () => {
    const body = {
      source: { registryUri: "docker.io", sourceImage: "library/alpine:3.20" },
      targetTags: ["alpine:3.20"],
      untaggedTargetRepositories: [],
      mode: "NoForce",
    };

    expect(parse(body).spec).toMatchObject({
      source: { registry: "docker.io", repository: "library/alpine", tag: "3.20" },
      target: { tags: [{ repository: "alpine", tag: "3.20" }], untaggedRepositories: [] },
      conflict: "fail",
    });
  });

  it("takes everything that is built", () => {
    const body = {
      source: { registryUri: "https://Docker.io/", sourceImage: "a/b", credentials: { username: "u", password: "p" } },
      target: "other.example:5000",
      targetTags: ["x:1", "x:1", "y"],
      untaggedTargetRepositories: ["m", "m"],
      conflict: "skipIfSame",
      platforms: ["linux/amd64", "Linux/arm64/v8", "linux/amd64"],
      sparseIndex: true,
      referrers: false,
      foreignLayers: "skip",
      verify: "none",
      strategy: "stream",
      timeoutSeconds: 7,
      dryRun: true,
      labels: { team: "x" },
    };

    const { spec, credentials, dryRun } = parse(body);

    expect(importSpecSchema.parse(spec)).toEqual({
      v: 1,
      source: { registry: "docker.io", repository: "a/b", tag: "latest" },
      target: {
        registry: "other.example:5000",
        tags: [
          { repository: "x", tag: "1" },
          { repository: "y", tag: "latest" },
        ],
        untaggedRepositories: ["m"],
      },
      conflict: "skipIfSame",
      platforms: [
        { os: "linux", architecture: "amd64" },
        { os: "linux", architecture: "arm64", variant: "v8" },
      ],
      sparseIndex: true,
      foreignLayers: "skip",
      strategy: "stream",
      verify: "none",
      timeoutSeconds: 7,
      labels: { team: "x" },
    });
    expect(credentials).toEqual({ username: "u", password: "p" });
    expect(JSON.stringify(spec)).not.toContain("password");
    expect(dryRun).toBe(true);
  });

  it.each([
    ["docker.io/nginx", { tags: [{ repository: "nginx", tag: "latest" }], untaggedRepositories: [] }],
    ["docker.io/nginx:1", { tags: [{ repository: "nginx", tag: "1" }], untaggedRepositories: [] }],
    [`ghcr.io/a/b:1@${digest}`, { tags: [{ repository: "a/b", tag: "1" }], untaggedRepositories: [] }],
    [`ghcr.io/a/b@${digest}`, { tags: [], untaggedRepositories: ["a/b"] }],
  ])("copies %s, with no target given, to the repository as typed", (text, target) => {
    expect(parse({ source: text }).spec.target).toEqual({ registry: "prod.azurecr.io", ...target });
  });

  it("keeps the tag and copies the digest of a source that has both", () => {
    expect(parse({ source: `docker.io/nginx:1@${digest}` }).spec.source).toEqual({
      registry: "docker.io",
      repository: "library/nginx",
      tag: "1",
      digest,
    });
  });

  it.each([
    ["ghcr.io/a/b:1", ["x"], "1"],
    ["ghcr.io/a/b", ["x"], "latest"],
    [`ghcr.io/a/b@${digest}`, ["x"], "latest"],
    ["ghcr.io/a/b:1", ["prod.azurecr.io/x:2"], "2"],
  ])("gives a target tag of %s without a tag the source's, else latest", (text, targetTags, tag) => {
    expect(parse({ source: text, targetTags }).spec.target.tags).toEqual([{ repository: "x", tag }]);
  });

  it("makes no tag when only untagged repositories are given", () => {
    expect(parse({ source, untaggedTargetRepositories: ["m"] }).spec.target).toMatchObject({
      tags: [],
      untaggedRepositories: ["m"],
    });
  });

  it.each([
    ["myregistry", "myregistry.azurecr.io"],
    ["MyRegistry", "myregistry.azurecr.io"],
    ["harbor", "harbor.example:8443"],
    ["dev", "dev.azurecr.cn"],
    ["prod.azurecr.io", "prod.azurecr.io"],
    ["localhost", "localhost"],
    ["https://index.docker.io/", "docker.io"],
  ])("takes the target %s as %s", (target, registry) => {
    expect(parse({ source, target }).spec.target.registry).toBe(registry);
  });

  it("takes a source registry by its alias, and an image that repeats its host", () => {
    const named = { registryUri: "harbor", sourceImage: "harbor.example:8443/a/b:1" };

    expect(parse({ source: named }).spec.source).toEqual({
      registry: "harbor.example:8443",
      repository: "a/b",
      tag: "1",
    });
  });

  it("takes a whole reference as sourceImage", () => {
    expect(parse({ source: { sourceImage: "ghcr.io/a/b:1" } }).spec.source.registry).toBe("ghcr.io");
  });

  it.each([
    [{ mode: "Force" }, "overwrite"],
    [{ mode: "NoForce" }, "fail"],
    [{ conflict: "skipIfSame" }, "skipIfSame"],
    [{}, "overwrite"],
  ])("reads %j as conflict %s, where overwrite is the default", (given, conflict) => {
    expect(parse({ source, ...given }, { defaultConflict: "overwrite" }).spec.conflict).toBe(conflict);
  });

  it.each<[unknown, string, string]>([
    [undefined, "", "INVALID_REQUEST"],
    ["x", "", "INVALID_REQUEST"],
    [{}, "source", "INVALID_REQUEST"],
    [{ source: 1 }, "source", "INVALID_REQUEST"],
    [{ source: {} }, "source.sourceImage", "INVALID_REQUEST"],
    [{ source: { sourceImage: "a", x: 1 } }, "source.x", "INVALID_REQUEST"],
    [{ source, targettags: [] }, "targettags", "INVALID_REQUEST"],
    [{ source, targetTags: ["a", 1] }, "targetTags[1]", "INVALID_REQUEST"],
    [{ source, mode: "force" }, "mode", "INVALID_REQUEST"],
    [{ source, mode: "Force", conflict: "fail" }, "conflict", "INVALID_REQUEST"],
    [{ source, sparseIndex: true }, "sparseIndex", "INVALID_REQUEST"],
    [{ source, platforms: [] }, "platforms", "INVALID_REQUEST"],
    [{ source, platforms: ["linux/amd64", "linux"] }, "platforms[1]", "INVALID_REQUEST"],
    [{ source, timeoutSeconds: 0 }, "timeoutSeconds", "INVALID_REQUEST"],
    [{ source, timeoutSeconds: 604_801 }, "timeoutSeconds", "INVALID_REQUEST"],
    [{ source, timeoutSeconds: 1.5 }, "timeoutSeconds", "INVALID_REQUEST"],
    [{ source, labels: { a: 1 } }, "labels.a", "INVALID_REQUEST"],
    [
      { source, labels: Object.fromEntries(Array.from({ length: 51 }, (_, at) => [at, "x"])) },
      "labels",
      "INVALID_REQUEST",
    ],
    [
      { source: { sourceImage: "ghcr.io/a", credentials: { username: "u" } } },
      "source.credentials.password",
      "INVALID_REQUEST",
    ],
    [{ source: "alpine:3.20" }, "source", "INVALID_REFERENCE"],
    [{ source: { resourceId: "/subscriptions/s", sourceImage: "a" } }, "source.resourceId", "INVALID_REFERENCE"],
    [{ source: { resourceId, registryUri: "docker.io", sourceImage: "a" } }, "source.resourceId", "INVALID_REQUEST"],
    [
      { source: { resourceId, sourceImage: "a", credentials: { username: "u", password: "p" } } },
      "source.credentials",
      "INVALID_REQUEST",
    ],
    [{ source: { registryUri: "docker.io", sourceImage: "A" } }, "source.sourceImage", "INVALID_REFERENCE"],
    [{ source: { registryUri: "docker.io/x", sourceImage: "a" } }, "source.registryUri", "INVALID_REFERENCE"],
    [{ source, target: "prod.azurecr.io/x" }, "target", "INVALID_REFERENCE"],
    [{ source, targetTags: ["a:1", `b@${digest}`] }, "targetTags[1]", "INVALID_REFERENCE"],
    [{ source, untaggedTargetRepositories: ["a:1"] }, "untaggedTargetRepositories[0]", "INVALID_REFERENCE"],
    [{ source, referrers: "all" }, "referrers", "INVALID_REQUEST"],
    [{ source, referrers: { artifactTypes: [] } }, "referrers.artifactTypes", "INVALID_REQUEST"],
    [{ source, strategy: "delegate", platforms: ["linux/amd64"] }, "platforms", "INVALID_REQUEST"],
    [{ source, strategy: "delegate", referrers: true }, "referrers", "INVALID_REQUEST"],
    [{ source, strategy: "delegate", foreignLayers: "skip" }, "foreignLayers", "INVALID_REQUEST"],
    [{ source, strategy: "delegate", dryRun: true }, "dryRun", "INVALID_REQUEST"],
    [{ source, strategy: "delegate", verify: "full" }, "verify", "INVALID_REQUEST"],
    [
      { source: { sourceImage: "ghcr.io/a", credentials: { secret: "s", password: "p" } } },
      "source.credentials.secret",
      "INVALID_REQUEST",
    ],
  ])("refuses %j at %j as %s", (body, property, code) => {
    const wire = refused(body);

    expect(wire.code).toBe(code);
    expect(wire.property ?? "").toBe(property);
  });

  it.each([
    [{ password: "token" }, { credentials: { password: "token" } }],
    [{ secret: "hub" }, { spec: { sourceSecret: { secret: "hub" } } }],
    [{ secret: "hub", username: "u" }, { spec: { sourceSecret: { secret: "hub", username: "u" } } }],
  ])("takes %j as credentials", (credentials, expected) => {
    const parsed = parse({ source: { sourceImage: "ghcr.io/a", credentials } });

    expect(parsed).toMatchObject(expected);
    expect(JSON.stringify(parsed.spec)).not.toContain("token");
  });

  it("needs a target from somewhere", () => {
    expect(refused({ source }, { defaultTarget: undefined })).toMatchObject({
      code: "INVALID_REQUEST",
      property: "target",
    });
  });

  it("tells of all problems at once", () => {
    const shape = refused({ source, mode: "x", timeoutSeconds: "1", foo: 1 });
    for (const property of ["mode", "timeoutSeconds", "foo"]) expect(shape.message).toContain(`${property}:`);

    const values = refused({ source: "alpine", targetTags: ["A"], platforms: ["x"] });
    expect(values).toMatchObject({ code: "INVALID_REFERENCE", property: "source" });
    for (const property of ["source", "targetTags[0]", "platforms[0]"]) expect(values.message).toContain(property);

    const beyond = refused({ source, strategy: "delegate", platforms: ["linux/amd64"], dryRun: true });
    for (const property of ["platforms", "dryRun"]) expect(beyond.message).toContain(`${property}:`);
  });

  it("takes all referrers, or those of some types", () => {
    const referrersOf = (referrers: unknown) => parse({ source, referrers }).spec.referrers;

    expect(referrersOf(undefined)).toBeUndefined();
    expect(referrersOf(false)).toBeUndefined();
    expect(referrersOf(true)).toEqual({});
    expect(referrersOf({})).toEqual({});
    expect(referrersOf({ artifactTypes: ["a/b", "a/b", "c/d"] })).toEqual({ artifactTypes: ["a/b", "c/d"] });
    expect(refused({ source, referrers: 1 }).message).toContain("expected true, false or an object");
  });

  it("says plainly that a property is missing or unknown", () => {
    expect(refused({}).message).toContain("source: is missing");
    expect(refused({ source, forse: true }).message).toContain("forse: no such property");
  });

  it("repeats no password in its errors", () => {
    const credentials = { username: "u", password: "hunter2hunter2", secret: 1 };
    const body = { source: { sourceImage: "A", credentials }, platforms: ["x"] };

    expect(JSON.stringify(refused(body))).not.toContain("hunter2");
  });

  it("throws nothing but ImportError, and what it returns fits the record", () => {
    const keys = Object.keys(importRequestSchema.shape);
    const value = fc.oneof(
      fc.constantFrom(
        "a:1",
        "Force",
        "overwrite",
        true,
        5,
        [],
        ["linux/amd64"],
        ["a:1", "b"],
        { a: "b" },
        null,
        undefined,
      ),
      fc.anything(),
    );
    const body = fc
      .tuple(anyReference(), fc.dictionary(fc.constantFrom(...keys), value, { maxKeys: 4 }))
      .map(([reference, rest]) => ({ source: formatReference(reference), ...rest }));
    fc.assert(
      fc.property(fc.oneof({ weight: 5, arbitrary: body }, { weight: 1, arbitrary: fc.anything() }), (given) => {
        const result = attempt(() => parse(given));
        if (!(result instanceof Error)) expect(importSpecSchema.parse(result.spec)).toEqual(result.spec);
      }),
    );
  });
});

describe("assertRequestSize", () => {
  it("takes 30,000 characters and no more", () => {
    expect(() => assertRequestSize("x".repeat(30_000))).not.toThrow();
    expect(refusal(() => assertRequestSize("x".repeat(30_001))).code).toBe("INVALID_REQUEST");
  });
});

describe("importRequestSchema", () => {
  it("describes every property in its JSON schema, and refuses others", () => {
    const schema = { ...z.toJSONSchema(importRequestSchema, { io: "input" }).$defs?.ImportRequest };

    expect(schema.additionalProperties).toBe(false);
    const properties = Object.entries(schema.properties ?? {});
    expect(properties).toHaveLength(15);
    for (const [name, property] of properties) expect(property, name).toHaveProperty("description");
  });
});
