import type { Digest } from "../../src/digest.ts";
import type { Answer, Call, Handle } from "../../src/local/registry/call.ts";
import { digestOfCall, kindOf, type RequestKind } from "./requests.ts";
import type { Storage } from "./storage.ts";

/** What faults may use of the registry they are in. */
export interface FaultContext {
  /** The second server, to which blob downloads can be redirected. */
  readonly storage: Storage;
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
}

/** A fault that does `apply` to the requests that match, and lets all others pass. */
export function fault(name: string, match: FaultMatch, apply: Fault["apply"]): Fault {
  const from = match.from ?? 1;
  const end = from + (match.times ?? Number.POSITIVE_INFINITY);
  let seen = 0;
  return {
    name,
    apply: async (call, next, context) => {
      if (!isMet(match, call)) return await next(call);
      seen += 1;
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
