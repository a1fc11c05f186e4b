import { describe, expect, it } from "vitest";
import type { AllowSettings } from "../../../src/domain/allow-list.ts";
import { armErrorSchema, operationFailure, requestFailure } from "../../../src/domain/arm-error.ts";
import { parseImportImage } from "../../../src/domain/arm-import.ts";
import { operationBody, retryAfterSeconds } from "../../../src/domain/arm-operation.ts";
import { createArmRegistries, ownSubscription, resourceIdOf } from "../../../src/domain/arm-registries.ts";
import { formatRegistryResourceId, parseRegistryResourceId } from "../../../src/domain/arm-resource-id.ts";
import type { RequestSettings } from "../../../src/domain/import-request.ts";
import { createRegistries } from "../../../src/domain/registries.ts";
import { type ErrorCode, errorCodes, ImportError } from "../../../src/errors.ts";
import { aRecord, digestNamed } from "./records.ts";
import { refusal } from "./refusal.ts";

const anonymous = { kind: "anonymous" } as const;
const placedId = "/subscriptions/s1/resourceGroups/g1/providers/Microsoft.ContainerRegistry/registries/placed";
const entries = createRegistries(
  [
    { host: "placed.azurecr.io", auth: anonymous, resourceId: placedId },
    { host: "harbor.example:8443", auth: anonymous, alias: "harbor" },
    { host: "source.example", auth: anonymous },
  ],
  undefined,
);
const allow: AllowSettings = {
  allowedSources: undefined,
  allowedTargets: ["placed.azurecr.io", "harbor.example:8443", "localhost:5001", "prod.azurecr.io", "*.azurecr.io"],
  defaultTarget: "localhost:5001",
  namedHosts: ["localhost:5001"],
};
const known = createArmRegistries({ allow, registries: entries, registrySuffix: "azurecr.io" });
const find = (name: string, subscription = "s9", group = "g9") => known.find({ subscription, group, name })?.host;

describe("the registries behind the ARM routes", () => {
  it("are the targets that the settings name exactly, once each", () => {
    expect(known.all.map(({ name, host }) => `${name} ${host}`)).toEqual([
      "localhost5001 localhost:5001",
      "placed placed.azurecr.io",
      "harbor harbor.example:8443",
      "prod prod.azurecr.io",
    ]);
  });

  it("are in the subscription of their resource id, else in the one that is looked at", () => {
    expect(known.subscriptions).toEqual(["s1", ownSubscription]);
    expect(known.list("S1").map(({ name }) => name)).toContain("placed");
    expect(known.list("s2").map(({ name }) => name)).toEqual(["localhost5001", "harbor", "prod"]);
    const [first] = known.list("s2");
    expect(first && formatRegistryResourceId(resourceIdOf(first, { subscription: "s2" }))).toBe(
      "/subscriptions/s2/resourceGroups/drayage/providers/Microsoft.ContainerRegistry/registries/localhost5001",
    );
  });

  it.each([
    ["placed", "placed.azurecr.io"],
    ["HARBOR", "harbor.example:8443"],
    ["localhost5001", "localhost:5001"],
    ["localhost:5001", "localhost:5001"],
    ["prod.azurecr.io", "prod.azurecr.io"],
    ["other", "other.azurecr.io"], // by the wildcard
    ["source.example", undefined], // a source only
    ["a b", undefined],
    ["", undefined],
  ])("are found by the name %j as %s", (name, host) => {
    expect(find(name)).toBe(host);
  });

  it("are told apart by subscription and group where two have one name", () => {
    const id = (group: string) => placedId.replace("g1", group);
    const two = createArmRegistries({
      allow: { ...allow, allowedTargets: ["placed.azurecr.io", "placed.azurecr.cn"] },
      registries: createRegistries(
        [
          { host: "placed.azurecr.io", auth: anonymous, resourceId: id("g1") },
          { host: "placed.azurecr.cn", auth: anonymous, resourceId: id("g2") },
        ],
        undefined,
      ),
      registrySuffix: "azurecr.io",
    });

    expect(two.find({ subscription: "s1", group: "G2", name: "placed" })?.host).toBe("placed.azurecr.cn");
    expect(two.find({ subscription: "s7", group: "g7", name: "placed" })?.host).toBe("placed.azurecr.io");
  });

  it("come with a subscription even when there is none", () => {
    const none = createArmRegistries({
      allow: { ...allow, allowedTargets: undefined, defaultTarget: undefined },
      registries: createRegistries([], undefined),
      registrySuffix: "azurecr.io",
    });

    expect(none.all).toEqual([]);
    expect(none.subscriptions).toEqual([ownSubscription]);
  });
});

describe("parseRegistryResourceId", () => {
  it("reads what it writes, in any case", () => {
    const id = { subscription: "s", group: "my.group_(1)", name: "prod" };

    expect(parseRegistryResourceId(formatRegistryResourceId(id))).toEqual(id);
    expect(parseRegistryResourceId(formatRegistryResourceId(id).toLowerCase())).toEqual(id);
  });

  it.each(["", "prod", "/subscriptions/s", placedId.replace("registries", "webhooks"), `${placedId}/x`])(
    "reads nothing of %j",
    (text) => {
      expect(parseRegistryResourceId(text)).toBeUndefined();
    },
  );
});

describe("parseImportImage", () => {
  const settings: RequestSettings = {
    defaultTarget: "localhost:5001",
    defaultConflict: "fail",
    defaultTimeoutSeconds: 60,
    registrySuffix: "azurecr.io",
    registries: entries,
  };
  const parse = (body: unknown) => parseImportImage(body, "prod.azurecr.io", settings, known);
  const source = { registryUri: "docker.io", sourceImage: "library/alpine:3.20" };

  it("sends the image to the registry of the path, and fails for tags that exist", () => {
    expect(parse({ source, targetTags: ["alpine:3.20"], mode: "NoForce" }).spec).toMatchObject({
      source: { registry: "docker.io", repository: "library/alpine", tag: "3.20" },
      target: { registry: "prod.azurecr.io", tags: [{ repository: "alpine", tag: "3.20" }] },
      conflict: "fail",
    });
    expect(parse({ source }).spec.conflict).toBe("fail");
    expect(parse({ source, mode: "FORCE" }).spec.conflict).toBe("overwrite");
  });

  it("takes credentials, untagged repositories and null for nothing", () => {
    const credentials = { username: "u", password: "p" };
    const body = { source: { ...source, credentials, resourceId: null }, untaggedTargetRepositories: ["a"] };

    expect(parse({ ...body, targetTags: null, mode: null })).toMatchObject({
      credentials,
      spec: { target: { tags: [], untaggedRepositories: ["a"] } },
    });
  });

  it.each([
    [placedId, "placed.azurecr.io", {}],
    [placedId.replace("placed", "localhost5001"), "localhost:5001", {}], // as the list of registries shows it
    [
      placedId.replace("placed", "src"),
      "src.azurecr.io",
      { resourceId: placedId.replace("placed", "src"), isAssumed: true },
    ],
  ])("reads the resource id %s as %s", (resourceId, registry, more) => {
    const parsed = parse({ source: { resourceId, sourceImage: "team/app:1" } });

    expect(parsed.spec.source).toEqual({ registry, repository: "team/app", tag: "1", ...more });
  });

  it("refuses a resource id together with credentials", () => {
    const body = { source: { resourceId: placedId, sourceImage: "a", credentials: { username: "u", password: "p" } } };

    expect(refusal(() => parse(body)).toWire()).toMatchObject({
      code: "INVALID_REQUEST",
      property: "source.credentials",
    });
  });

  it("repeats no value of a body that it refuses", () => {
    const body = { source: { ...source, credentials: { username: "u", password: "hunter2", pwd: "hunter3" } } };

    expect(JSON.stringify(refusal(() => parse(body)).toWire())).not.toMatch(/hunter/);
  });
});

describe("ARM's error body", () => {
  const wire = (code: ErrorCode, retryable = false) => new ImportError({ code, what: "no", retryable }).toWire();
  const target = { subscription: "s", group: "g", name: "prod" };
  const record = aRecord({});

  it.each(errorCodes)("has ARM's form for %s, and Drayage's code in it", (code) => {
    const { status, body } = requestFailure(wire(code));

    expect(() => armErrorSchema.parse(body)).not.toThrow();
    expect(status).toBeGreaterThanOrEqual(400);
    expect(body.error.details.map((detail) => detail.code)).toEqual([code]);
  });

  it.each(errorCodes)("of an operation that failed with %s has a status that no client asks again for", (code) => {
    for (const retryable of [false, true]) {
      const { status, body } = operationFailure(record, wire(code, retryable), target);

      expect(status).toBeLessThan(500);
      expect([408, 429]).not.toContain(status);
      expect(body.error.message).toContain(`Operation registries-${record.id} failed. Resource /subscriptions/s/`);
    }
  });

  it("names the tag that exists, of several", () => {
    const spec = {
      ...record.spec,
      target: {
        ...record.spec.target,
        tags: [
          { repository: "a", tag: "1" },
          { repository: "b", tag: "2" },
        ],
      },
    };
    const error = new ImportError({
      code: "TARGET_TAG_EXISTS",
      what: `tag exists: b:2 (${digestNamed("x")})`,
    }).toWire();

    expect(operationFailure({ ...record, spec }, error, target)).toMatchObject({
      status: 409,
      body: {
        error: { code: "Conflict", message: expect.stringContaining("Tag b:2 already exists in target registry.") },
      },
    });
  });
});

describe("an operation", () => {
  it("tells of every manifest by repository and digest", () => {
    const digest = digestNamed("m");
    const part = { kind: "manifest", target: 0, digest, sizeBytes: 1, mediaType: "m", state: "pending" } as const;
    const record = aRecord({ state: "Copying" });
    const [first] = record.spec.target.tags;

    expect(operationBody(record, [part])).toEqual({
      [`${first?.repository}@${digest}`]: "Pending",
      status: "Accepted",
    });
    expect(operationBody({ ...record, state: "Succeeded" }, [part])).toMatchObject({ status: "Succeeded" });
  });

  it("is to be looked at less often the longer it runs", () => {
    const record = aRecord({ createdAt: "2026-01-01T00:00:00.000Z" });
    const asked = (seconds: number) =>
      retryAfterSeconds(record, new Date(Date.parse(record.createdAt) + seconds * 1_000));

    expect([asked(0), asked(60), asked(3_600)]).toEqual([1, 5, 10]);
  });
});
