import { type ErrorPlace, ImportError } from "../errors.ts";
import { codeOf } from "./errors-from-response.ts";
import { networkError } from "./network-error.ts";
import type { RegistryResponse } from "./registry.ts";
import type { WireResponse } from "./transport.ts";

export interface ResponseContext {
  readonly place: ErrorPlace;
  readonly signal: AbortSignal;
  /** Milliseconds of a clock that nobody sets back. */
  readonly elapsedMs: () => number;
  readonly isOwn: boolean;
  /** Called once, when the response holds its connection no longer. */
  readonly onClose: () => void;
}

/** A body that is closed early is read to its end when no more than this is left: that keeps the connection. */
const drainBytes = 64 * 1024;

/** A body that is read as a whole has few bytes: one that comes drop by drop is no stall, and must end all the same. */
export const wholeBodyMs = 60_000;

/** The response as callers see it: errors of its body are those of `place`, and closing it frees what it holds. */
export function createResponse(
  wire: WireResponse,
  { place, signal, elapsedMs, isOwn, onClose }: ResponseContext,
): RegistryResponse {
  wire.body.once("close", onClose);
  let isBeingRead = false;

  async function* content(): AsyncGenerator<Uint8Array> {
    isBeingRead = true;
    try {
      for await (const chunk of wire.body) yield chunk;
    } catch (thrown) {
      signal.throwIfAborted();
      throw networkError(place, wire.url, thrown);
    }
  }

  const bytes = async (maxBytes: number): Promise<Buffer> => {
    const chunks: Uint8Array[] = [];
    let lengthBytes = 0;
    const endMs = elapsedMs() + wholeBodyMs;
    for await (const chunk of content()) {
      lengthBytes += chunk.byteLength;
      if (lengthBytes > maxBytes) throw tooLong(place, maxBytes);
      if (elapsedMs() > endMs) throw tooSlow(place);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks, lengthBytes);
  };

  return {
    status: wire.status,
    url: wire.url.href,
    header: (name) => headerOf(wire, name),
    isOwn,
    content: content(),
    bytes,
    text: async (maxBytes) => (await bytes(maxBytes)).toString("utf8"),
    [Symbol.asyncDispose]: () => (isBeingRead ? abandon(wire) : discard(wire)),
  };
}

/**
 * Gives up a body that somebody reads, and who may stand still in the middle: such a reader keeps it from flowing, so
 * that no rest of it, however short, would ever come. One that has come as a whole leaves its connection as it is.
 */
async function abandon(wire: WireResponse): Promise<void> {
  wire.body.on("error", () => undefined);
  wire.body.destroy();
  await discard(wire);
}

/** Frees the connection of a response whose body is of no interest. */
export async function discard({ body }: WireResponse): Promise<void> {
  body.on("error", () => undefined); // whoever reads the body sees its errors; nobody does any more
  await body.dump({ limit: drainBytes });
}

/** One header by its lower-case name. */
export function headerOf({ headers }: Pick<WireResponse, "headers">, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(", ") : value;
}

/** A header value that counts bytes, undefined when it is none. */
export function parseLength(value: string | undefined): number | undefined {
  return value !== undefined && /^\d{1,15}$/.test(value) ? Number(value) : undefined;
}

function tooLong(place: ErrorPlace, maxBytes: number): ImportError {
  return new ImportError({
    ...place,
    code: codeOf(place, "UNAVAILABLE"),
    what: `an answer is longer than the ${maxBytes} bytes that such answers may have`,
  });
}

function tooSlow(place: ErrorPlace): ImportError {
  return new ImportError({
    ...place,
    code: codeOf(place, "UNAVAILABLE"),
    what: `an answer has not come whole within ${wholeBodyMs / 1_000} s`,
    retryable: true,
  });
}
