import type { Digest } from "../../src/digest.ts";
import type { Answer, Call, Handle } from "../../src/local/registry/call.ts";
import type { Catalog } from "../../src/local/registry/catalog.ts";
import { digestOfCall, kindOf, type RequestKind } from "./requests.ts";
import type { Storage } from "./storage.ts";

/** What faults may use of the registry they are in. */
export interface FaultContext {
  /** The second server, to which blob downloads can be redirected. */
  readonly storage: Storage;
  readonly catalog: Catalog;
  /** Scheme, host and port of the registry. */
  readonly url: string;
}

/** One deviation from a well-behaved registry. It counts the requests it matches: use each value in one registry. */
export interface Fault {
  readonly name: string;
  readonly apply: (call: Call, next: Handle, context: FaultContext) => Promise<Answer>;
}

/** Which requests a fault meets. What is left out matches everything. */
export interface FaultMatch {
  readonly kind?: RequestKind | readonly RequestKind[];
  readonly repository?: string;
  readonly digest?: Digest;
  /** Tag or digest of a manifest. */
  readonly reference?: string;
  readonly when?: (call: Call) => boolean;
  /** The first matching request that is met, counted from 1. Default 1. */
  readonly from?: number;
  /** How many requests are met. Default all. */
  readonly times?: number;
  /** Requests are counted together (default), or apart for every upload session or connection. */
  readonly countedPer?: "registry" | "session" | "connection";
}

/** A fault that does `apply` to the requests that match, and lets all others pass. */
export function fault(name: string, match: FaultMatch, apply: Fault["apply"]): Fault {
  const from = match.from ?? 1;
  const end = from + (match.times ?? Number.POSITIVE_INFINITY);
  const counts = new Map<string, number>();
  return {
    name,
    apply: async (call, next, context) => {
      if (!isMet(match, call)) return await next(call);
      const key = counterOf(match, call);
      const seen = (counts.get(key) ?? 0) + 1;
      counts.set(key, seen);
      return seen >= from && seen < end ? await apply(call, next, context) : await next(call);
    },
  };
}

/** Puts faults around a handler, the first one outermost. */
export function withFaults(faults: readonly Fault[], handle: Handle, context: FaultContext): Handle {
  return faults.reduceRight<Handle>(
    (next, { apply }) =>
      (call) =>
        apply(call, next, context),
    handle,
  );
}

function counterOf({ countedPer }: FaultMatch, call: Call): string {
  if (countedPer === "session") return call.route.kind === "upload" ? call.route.session : "none";
  return countedPer === "connection" ? String(call.connection) : "all";
}

function isMet(match: FaultMatch, call: Call): boolean {
  const kinds = match.kind === undefined ? undefined : [match.kind].flat();
  return (
    (kinds?.includes(kindOf(call)) ?? true) &&
    (match.repository === undefined || ("repository" in call.route && call.route.repository === match.repository)) &&
    (match.digest === undefined || digestOfCall(call) === match.digest) &&
    (match.reference === undefined || (call.route.kind === "manifest" && call.route.reference === match.reference)) &&
    (match.when?.(call) ?? true)
  );
}

/** Changes an answer's body as it leaves; answers without one pass unchanged. `startBytes`: where in the blob it begins. */
export function changeBody(
  result: Answer,
  change: (body: AsyncIterable<Uint8Array>, startBytes: number) => AsyncIterable<Uint8Array>,
): Answer {
  if (result.kind === "hang-up" || result.body === undefined || result.status >= 300) return result;
  const length = result.body instanceof Uint8Array ? { "content-length": String(result.body.byteLength) } : {};
  const startBytes = Number(/^bytes (\d+)-/.exec(result.headers["content-range"] ?? "")?.[1] ?? 0);
  return { ...result, headers: { ...length, ...result.headers }, body: change(toChunks(result.body), startBytes) };
}

/** Changes headers of an answer; undefined removes one. */
export function changeHeaders(result: Answer, change: Readonly<Record<string, string | undefined>>): Answer {
  if (result.kind === "hang-up") return result;
  const headers = new Map(Object.entries(result.headers));
  for (const [name, value] of Object.entries(change)) {
    if (value === undefined) headers.delete(name);
    else headers.set(name, value);
  }
  return { ...result, headers: Object.fromEntries(headers) };
}

/** The same call without some of its headers. */
export function withoutHeaders(call: Call, names: readonly string[]): Call {
  return {
    ...call,
    headers: Object.fromEntries(Object.entries(call.headers).filter(([name]) => !names.includes(name))),
  };
}

/** A body as chunks, whatever it was. */
export async function* toChunks(body: Uint8Array | AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (body instanceof Uint8Array) yield body;
  else yield* body;
}

/** Resolves when the client of the call is gone. */
export function closedOf({ closed }: Call): Promise<void> {
  return new Promise((resolve) => {
    if (closed.aborted) resolve();
    else closed.addEventListener("abort", () => resolve(), { once: true });
  });
}
