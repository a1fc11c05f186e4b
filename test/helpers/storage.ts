import { randomUUID } from "node:crypto";
import { type Digest, parseDigest } from "../../src/digest.ts";
import { blobAnswer } from "../../src/local/registry/blobs.ts";
import { type Answer, type Handle, Refusal } from "../../src/local/registry/call.ts";
import type { Content } from "../../src/local/registry/content.ts";

export interface SignedUrlOptions {
  /** How many requests the URL serves. Default: any number. */
  readonly uses?: number;
  /** How long it serves, in ms. Default: always. */
  readonly lifetimeMs?: number;
  /** `refused`: 400 when an Authorization header comes along, as S3 does it. Default: it is only recorded. */
  readonly authorization?: "refused" | "recorded";
}

/** The storage service behind a registry: serves blobs by signed URLs, on a port of its own. */
export interface Storage {
  readonly sign: (digest: Digest, options: SignedUrlOptions) => string;
  readonly handle: Handle;
}

interface Grant {
  readonly digest: Digest;
  readonly options: SignedUrlOptions;
  readonly signedAtMs: number;
  uses: number;
}

export function createStorage(content: () => Content, origin: () => string): Storage {
  const grants = new Map<string, Grant>();
  return {
    sign: (digest, options) => {
      const signature = randomUUID();
      grants.set(signature, { digest, options, signedAtMs: Date.now(), uses: 0 });
      return `${origin()}/storage/${digest}?sig=${signature}`;
    },
    handle: async (call) => {
      const grant = grants.get(call.query.get("sig") ?? "");
      if (grant === undefined || parseDigest(call.path.slice("/storage/".length)) !== grant.digest) return denied();
      if (grant.options.authorization === "refused" && call.headers.authorization !== undefined)
        return storageError(400, "InvalidArgument", "Only one auth mechanism allowed");
      grant.uses += 1;
      const { uses = Number.POSITIVE_INFINITY, lifetimeMs = Number.POSITIVE_INFINITY } = grant.options;
      if (grant.uses > uses || Date.now() - grant.signedAtMs > lifetimeMs) return denied();
      const sizeBytes = await content().sizeOf(grant.digest);
      if (sizeBytes === undefined) return storageError(404, "BlobNotFound", "The specified blob does not exist");
      try {
        return blobAnswer(call, grant.digest, sizeBytes, (range) => content().read(grant.digest, range));
      } catch (thrown) {
        if (thrown instanceof Refusal) return thrown.answer;
        throw thrown;
      }
    },
  };
}

function denied(): Answer {
  return storageError(403, "AuthenticationFailed", "Request has expired");
}

function storageError(status: number, code: string, message: string): Answer {
  const body = new TextEncoder().encode(
    `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`,
  );
  return { kind: "answer", status, headers: { "content-type": "application/xml" }, body };
}
