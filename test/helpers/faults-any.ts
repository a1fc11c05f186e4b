import { setTimeout as sleep } from "node:timers/promises";
import { type Answer, type Call, refusal } from "../../src/local/registry/call.ts";
import { changeBody, closedOf, type Fault, type FaultMatch, fault, withoutHeaders } from "./faults.ts";

/** Faults that a source and a target can have alike. Without a `kind` they meet every request. */

/** 429, with `retryAfter` as the raw header: seconds, a date, a fraction, `880.092µs`; undefined: without one. */
export function rateLimited(match: FaultMatch & { readonly retryAfter: string | undefined }): Fault {
  const headers: Record<string, string> = match.retryAfter === undefined ? {} : { "retry-after": match.retryAfter };
  return fault("rateLimited", match, async () => refusal(429, "TOOMANYREQUESTS", "too many requests", headers));
}

/** A `Retry-After` date that lies `seconds` ahead. */
export function retryAfterDate(seconds: number): string {
  return new Date(Date.now() + seconds * 1_000).toUTCString();
}

/** Any error answer, e.g. a burst of 503. `retryAfter` as in {@link rateLimited}. */
export function failing(
  match: FaultMatch & {
    readonly status: number;
    readonly code?: string;
    readonly message?: string;
    readonly retryAfter?: string;
  },
): Fault {
  const { status, code = "UNKNOWN", message = "the request fails", retryAfter } = match;
  const headers: Record<string, string> = retryAfter === undefined ? {} : { "retry-after": retryAfter };
  return fault("failing", match, async () => refusal(status, code, message, headers));
}

/** Destroys the connection before the registry has seen the request. */
export function hangUp(match: FaultMatch): Fault {
  return fault("hangUp", match, async () => ({ kind: "hang-up" }));
}

/** The registry does what it was asked to, but the connection is destroyed before the answer. Default: closing PUTs. */
export function loseAnswer(match: FaultMatch): Fault {
  return fault("loseAnswer", { kind: "upload-put", ...match }, async (call, next) => {
    await next(call);
    return { kind: "hang-up" };
  });
}

/** Never answers, with the connection open. */
export function silent(match: FaultMatch): Fault {
  return fault("silent", match, async (call) => {
    await closedOf(call);
    return { kind: "hang-up" };
  });
}

/** Answers `ms` late: for latency in benchmarks. Where a test must be sure of the order, `hold` serves it better. */
export function late(match: FaultMatch & { readonly ms: number }): Fault {
  return fault("late", match, async (call, next) => {
    const result = await next(call);
    await waitFor(match.ms, call);
    return result;
  });
}

/** Body bytes per second of one connection, in one direction. */
export function rateLimit(
  match: FaultMatch & { readonly bytesPerSecond: number; readonly direction: "sent" | "received" },
): Fault {
  const freeAtMs = new Map<number, number>(); // by connection: when the bytes so far will have passed
  const pace = async function* (call: Call, content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const pieceBytes = Math.max(1, Math.floor(match.bytesPerSecond / 50));
    for await (const chunk of content) {
      for (let at = 0; at < chunk.byteLength; at += pieceBytes) {
        const piece = chunk.subarray(at, at + pieceBytes);
        const start = Math.max(Date.now(), freeAtMs.get(call.connection) ?? 0);
        freeAtMs.set(call.connection, start + (piece.byteLength / match.bytesPerSecond) * 1_000);
        if (start > Date.now()) await waitFor(start - Date.now(), call);
        yield piece;
      }
    }
  };
  return fault("rateLimit", match, async (call, next) => {
    if (match.direction === "received") return await next({ ...call, content: pace(call, call.content) });
    return changeBody(await next(call), (body) => pace(call, body));
  });
}

/** Every token is refused after so many requests: 401 with the registry's own challenge. */
export function tokensWearOut(match: FaultMatch & { readonly afterRequests: number }): Fault {
  const uses = new Map<string, number>();
  return fault("tokensWearOut", match, async (call, next) => {
    const token = call.headers.authorization;
    if (token === undefined || call.route.kind === "token") return await next(call);
    const used = (uses.get(token) ?? 0) + 1;
    uses.set(token, used);
    if (used <= match.afterRequests) return await next(call);
    const challenged: Answer = await next(withoutHeaders(call, ["authorization"]));
    return challenged.kind === "answer" && challenged.status === 401
      ? challenged
      : refusal(401, "UNAUTHORIZED", "the token is no longer valid");
  });
}

async function waitFor(ms: number, call: Call): Promise<void> {
  await sleep(ms, undefined, { signal: call.closed });
}

/** Names another place to go on at: a redirect of a download, the Location of an upload that is not begun here. */
export function leadAway(match: FaultMatch & { readonly status: 202 | 307; readonly url: string }): Fault {
  return fault("leadAway", match, async () => ({
    kind: "answer",
    status: match.status,
    headers: { location: match.url, "content-length": "0" },
  }));
}
