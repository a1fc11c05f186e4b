import { createHash } from "node:crypto";
import { z } from "zod";

const digestPattern = /^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/; // OCI image-spec, "Digests": registered algorithms

export const digestSchema = z.string().regex(digestPattern, "not a sha256 or sha512 digest").brand<"Digest">();
/** A content digest, `sha256:…` or `sha512:…`; neither a plain string nor a tag passes for one. */
export type Digest = z.infer<typeof digestSchema>;

/** The digest in `text`, or undefined when it is none of a registered algorithm. */
export function parseDigest(text: string): Digest | undefined {
  const parsed = digestSchema.safeParse(text);
  return parsed.success ? parsed.data : undefined;
}

/** Hashes content bit by bit; `digest()` may be called once. */
export interface Hasher {
  readonly update: (chunk: Uint8Array) => void;
  readonly digest: () => Digest;
}

/** A hasher of the algorithm that `want` is of (node:crypto: it cannot be saved across processes). */
export function createHasher(want: Digest): Hasher {
  const algorithm = algorithmOf(want);
  const hash = createHash(algorithm);
  return {
    update: (chunk) => {
      hash.update(chunk);
    },
    digest: () => digestSchema.parse(`${algorithm}:${hash.digest("hex")}`),
  };
}

/** The digest of whole content, with the algorithm of `like` (default sha256). */
export function digestOf(content: Uint8Array, like?: Digest): Digest {
  const algorithm = like === undefined ? "sha256" : algorithmOf(like);
  return digestSchema.parse(`${algorithm}:${createHash(algorithm).update(content).digest("hex")}`);
}

/** First 12 hex digits, for people: `sha256:0123456789ab`. */
export function shortDigest(digest: Digest): string {
  const [algorithm = "", hex = ""] = digest.split(":");
  return `${algorithm}:${hex.slice(0, 12)}`;
}

/** The algorithm that a digest is of. */
export function algorithmOf(digest: Digest): "sha256" | "sha512" {
  return digest.startsWith("sha512:") ? "sha512" : "sha256";
}
