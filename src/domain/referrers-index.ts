import { z } from "zod";
import { mediaTypes } from "../descriptor.ts";
import type { Digest } from "../digest.ts";
import { parseJsonBytes } from "../json.ts";

/** An entry of a list of referrers as it is written. */
export interface ReferrerEntry {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

const indexSchema = z.looseObject({
  schemaVersion: z.literal(2),
  mediaType: z.literal(mediaTypes.ociIndex).optional(),
  manifests: z.array(z.looseObject({ digest: z.string() })),
});

/**
 * The list with these entries added; entries that are there stay as they are, whoever wrote them. Undefined: nothing is
 * missing. `"foreign"`: what the tag holds is no such list.
 */
export function addReferrers(
  current: Uint8Array | undefined,
  entries: readonly ReferrerEntry[],
): Uint8Array | undefined | "foreign" {
  const empty = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [] };
  const index = indexSchema.safeParse(current === undefined ? empty : parseJsonBytes(current));
  if (!index.success) return "foreign";
  const listed = new Set(index.data.manifests.map(({ digest }) => digest));
  const missing = entries.filter(({ digest }) => !listed.has(digest));
  if (missing.length === 0) return undefined;
  const manifests = [...index.data.manifests, ...missing];
  return new TextEncoder().encode(JSON.stringify({ ...index.data, manifests }));
}
