import { changeBody, changeHeaders, closedOf, type Fault, type FaultMatch, fault, withoutHeaders } from "./faults.ts";
import type { RequestKind } from "./requests.ts";
import type { SignedUrlOptions } from "./storage.ts";

/** Faults of a registry that is pulled from. Without a `kind` they meet blob downloads, redirected ones too. */

const downloads: readonly RequestKind[] = ["blob-get", "storage-get"];

/** Destroys the connection after so many bytes of the body. */
export function truncateBody(match: FaultMatch & { readonly afterBytes: number }): Fault {
  return fault("truncateBody", { kind: downloads, ...match }, async (call, next) =>
    changeBody(await next(call), async function* (body) {
      yield* first(body, match.afterBytes);
      throw new Error("the body ends here");
    }),
  );
}

/** Flips the byte that stands at `atBytes` of the blob, whatever range is asked for. */
export function corruptByte(match: FaultMatch & { readonly atBytes: number }): Fault {
  return fault("corruptByte", { kind: downloads, ...match }, async (call, next) =>
    changeBody(await next(call), async function* (body, startBytes) {
      let offsetBytes = startBytes;
      for await (const chunk of body) {
        const at = match.atBytes - offsetBytes;
        offsetBytes += chunk.byteLength;
        const isHit = at >= 0 && at < chunk.byteLength;
        yield isHit ? chunk.map((byte, place) => (place === at ? byte ^ 0xff : byte)) : chunk;
      }
    }),
  );
}

/** Sends nothing more after so many bytes of the body, with the connection open. */
export function stallBody(match: FaultMatch & { readonly afterBytes: number }): Fault {
  return fault("stallBody", { kind: downloads, ...match }, async (call, next) =>
    changeBody(await next(call), async function* (body) {
      yield* first(body, match.afterBytes);
      await closedOf(call);
    }),
  );
}

/** Answers 200 with the whole blob whatever range was asked for. */
export function ignoreRanges(match: FaultMatch = {}): Fault {
  return fault("ignoreRanges", { kind: downloads, ...match }, async (call, next) => {
    const result = await next(withoutHeaders(call, ["range", "if-range"]));
    return changeHeaders(result, { "accept-ranges": undefined });
  });
}

/** Says of a part that it begins `shiftBytes` further on than it does. */
export function wrongContentRange(match: FaultMatch & { readonly shiftBytes: number }): Fault {
  return fault("wrongContentRange", { kind: downloads, ...match }, async (call, next) => {
    const result = await next(call);
    const header = result.kind === "answer" ? result.headers["content-range"] : undefined;
    const [, start, end, total] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(header ?? "") ?? [];
    if (start === undefined) return result;
    const shift = (text: string | undefined): number => Number(text) + match.shiftBytes;
    return changeHeaders(result, { "content-range": `bytes ${shift(start)}-${shift(end)}/${total}` });
  });
}

/** Redirects blob downloads to the storage server, by a signed URL that may expire. */
export function redirectBlobs(
  match: FaultMatch & SignedUrlOptions & { readonly status?: 302 | 303 | 307 | 308 } = {},
): Fault {
  return fault("redirectBlobs", { kind: "blob-get", ...match }, async (call, next, { storage }) => {
    const result = await next(call);
    if (result.kind === "hang-up" || result.status >= 300 || call.route.kind !== "blob") return result;
    if (call.route.digest === undefined) return result;
    const location = storage.sign(call.route.digest, match);
    return { kind: "answer", status: match.status ?? 307, headers: { location, "content-length": "0" } };
  });
}

async function* first(body: AsyncIterable<Uint8Array>, bytes: number): AsyncGenerator<Uint8Array> {
  let leftBytes = bytes;
  for await (const chunk of body) {
    if (leftBytes === 0) return;
    const piece = chunk.subarray(0, leftBytes);
    leftBytes -= piece.byteLength;
    yield piece;
    if (leftBytes === 0) return;
  }
}
