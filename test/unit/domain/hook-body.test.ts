import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readHookBody } from "../../../src/domain/hook-body.ts";
import { hookKinds } from "../../../src/domain/hook-kinds.ts";
import { parseHookSecrets } from "../../../src/domain/hook-secrets.ts";
import { digestNamed } from "./records.ts";

const digest = digestNamed("pushed");

const dockerHub = {
  callback_url: "https://registry.hub.docker.com/u/svendowideit/testhook/hook/2141b5bi5i5b02bec211i4eeih0242eg11000a/",
  push_data: { images: [], pushed_at: 1.417566161e9, pusher: "trustedbuilder", tag: "latest" },
  repository: { name: "testhook", namespace: "svendowideit", repo_name: "svendowideit/testhook", status: "Active" },
};

const harborData = {
  resources: [{ digest, tag: "v1", resource_url: "hub.harbor.com/test-webhook/debian:v1" }],
  repository: { date_created: 1586922308, name: "debian", repo_full_name: "test-webhook/debian", repo_type: "private" },
};
const harbor = { type: "PUSH_ARTIFACT", occur_at: 1586922308, operator: "admin", event_data: harborData };
const harborCloud = {
  ...{ specversion: "1.0", id: "66c1", source: "/projects/1/webhook/policies/1", type: "harbor.artifact.pushed" },
  ...{ time: "2023-04-03T06:50:33Z", data: harborData, operator: "admin" },
};

const distributionEvent = {
  id: "320678d8",
  timestamp: "2006-01-02T15:04:05Z",
  action: "push",
  target: {
    ...{
      mediaType: "application/vnd.docker.distribution.manifest.v2+json",
      length: 1,
      digest,
      repository: "library/test",
    },
    ...{ url: "http://example.com/v2/library/test/manifests/latest", tag: "latest" },
  },
  request: { id: "6df2", addr: "client.local", host: "registrycluster.local", method: "PUT", useragent: "test/0.1" },
  source: { addr: "hostname.local:port" },
};
const recent = { ...distributionEvent, timestamp: "2026-01-02T15:04:05Z" };

describe("readHookBody", () => {
  it("reads Docker Hub's pushes, which have no digest", () => {
    expect(readHookBody("dockerhub", dockerHub, undefined)).toEqual([
      {
        kind: "push",
        event: {
          ...{ registry: "docker.io", repository: "svendowideit/testhook", tag: "latest" },
          ...{ occurredAt: new Date(1417566161000), eventId: expect.stringMatching(/^[0-9a-f]{64}$/) },
        },
      },
    ]);
  });

  it("finds official images of Docker Hub under library/", () => {
    const body = { ...dockerHub, repository: { repo_name: "nginx" } };

    expect(readHookBody("dockerhub", body, undefined)).toMatchObject([{ event: { repository: "library/nginx" } }]);
  });

  it.each([
    ["plainly", harbor, "2020-04-15T03:45:08.000Z"],
    ["as CloudEvents", harborCloud, "2023-04-03T06:50:33.000Z"],
  ])("reads Harbor's pushes, told %s", (_, body, time) => {
    expect(readHookBody("harbor", body, undefined)).toMatchObject([
      {
        kind: "push",
        event: {
          registry: "hub.harbor.com",
          repository: "test-webhook/debian",
          tag: "v1",
          digest,
          occurredAt: new Date(time),
        },
      },
    ]);
  });

  it("takes a digest in the place of Harbor's tag for a push without tag", () => {
    const resources = [{ digest, tag: digest, resource_url: `hub.harbor.com/test-webhook/debian@${digest}` }];
    const [read] = readHookBody("harbor", { ...harbor, event_data: { ...harborData, resources } }, undefined);

    expect(read?.kind === "push" && "tag" in read.event).toBe(false);
    expect(read).toMatchObject({ kind: "push", event: { digest } });
  });

  it("reads distribution's pushes of manifests, and leaves blobs, pulls and nonsense", () => {
    const events = [
      recent,
      { ...recent, action: "pull" },
      { ...recent, target: { ...recent.target, mediaType: "application/octet-stream" } },
      { nonsense: 1 },
    ];

    const read = readHookBody("distribution", { events }, undefined);

    expect(read.map(({ kind }) => kind)).toEqual(["push", "ignored", "ignored", "ignored"]);
    expect(read[0]).toMatchObject({
      event: { registry: "registrycluster.local", repository: "library/test", tag: "latest" },
    });
  });

  it("takes the registry's host from the address of the hook where that names one", () => {
    const told = [
      ...readHookBody("distribution", { events: [recent] }, "registry.example"),
      ...readHookBody("harbor", harbor, "registry.example"),
    ];

    expect(told).toMatchObject([
      { event: { registry: "registry.example" } },
      { event: { registry: "registry.example" } },
    ]);
  });

  it.each([
    ["a deletion at Harbor", "harbor", { ...harbor, type: "DELETE_ARTIFACT" }],
    ["another product's body", "harbor", dockerHub],
    ["another product's body", "dockerhub", harbor],
    ["another product's body", "distribution", harbor],
    ["a time out of reach", "dockerhub", { ...dockerHub, push_data: { pushed_at: 1e300, tag: "1" } }],
  ] as const)("ignores %s: %s", (_, kind, body) => {
    expect(readHookBody(kind, body, undefined)).toMatchObject([{ kind: "ignored" }]);
  });

  it("never throws", () => {
    const body = fc.oneof(
      fc.jsonValue(),
      fc.jsonValue().map((data) => ({ ...harbor, event_data: data })),
      fc.jsonValue().map((events) => ({ events })),
    );
    fc.assert(
      fc.property(fc.constantFrom(...hookKinds), body, (kind, value) => {
        expect(Array.isArray(readHookBody(kind, value, undefined))).toBe(true);
      }),
    );
  });
});

describe("parseHookSecrets", () => {
  const secret = "0123456789abcdef";

  it.each([
    ["a list", `acr:${secret},harbor:${secret}:1,acr:another-${secret}`],
    ["JSON", JSON.stringify({ acr: [secret, `another-${secret}`], harbor: `${secret}:1` })],
  ])("reads %s", (_, text) => {
    expect(parseHookSecrets(text)).toEqual({
      secrets: { acr: [secret, `another-${secret}`], harbor: [`${secret}:1`] },
      problems: [],
    });
  });

  it.each([
    ["a kind that is none", `quay:${secret}`, "none of the kinds"],
    ["a short secret", "acr:short", "fewer than 16"],
    ["a secret that no header can hold", `acr:${secret} x`, "no header"],
    ["broken JSON", `{"acr":"${secret}`, "expected"],
    ["a list without kinds", secret, "none of the kinds"],
  ])("refuses %s without repeating it", (_, text, problem) => {
    const { problems } = parseHookSecrets(text);

    expect(problems).toEqual([expect.stringContaining(problem)]);
    expect(problems.join()).not.toContain(secret);
  });
});
