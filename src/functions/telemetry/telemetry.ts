import { AsyncLocalStorage } from "node:async_hooks";
import {
  type Attributes,
  type Context,
  type Meter,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import type { ImportAttempt } from "../../domain/accept.ts";
import type { ImportRecord } from "../../domain/import-record.ts";
import { acceptedAt } from "../../domain/import-timeline.ts";
import { ImportError } from "../../errors.ts";
import type { ObserveRequest } from "../../registry/observe-request.ts";
import type { Log } from "../log.ts";
import { createMeters, type Meters } from "./meters.ts";
import { idsOfAttempt, type PlannedIds } from "./trace-ids.ts";

export interface TelemetryDeps {
  /** Of the API, which records nothing until an SDK is registered: asked for with each span, to find it when it is there. */
  readonly tracer: () => Tracer;
  /** The same, asked for with the first measurement. */
  readonly meter: () => Meter;
  readonly ids: Pick<PlannedIds, "plan">;
}

/** What others get to see of the work: spans, numbers, and lines that say which import they are about. */
export interface Telemetry {
  /** Runs a step of an import as a span of its trace; requests and log lines within belong to it. */
  readonly step: <T>(attempt: ImportAttempt, name: string, work: () => Promise<T>) => Promise<T>;
  readonly observeRequest: ObserveRequest;
  /** Writes the span of an attempt that has ended, below which its steps are, and counts it. */
  readonly importEnded: (record: ImportRecord) => void;
  /** Lines that are logged within a step get its `importId`, and repeats of requests are counted. */
  readonly logging: (log: Log) => Log;
  readonly meters: Pick<Meters, "blob" | "queueAge">;
}

/** The step that is running, as everything that it calls sees it. */
interface Scope {
  readonly importId: string;
  readonly context: Context;
}

export function createTelemetry({ tracer, meter, ids }: TelemetryDeps): Telemetry {
  const scopes = new AsyncLocalStorage<Scope>();
  const meters = createMeters(meter);

  const step: Telemetry["step"] = async (attempt, name, work) => {
    const remote = { ...idsOfAttempt(attempt), traceFlags: TraceFlags.SAMPLED, isRemote: true };
    const parent = trace.setSpanContext(ROOT_CONTEXT, remote);
    const attributes = { "drayage.import.id": attempt.importId, "drayage.import.attempt": attempt.attempt };
    const span = tracer().startSpan(name, { attributes }, parent);
    try {
      const scope = { importId: attempt.importId, context: trace.setSpan(parent, span) };
      const result = await scopes.run(scope, work);
      tellOutcome(span, result);
      return result;
    } catch (thrown) {
      tellError(span, thrown instanceof ImportError ? thrown.code : "INTERNAL");
      throw thrown;
    } finally {
      span.end();
    }
  };

  const observeRequest: ObserveRequest = ({ method, registry, host, side, requestClass, sentBytes }) => {
    const startedMs = performance.now();
    const about: Attributes = { "http.request.method": method, "server.address": host };
    const attributes = {
      ...{ ...about, "drayage.registry": registry, "drayage.request.class": requestClass },
      ...(side !== undefined && { "drayage.side": side }),
      ...(sentBytes !== undefined && { "http.request.body.size": sentBytes }),
    };
    const options = { kind: SpanKind.CLIENT, attributes };
    const span = tracer().startSpan(`${method} ${registry}`, options, scopes.getStore()?.context ?? ROOT_CONTEXT);
    return ({ status, code, receivedBytes }) => {
      if (status !== undefined) span.setAttribute("http.response.status_code", status);
      if (receivedBytes !== undefined) span.setAttribute("http.response.body.size", receivedBytes);
      if (code !== undefined) tellError(span, code);
      span.end();
      const outcome = { "http.response.status_code": status, "error.type": code };
      meters.request((performance.now() - startedMs) / 1_000, { ...about, ...outcome });
    };
  };

  const importEnded: Telemetry["importEnded"] = (record) => {
    const { id: importId, attempt, state, error, trigger, spec } = record;
    const finishedAt = Date.parse(record.finishedAt ?? record.createdAt);
    const startedAt = Math.min(acceptedAt(record).getTime(), finishedAt);
    const attributes = {
      ...{ "drayage.import.id": importId, "drayage.import.attempt": attempt, "drayage.import.state": state },
      ...{ "drayage.trigger": trigger.kind },
      ...{ "drayage.source": spec.source.registry, "drayage.target": spec.target.registry },
    };
    const span = ids.plan(idsOfAttempt({ importId, attempt }), () =>
      tracer().startSpan("import", { attributes, startTime: startedAt, root: true }),
    );
    if (state === "Failed") tellError(span, error?.code ?? "INTERNAL");
    span.end(finishedAt);
    meters.importEnded(record, (finishedAt - startedAt) / 1_000);
  };

  const logging: Telemetry["logging"] = (log) => (event, fields) => {
    const importId = scopes.getStore()?.importId;
    log(event, importId === undefined ? fields : { importId, ...fields });
    if (event === "registry.retry") meters.retry(fields);
  };

  return { step, observeRequest, importEnded, logging, meters };
}

/** What steps return is a union by `kind`; of a failure the code is enough, the log has the rest. */
function tellOutcome(span: Span, result: unknown): void {
  if (typeof result !== "object" || result === null || !("kind" in result)) return;
  span.setAttribute("drayage.outcome", String(result.kind));
  if (!("error" in result) || typeof result.error !== "object" || result.error === null) return;
  if (result.kind === "failed" && "code" in result.error) tellError(span, String(result.error.code));
}

function tellError(span: Span, code: string): void {
  span.setAttribute("error.type", code);
  span.setStatus({ code: SpanStatusCode.ERROR, message: code });
}
