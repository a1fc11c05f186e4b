import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRegistries } from "../../../src/domain/registries.ts";
import { readAcrHook, readRegistryEvent, registryOf } from "../../../src/domain/registry-event.ts";
import { acrPush, cloudEvent, eventGridEvent } from "../../helpers/push-events.ts";
import { digestNamed } from "./records.ts";

const names = { registries: createRegistries([], undefined), registrySuffix: "azurecr.io" };
const digest = digestNamed("pushed");
const pushed = { host: "jolovcr.azurecr.io", repository: "samples/nginx", tag: "latest", digest };
const read = (body: unknown) => readRegistryEvent(body, names);

const event = {
  registry: "jolovcr.azurecr.io",
  repository: "samples/nginx",
  tag: "latest",
  digest,
  mediaType: "application/vnd.docker.distribution.manifest.v2+json",
  occurredAt: new Date("2026-03-01T12:00:00.468Z"),
  eventId: "c25fdb80-ebbd-4dd0-a29c-a7349e6388f6",
};

describe("readRegistryEvent", () => {
  it.each<[string, unknown, object]>([
    ["Event Grid's own schema", eventGridEvent(pushed), {}],
    ["CloudEvents 1.0", cloudEvent(pushed), { eventId: "another-id" }],
    ["an old event", { ...eventGridEvent(pushed), eventType: "ImagePushed", dataVersion: "1.0" }, {}],
    ["data as text", { ...cloudEvent(pushed), data: JSON.stringify(acrPush(pushed)) }, { eventId: "another-id" }],
    ["unknown properties", { ...eventGridEvent(pushed), more: { x: 1 } }, {}],
    ["a host of one region", eventGridEvent({ ...pushed, host: "jolovcr.westeurope.geo.azurecr.io" }), {}],
    ["a registry elsewhere", eventGridEvent({ ...pushed, host: "Localhost:5000" }), { registry: "localhost:5000" }],
  ])("reads %s", (_, body, differs) => {
    expect(read(body)).toEqual({ kind: "push", event: { ...event, ...differs } });
  });

  it("reads a push without tag", () => {
    const { tag: _, ...untagged } = pushed;

    expect(read(eventGridEvent(untagged))).toEqual({
      kind: "push",
      event: Object.fromEntries(Object.entries(event).filter(([name]) => name !== "tag")),
    });
  });

  it("finds the registry of a chart, which has no request, by its topic", () => {
    const { request: _, ...data } = acrPush({ ...pushed, tag: "mychart-1.0.0.tgz" });
    const chart = {
      ...eventGridEvent(pushed),
      eventType: "Microsoft.ContainerRegistry.ChartPushed",
      topic: "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/MyReg",
      data: { ...data, action: "chart_push" },
    };

    expect(read(chart)).toMatchObject({
      kind: "push",
      event: { registry: "myreg.azurecr.io", tag: "mychart-1.0.0.tgz" },
    });
  });

  const data = acrPush(pushed);
  it.each<[string, unknown, string]>([
    [
      "a deletion",
      { ...eventGridEvent(pushed), eventType: "Microsoft.ContainerRegistry.ImageDeleted" },
      "ImageDeleted",
    ],
    ["another service's event", { eventType: "Microsoft.Storage.BlobCreated", data: {} }, "BlobCreated"],
    ["no event", "text", "no event"],
    ["null", null, "no event"],
    ["no data", { ...eventGridEvent(pushed), data: undefined }, "data"],
    [
      "no host and no topic",
      { ...eventGridEvent(pushed), topic: "", data: { ...data, request: undefined } },
      "registry",
    ],
    ["a host that is none", eventGridEvent({ ...pushed, host: "http://x/y" }), "registry"],
    ["no repository", { ...eventGridEvent(pushed), data: { ...data, target: { digest } } }, "repository"],
    ["a bad repository", eventGridEvent({ ...pushed, repository: "Team/App" }), "repository"],
    ["a bad digest", eventGridEvent({ ...pushed, digest: "sha256:12" }), "digest"],
    ["a bad tag", eventGridEvent({ ...pushed, tag: "a b" }), "tag"],
    [
      "neither tag nor digest",
      { ...eventGridEvent(pushed), data: { ...data, target: { repository: "a" } } },
      "neither",
    ],
    ["no time", { ...cloudEvent(pushed), time: undefined, data: { ...data, timestamp: "soon" } }, "when"],
    ["a time out of reach", eventGridEvent({ ...pushed, at: "+099999-01-01T00:00:00Z" }), "when"],
  ])("ignores %s and says why", (_, body, reason) => {
    expect(read(body)).toEqual({ kind: "ignored", reason: expect.stringContaining(reason) });
  });

  it("never throws", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (value, target) => {
        expect(["push", "ignored"]).toContain(read(value).kind);
        const odd = { ...eventGridEvent(pushed), data: { ...data, target } };
        expect(["push", "ignored"]).toContain(read(odd).kind);
      }),
    );
  });
});

describe("readAcrHook", () => {
  it("reads the same data without an envelope", () => {
    expect(readAcrHook(acrPush(pushed))).toEqual({ kind: "push", event });
  });

  it.each(["delete", "quarantine", "ping", "chart_delete"])("ignores %s", (action) => {
    expect(readAcrHook({ ...acrPush(pushed), action })).toMatchObject({ kind: "ignored" });
  });
});

describe("registryOf", () => {
  it.each([
    ["index.docker.io", "docker.io"],
    ["Dev.AzureCR.io", "dev.azurecr.io"],
    ["dev.westeurope.data.azurecr.io", "dev.azurecr.io"],
    ["dev-x.chinaeast2.geo.azurecr.cn", "dev-x.azurecr.cn"],
    ["harbor.example:8443", "harbor.example:8443"],
    ["", undefined],
  ])("of %s is %s", (host, registry) => {
    expect(registryOf(host)).toBe(registry);
  });
});
