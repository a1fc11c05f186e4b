import type { Attributes, Meter } from "@opentelemetry/api";
import type { ImportRecord } from "../../domain/import-record.ts";
import type { PartResult } from "../../store/parts.ts";

/** The numbers that Drayage counts and measures; docs/operate.md lists them. */
export interface Meters {
  readonly importEnded: (record: ImportRecord, seconds: number) => void;
  readonly blob: (result: Pick<PartResult, "via" | "ms">) => void;
  readonly request: (seconds: number, attributes: Attributes) => void;
  /** Fields of the log line `registry.retry`. */
  readonly retry: (fields: Readonly<Record<string, unknown>>) => void;
  /** How long a message waited in its queue. */
  readonly queueAge: (seconds: number) => void;
}

/** `meter` is asked for with the first measurement. */
export function createMeters(meter: () => Meter): Meters {
  const once = <T>(create: () => T): (() => T) => {
    let made: T | undefined;
    return () => {
      made ??= create();
      return made;
    };
  };
  const counter = (name: string, unit: string) => once(() => meter().createCounter(name, { unit }));
  const histogram = (name: string) => once(() => meter().createHistogram(name, { unit: "s" }));
  const imports = counter("drayage.imports", "{import}");
  const bytes = counter("drayage.bytes", "By");
  const retries = counter("drayage.registry.retries", "{retry}");
  const importDuration = histogram("drayage.import.duration");
  const blobDuration = histogram("drayage.blob.duration");
  const requestDuration = histogram("http.client.request.duration");
  const queueAge = histogram("drayage.queue.age");
  return {
    importEnded: ({ state, error, trigger, progress }, seconds) => {
      const attributes = { state, trigger: trigger.kind };
      imports().add(1, { ...attributes, ...(error !== undefined && { code: error.code }) });
      importDuration().record(seconds, attributes);
      if (progress === undefined) return;
      for (const via of ["copied", "mounted", "skipped"] as const) bytes().add(progress.bytes[via], { via });
    },
    blob: ({ via, ms }) => blobDuration().record(ms / 1_000, { via }),
    request: (seconds, attributes) => requestDuration().record(seconds, attributes),
    retry: ({ registry, httpStatus, code }) =>
      retries().add(1, {
        "server.address": String(registry),
        code: String(code),
        ...(typeof httpStatus === "number" && { "http.response.status_code": httpStatus }),
      }),
    queueAge: (seconds) => queueAge().record(seconds),
  };
}
