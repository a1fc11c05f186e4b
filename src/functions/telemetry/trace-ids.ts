import { createHash } from "node:crypto";
import type { ImportAttempt } from "../../domain/accept.ts";

/** Ids of a span, in hexadecimal as W3C Trace Context has them. */
export interface SpanIds {
  readonly traceId: string;
  readonly spanId: string;
}

/**
 * The ids of the span that stands for an attempt of an import. They follow from the import's own id, so that trigger,
 * steps, retries and sweeps in whatever process are of one trace, and no input of an orchestration has to carry it.
 */
export function idsOfAttempt({ importId, attempt }: ImportAttempt): SpanIds {
  return { traceId: hex(importId, 32), spanId: hex(`${importId}-${attempt}`, 16) };
}

function hex(text: string, chars: number): string {
  return createHash("sha256").update(text).digest("hex").slice(0, chars);
}

/** Source of ids for an SDK's tracer; random, but for a span whose ids are planned. */
export interface PlannedIds {
  readonly generateTraceId: () => string;
  readonly generateSpanId: () => string;
  /** Ids of the span that `start` starts. It must have no parent, and `start` must start no other. */
  readonly plan: <T>(ids: SpanIds, start: () => T) => T;
}

export function createPlannedIds(randomBytes: (length: number) => Buffer): PlannedIds {
  let planned: SpanIds | undefined;
  return {
    generateTraceId: () => planned?.traceId ?? randomBytes(16).toString("hex"),
    generateSpanId: () => planned?.spanId ?? randomBytes(8).toString("hex"),
    plan: (ids, start) => {
      planned = ids;
      try {
        return start();
      } finally {
        planned = undefined;
      }
    },
  };
}
