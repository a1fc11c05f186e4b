import { KiB } from "../descriptor.ts";
import type { RequestBody } from "./registry.ts";

/** Content as it is given to the connection. */
export interface WatchedBody {
  readonly content: Uint8Array | AsyncIterable<Uint8Array>;
  /** What the content itself threw: it passes for the reason of the failure, not the broken request. */
  readonly contentFailure: () => { readonly thrown: unknown } | undefined;
}

export interface WatchOptions {
  readonly stallMs: number;
  /** Called when the connection has taken no byte for `stallMs`. Time spent waiting for content does not count. */
  readonly onStall: () => void;
}

/** Largest piece handed to the connection at once, so that a slow one shows progress before it is a stall. */
const pieceBytes = 256 * KiB;

/** Watches a request body on its way out. Chunks are passed on as they are, large ones as views of their pieces. */
export function watchBody({ content }: RequestBody, { stallMs, onStall }: WatchOptions): WatchedBody {
  if (content instanceof Uint8Array && content.byteLength <= pieceBytes) {
    return { content, contentFailure: () => undefined };
  }
  let failure: { readonly thrown: unknown } | undefined;

  async function* watched(): AsyncGenerator<Uint8Array> {
    let isTaking = false; // a chunk is out, and the connection has not asked for the next one
    const timer = setTimeout(() => (isTaking ? onStall() : timer.refresh()), stallMs);
    try {
      for await (const chunk of content instanceof Uint8Array ? [content] : content) {
        for (let at = 0; at < chunk.byteLength; at += pieceBytes) {
          isTaking = true;
          timer.refresh();
          yield chunk.byteLength <= pieceBytes ? chunk : chunk.subarray(at, at + pieceBytes);
          isTaking = false;
        }
      }
    } catch (thrown) {
      failure = { thrown };
      throw thrown;
    } finally {
      clearTimeout(timer);
    }
  }
  return { content: watched(), contentFailure: () => failure };
}
