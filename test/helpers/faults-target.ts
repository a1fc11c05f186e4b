import type { Digest } from "../../src/digest.ts";
import { type Answer, type Call, Refusal, refusal } from "../../src/local/registry/call.ts";
import { changeHeaders, closedOf, type Fault, type FaultMatch, fault } from "./faults.ts";

/** Faults of a registry that is pushed to. */

/** Loses the upload session at the `atPatch`-th PATCH: it and all that follow in that session are 404. Default once. */
export function forgetUpload(match: FaultMatch & { readonly atPatch: number }): Fault {
  const where = { kind: "upload-patch", from: match.atPatch, times: 1, ...match } as const;
  return fault("forgetUpload", where, async (call, next) => {
    await next({ ...call, method: "DELETE" });
    return refusal(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry");
  });
}

/** Answers 201 to a PATCH instead of 202, like ECR. */
export function patchAnswers201(match: FaultMatch = {}): Fault {
  return fault("patchAnswers201", { kind: "upload-patch", ...match }, async (call, next) => {
    const result = await next(call);
    return result.kind === "answer" && result.status === 202 ? { ...result, status: 201 } : result;
  });
}

/** 413 to uploads of more than so many bytes in one request, like a proxy with a body limit. */
export function tooLarge(match: FaultMatch & { readonly aboveBytes: number }): Fault {
  const kinds = ["upload-patch", "upload-put", "upload-start"] as const;
  return fault("tooLarge", { kind: kinds, ...match }, async (call, next) => {
    if (Number(call.headers["content-length"] ?? 0) > match.aboveBytes) return proxyRefusal();
    return await next({ ...call, content: limited(call.content, match.aboveBytes) });
  });
}

/** Reads no further after so many bytes of a body, with the connection open. */
export function stopReading(match: FaultMatch & { readonly afterBytes: number }): Fault {
  return fault("stopReading", { kind: ["upload-patch", "upload-put"], ...match }, async (call, next) =>
    next({ ...call, content: stopped(call, match.afterBytes) }),
  );
}

/** Takes no chunks at all, like Google Artifact Registry. */
export function refuseChunks(match: FaultMatch & { readonly status?: number } = {}): Fault {
  return fault("refuseChunks", { kind: "upload-patch", ...match }, async () =>
    refusal(match.status ?? 405, "UNSUPPORTED", "chunked uploads are not supported"),
  );
}

/** Stores at most so many bytes of a PATCH and says so in `Range`. */
export function storeLess(match: FaultMatch & { readonly keepBytes: number }): Fault {
  return fault("storeLess", { kind: "upload-patch", ...match }, async (call, next) =>
    next({ ...call, content: cut(call.content, match.keepBytes) }),
  );
}

/** Stores all bytes of a PATCH, but reports fewer of them in `Range`. */
export function staleRange(match: FaultMatch & { readonly behindBytes: number }): Fault {
  return fault("staleRange", { kind: ["upload-patch", "upload-status"], ...match }, async (call, next) => {
    const result = await next(call);
    const end = rangeEnd(result);
    if (end === undefined) return result;
    return changeHeaders(result, { range: `0-${Math.max(0, end - match.behindBytes)}` });
  });
}

/** Reports the end of a session's first chunk for ever, like ECR. */
export function stuckRange(match: FaultMatch = {}): Fault {
  const ends = new Map<string, number>();
  return fault("stuckRange", { kind: ["upload-patch", "upload-status"], ...match }, async (call, next) => {
    const result = await next(call);
    const end = rangeEnd(result);
    if (end === undefined || call.route.kind !== "upload") return result;
    const first = ends.get(call.route.session) ?? end;
    ends.set(call.route.session, first);
    return changeHeaders(result, { range: `0-${first}` });
  });
}

/** Does not mount: 202 opens a session instead, 403 and 404 refuse the request. */
export function refuseMount(match: FaultMatch & { readonly status: 202 | 401 | 403 | 404 }): Fault {
  return fault("refuseMount", { kind: "mount", ...match }, async (call, next) => {
    if (match.status === 202) return await next({ ...call, query: new URLSearchParams() });
    return refusal(match.status, match.status === 404 ? "NAME_UNKNOWN" : "DENIED", "the blob cannot be mounted");
  });
}

/** Refuses manifests: 405 like an ACR with locked tags, or 400 MANIFEST_BLOB_UNKNOWN. */
export function refuseManifest(match: FaultMatch & { readonly code: keyof typeof manifestRefusals }): Fault {
  const { status, message } = manifestRefusals[match.code];
  return fault("refuseManifest", { kind: "manifest-put", ...match }, async () => refusal(status, match.code, message));
}

const manifestRefusals = {
  REGISTRY_DISALLOWED_OPERATION: {
    status: 405,
    message: "the operation is disallowed on this registry, repository or image",
  },
  MANIFEST_BLOB_UNKNOWN: { status: 400, message: "blob unknown to registry" },
  MANIFEST_INVALID: { status: 400, message: "manifest invalid" },
  TAG_IMMUTABLE: { status: 409, message: "the tag exists and is immutable" },
  DENIED: { status: 403, message: "requested access to the resource is denied" },
} as const;

/** Says that it has a blob which it has not, like a registry whose cache outlives its content. */
export function claimBlob(match: FaultMatch & { readonly sizeBytes: number }): Fault {
  const headers = { "content-length": String(match.sizeBytes) };
  return fault("claimBlob", { kind: "blob-head", ...match }, async (): Promise<Answer> => {
    return { kind: "answer", status: 200, headers };
  });
}

/** The repository does not exist and is not created: 404 NAME_UNKNOWN to everything in it. */
export function missingRepository(match: FaultMatch & { readonly repository: string }): Fault {
  return fault("missingRepository", match, async () =>
    refusal(404, "NAME_UNKNOWN", "repository name not known to registry"),
  );
}

/** Somebody else sets the tag between the answer to a HEAD and the PUT that follows. */
export function tagRace(
  match: FaultMatch & { readonly repository: string; readonly reference: string; readonly digest: Digest },
): Fault {
  const { repository, reference, digest } = match;
  const where = { kind: "manifest-head", times: 1, repository, reference } as const;
  return fault("tagRace", where, async (call, next, { catalog }) => {
    const result = await next(call);
    await catalog.change({ kind: "tag", repository, tag: reference, digest });
    return result;
  });
}

/** Turns `Location` and `Link` paths into whole URLs, or the other way round. */
export function rewriteUrls(match: FaultMatch & { readonly to: "relative" | "absolute" }): Fault {
  return fault("rewriteUrls", match, async (call, next, { url }) => {
    const result = await next(call);
    if (result.kind === "hang-up") return result;
    const rewrite = (text: string): string =>
      match.to === "relative" ? text.replaceAll(url, "") : text.replace(/^(<?)\//, `$1${url}/`);
    const { location, link } = result.headers;
    return changeHeaders(result, {
      ...(location === undefined ? {} : { location: rewrite(location) }),
      ...(link === undefined ? {} : { link: rewrite(link) }),
    });
  });
}

function rangeEnd(result: Answer): number | undefined {
  const end = result.kind === "answer" ? /^0-(\d+)$/.exec(result.headers.range ?? "")?.[1] : undefined;
  return end === undefined ? undefined : Number(end);
}

function proxyRefusal(): Answer {
  const body = new TextEncoder().encode("<html><head><title>413 Request Entity Too Large</title></head></html>");
  return { kind: "answer", status: 413, headers: { "content-type": "text/html" }, body };
}

async function* limited(content: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Uint8Array> {
  let seenBytes = 0;
  for await (const chunk of content) {
    seenBytes += chunk.byteLength;
    if (seenBytes > maxBytes) throw new Refusal(413, "SIZE_INVALID", "the body is too large");
    yield chunk;
  }
}

async function* stopped(call: Call, afterBytes: number): AsyncGenerator<Uint8Array> {
  let seenBytes = 0;
  for await (const chunk of call.content) {
    seenBytes += chunk.byteLength;
    if (seenBytes >= afterBytes) await closedOf(call);
    yield chunk;
  }
}

async function* cut(content: AsyncIterable<Uint8Array>, keepBytes: number): AsyncGenerator<Uint8Array> {
  let leftBytes = keepBytes;
  for await (const chunk of content) {
    if (leftBytes > 0) yield chunk.subarray(0, leftBytes);
    leftBytes = Math.max(0, leftBytes - chunk.byteLength);
  }
}
