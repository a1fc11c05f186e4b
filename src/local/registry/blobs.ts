import type { Digest } from "../../digest.ts";
import { type Answer, answer, type Call, Refusal } from "./call.ts";
import type { Catalog } from "./catalog.ts";
import type { ByteRange, Content } from "./content.ts";

export interface BlobsDeps {
  readonly catalog: Catalog;
  readonly content: Content;
}

/** Answers HEAD, GET and DELETE of a blob; ranges as RFC 9110, "Range Requests" has them (one range at most). */
export function createBlobs({ catalog, content }: BlobsDeps) {
  return async (call: Call, repository: string, digest: Digest): Promise<Answer> => {
    const isLinked = catalog.repositories.get(repository)?.blobs.has(digest) ?? false;
    const sizeBytes = isLinked ? await content.sizeOf(digest) : undefined;
    if (sizeBytes === undefined) throw new Refusal(404, "BLOB_UNKNOWN", `blob ${digest} is not in ${repository}`);
    if (call.method === "DELETE") {
      await catalog.change({ kind: "blob-gone", repository, digest });
      return answer(202);
    }
    if (call.method !== "GET" && call.method !== "HEAD") throw new Refusal(405, "UNSUPPORTED", "not supported");
    return blobAnswer(call, digest, sizeBytes, (range) => content.read(digest, range));
  };
}

/** The whole blob, or the one part of it that the call asks for. */
export function blobAnswer(
  call: Call,
  digest: Digest,
  sizeBytes: number,
  read: (range: ByteRange) => AsyncIterable<Uint8Array>,
): Answer {
  const headers = {
    "content-type": "application/octet-stream",
    "docker-content-digest": digest,
    "accept-ranges": "bytes",
    etag: `"${digest}"`,
  };
  const range = rangeAsked(call, headers.etag, sizeBytes);
  if (range === "unsatisfiable") {
    const beyond = { "content-range": `bytes */${sizeBytes}` };
    throw new Refusal(416, "RANGE_INVALID", "the range is beyond the blob", beyond);
  }
  const { startBytes, endBytes } = range ?? { startBytes: 0, endBytes: sizeBytes };
  return {
    kind: "answer",
    status: range === undefined ? 200 : 206,
    headers: {
      ...headers,
      "content-length": String(endBytes - startBytes),
      ...(range === undefined ? {} : { "content-range": `bytes ${startBytes}-${endBytes - 1}/${sizeBytes}` }),
    },
    body: read({ startBytes, endBytes }),
  };
}

function rangeAsked(
  { method, headers }: Call,
  etag: string,
  sizeBytes: number,
): ByteRange | "unsatisfiable" | undefined {
  const ifRange = headers["if-range"];
  if (method !== "GET" || headers.range === undefined || (ifRange !== undefined && ifRange !== etag)) return undefined;
  return parseRange(headers.range, sizeBytes);
}

/** The part of a blob that a `Range` header asks for; undefined: the whole, as for a header that is no single range. */
export function parseRange(header: string, sizeBytes: number): ByteRange | "unsatisfiable" | undefined {
  const [, first = "", last = ""] = /^bytes=(\d*)-(\d*)$/.exec(header.trim()) ?? [];
  if (first === "" && last === "") return undefined;
  if (first === "") {
    const suffixBytes = Math.min(Number(last), sizeBytes);
    return suffixBytes === 0 ? "unsatisfiable" : { startBytes: sizeBytes - suffixBytes, endBytes: sizeBytes };
  }
  const startBytes = Number(first);
  if (last !== "" && Number(last) < startBytes) return undefined; // not a valid range: to be ignored
  if (startBytes >= sizeBytes) return "unsatisfiable";
  return { startBytes, endBytes: last === "" ? sizeBytes : Math.min(sizeBytes, Number(last) + 1) };
}
