import { randomBytes } from "node:crypto";
import { type Meter, metrics } from "@opentelemetry/api";
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { beforeEach, describe, expect, it } from "vitest";
import { digestOf } from "../../../src/digest.ts";
import { ImportError } from "../../../src/errors.ts";
import type { DurablePort } from "../../../src/functions/durable-port.ts";
import { createTelemetry, type Telemetry } from "../../../src/functions/telemetry/telemetry.ts";
import { createPlannedIds } from "../../../src/functions/telemetry/trace-ids.ts";
import { measuringQueue, tracing } from "../../../src/functions/telemetry/tracing.ts";
import { getBlob } from "../../../src/registry/blobs.ts";
import { rateLimited } from "../../helpers/faults-any.ts";
import { image } from "../../helpers/images.ts";
import { aDigest, anImportId, aRecord } from "../../helpers/import-records.ts";
import { startRegistry } from "../../helpers/registry.ts";
import { createTestClient } from "../../helpers/registry-client.ts";
import { createMemoryLog } from "./memory-stores.ts";

const never = new AbortController().signal;
const importId = anImportId();
const first = { importId, attempt: 1 };

let exporter: InMemorySpanExporter;
let measured: (readonly [string, number, unknown])[];
let telemetry: Telemetry;
beforeEach(() => {
  exporter = new InMemorySpanExporter();
  measured = [];
  telemetry = startTelemetry();
});

/** With the real SDK behind the API: another process has another one. */
function startTelemetry(): Telemetry {
  const ids = createPlannedIds(randomBytes);
  const provider = new BasicTracerProvider({ idGenerator: ids, spanProcessors: [new SimpleSpanProcessor(exporter)] });
  return createTelemetry({ tracer: () => provider.getTracer("test"), meter: () => recordingMeter(), ids });
}

function recordingMeter(): Meter {
  const noop = metrics.getMeter("none");
  const record = (name: string) => (value: number, attributes?: unknown) => {
    measured.push([name, value, attributes]);
  };
  return Object.assign(Object.create(noop), {
    createCounter: (name: string) => ({ add: record(name) }),
    createHistogram: (name: string) => ({ record: record(name) }),
  });
}

const spans = () => exporter.getFinishedSpans();
const spanOf = (name: string) => {
  const found = spans().find((span) => span.name === name);
  if (found === undefined) throw new Error(`no span ${name} among ${spans().map((span) => span.name)}`);
  return found;
};

describe("the trace of an import", () => {
  it("is one, whatever process does its steps, below the span of their attempt", async () => {
    const record = aRecord({ id: importId, state: "Succeeded", finishedAt: "2026-03-01T12:05:00.000Z" });

    await telemetry.step(first, "accept", async () => {});
    const other = startTelemetry();
    await other.step(first, "copyBlobs", async () => ({ kind: "done" }));
    other.importEnded(record);

    const [traceId, spanId] = [spanOf("import").spanContext().traceId, spanOf("import").spanContext().spanId];
    for (const name of ["accept", "copyBlobs"]) {
      expect(spanOf(name).spanContext().traceId).toBe(traceId);
      expect(parentOf(spanOf(name))).toBe(spanId);
    }
    expect(parentOf(spanOf("import"))).toBeUndefined();
    expect(spanOf("copyBlobs").attributes).toMatchObject({
      "drayage.import.id": importId,
      "drayage.import.attempt": 1,
      "drayage.outcome": "done",
    });
  });

  it("has a span of its own for each attempt, from its beginning to its end", () => {
    const ended = { state: "Failed", finishedAt: "2026-03-01T13:00:00.000Z" } as const;
    const error = { code: "TARGET_LOCKED", message: "locked", retryable: false } as const;
    telemetry.importEnded(aRecord({ id: importId, ...ended, error }));
    telemetry.importEnded(
      aRecord({ id: importId, ...ended, error, attempt: 2, deadlineAt: "2026-03-02T12:30:00.000Z" }),
    );

    const [one, two] = spans();
    expect(one?.spanContext().traceId).toBe(two?.spanContext().traceId);
    expect(one?.spanContext().spanId).not.toBe(two?.spanContext().spanId);
    expect(two?.startTime[0]).toBe(Date.parse("2026-03-01T12:30:00.000Z") / 1_000);
    expect(two?.endTime[0]).toBe(Date.parse("2026-03-01T13:00:00.000Z") / 1_000);
    expect(one?.attributes).toMatchObject({ "drayage.import.state": "Failed", "error.type": "TARGET_LOCKED" });
  });

  it("says of a step that failed which code it was, and no more", async () => {
    const error = { code: "SOURCE_NOT_FOUND", message: "https://a.example/x?sig=secret", retryable: false };
    await telemetry.step(first, "resolveImport", async () => ({ kind: "failed", error }));
    const thrown = new ImportError({ code: "STORAGE_UNAVAILABLE", what: "no answer" });
    await expect(telemetry.step(first, "finishImport", () => Promise.reject(thrown))).rejects.toBe(thrown);

    expect(spanOf("resolveImport").attributes["error.type"]).toBe("SOURCE_NOT_FOUND");
    expect(spanOf("finishImport").attributes["error.type"]).toBe("STORAGE_UNAVAILABLE");
    expect(JSON.stringify(spans().map(({ attributes, status }) => [attributes, status]))).not.toContain("secret");
  });

  it("lets a step run that has no import in its input", async () => {
    await tracing(telemetry, "copyBlobs", async () => "ran")({ nonsense: true });

    expect(spans()).toEqual([]);
  });
});

describe("requests to registries", () => {
  it("are spans below the step, with host, method, status, class and bytes, and without path and query", async () => {
    await using registry = await startRegistry();
    const { blobs } = await registry.seedImage("team/app", "1", image({ layers: [5_000] }));
    const layer = blobs.find(({ content }) => content.byteLength === 5_000);
    if (layer === undefined) throw new Error("the image has no such layer");
    await using client = createTestClient({ observe: telemetry.observeRequest });
    const repository = client.repository(registry.host);

    await telemetry.step(first, "copyBlobs", async () => {
      const { content } = await getBlob(repository, { digest: digestOf(layer.content) }, never);
      for await (const _ of content);
    });

    const span = spanOf(`GET ${registry.host}`);
    expect(parentOf(span)).toBe(spanOf("copyBlobs").spanContext().spanId);
    expect(span.attributes).toEqual({
      "http.request.method": "GET",
      "server.address": registry.host,
      "drayage.registry": registry.host,
      "drayage.request.class": "read",
      "drayage.side": "source",
      "http.response.status_code": 200,
      "http.response.body.size": 5_000,
    });
    expect(measured.map(([name]) => name)).toContain("http.client.request.duration");
  });

  it("are a span for every try, and repeats are counted by status", async () => {
    await using registry = await startRegistry({ faults: [rateLimited({ kind: "tags", times: 1, retryAfter: "1" })] });
    await registry.seedImage("team/app", "1", image());
    const { log, lines } = createMemoryLog();
    await using client = createTestClient({ observe: telemetry.observeRequest, log: telemetry.logging(log) });

    await telemetry.step(first, "resolveImport", async () => {
      await using _ = await client
        .repository(registry.host)
        .send({ method: "GET", target: { path: "tags/list" }, accept: [200] }, never);
    });

    const statuses = spans().flatMap(({ attributes }) => attributes["http.response.status_code"] ?? []);
    expect(statuses).toContain(429);
    expect(measured.filter(([name]) => name === "drayage.registry.retries")).toHaveLength(
      lines.filter(({ event }) => event === "registry.retry").length,
    );
    expect(lines.every(({ fields }) => fields.importId === importId)).toBe(true);
  });
});

describe("the numbers", () => {
  it("count an import, with its bytes, when it ends", () => {
    const progress = {
      ...{ manifests: { total: 1, done: 1 }, blobs: { total: 2, done: 2 }, bytesPerSecond: 0 },
      bytes: { total: 60, copied: 10, mounted: 20, skipped: 30 },
    };
    const record = aRecord({ state: "Succeeded", finishedAt: "2026-03-01T12:00:30.000Z", progress });

    telemetry.importEnded(record);

    expect(measured).toEqual([
      ["drayage.imports", 1, { state: "Succeeded", trigger: "http" }],
      ["drayage.import.duration", 30, { state: "Succeeded", trigger: "http" }],
      ["drayage.bytes", 10, { via: "copied" }],
      ["drayage.bytes", 20, { via: "mounted" }],
      ["drayage.bytes", 30, { via: "skipped" }],
    ]);
  });

  it("tell how long a message waited", async () => {
    const onMessage = measuringQueue(
      telemetry,
      async () => {},
      () => new Date("2026-03-01T12:00:40.000Z"),
    );
    const durable: DurablePort = { start: async () => {}, raise: async () => true, state: async () => "missing" };

    await onMessage({}, { insertionTime: "2026-03-01T12:00:00.000Z" }, durable);
    await onMessage({}, {}, durable);

    expect(measured).toEqual([["drayage.queue.age", 40, undefined]]);
  });

  it("know no digest: there would be one series for each", () => {
    telemetry.meters.blob({ via: "copied", ms: 1_500 });

    expect(measured).toEqual([["drayage.blob.duration", 1.5, { via: "copied" }]]);
    expect(JSON.stringify(measured)).not.toContain(aDigest("x"));
  });
});

/** Under the name that either version of the SDK has for it. */
function parentOf(span: object): unknown {
  if ("parentSpanContext" in span && typeof span.parentSpanContext === "object" && span.parentSpanContext !== null)
    return "spanId" in span.parentSpanContext ? span.parentSpanContext.spanId : undefined;
  return "parentSpanId" in span ? span.parentSpanId : undefined;
}
