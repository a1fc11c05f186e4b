import { promisify } from "node:util";
import { gunzip, gunzipSync, gzip, gzipSync } from "node:zlib";
import { z } from "zod";
import { type Digest, digestSchema } from "../digest.ts";
import type { ImportId } from "../domain/import-id.ts";
import { type Part, viaSchema } from "../domain/import-plan.ts";
import { definedOnly } from "../errors.ts";
import { bytesColumns, readBytes } from "./columns.ts";
import type { Row, RowKeys } from "./table.ts";

const gzipAsync = promisify(gzip);
const gunzipAsync = promisify(gunzip);

/**
 * A row may have 1 MiB, and Azurite counts bytes as base64: 700 KiB fit everywhere. What is packed larger is left out
 * and fetched again by its digest.
 */
const maxPackedBytes = 700 * 1024;
/** Manifests have 4 MiB at most, inline blobs are smaller: a row that unpacks to more is not ours. */
const maxContentBytes = 8 * 1024 * 1024;

/** Most manifests are a few KiB: a round through the thread pool costs more than packing them does. */
const smallBytes = 32 * 1024;

/** What one column holds of them. Larger manifests do without: they leave no room in their rows either. */
const maxChildren = 240;

const letters = { manifest: "m", blob: "b" } as const;

/** Key of a part's row: `m|n|digest` or `b|n|digest`. */
export function partKey(
  importId: ImportId,
  { kind, target, digest }: Pick<Part, "kind" | "target" | "digest">,
): RowKeys {
  return { partitionKey: importId, rowKey: `${letters[kind]}|${target}|${digest}` };
}

/** A part's row, with the content already packed by {@link packContent}. */
export function encodePart(importId: ImportId, part: Omit<Part, "content">, packed: Uint8Array | undefined): Row {
  const { kind: _, target: _target, digest: _digest, sizeBytes, tags, children, ...columns } = part;
  return {
    ...partKey(importId, part),
    v: 1,
    ...definedOnly(columns),
    ...(tags && { tags: tags.join(",") }), // no tag has a comma
    ...(children && children.length <= maxChildren && { children: children.join(",") }),
    sizeBytes: BigInt(sizeBytes), // Edm.Int64: a plain number beyond 2^31 would be stored as a double
    ...(packed && bytesColumns("gzip", packed)),
  };
}

/** How the keys of rows begin that {@link encodeKept} makes: behind the parts, before the units. */
export const keptPrefix = "s|0|";

/**
 * The row of a manifest of the source that is kept until the plan stands. Its columns are those of a part, since a
 * version of this service that does not know such rows reads them as one.
 */
export function encodeKept(
  importId: ImportId,
  { digest, mediaType, bytes }: { readonly digest: Digest; readonly mediaType: string; readonly bytes: Uint8Array },
  packed: Uint8Array,
): Row {
  return {
    ...{ partitionKey: importId, rowKey: `${keptPrefix}${digest}` },
    ...{ v: 1, mediaType, state: "done", sizeBytes: BigInt(bytes.byteLength) },
    ...bytesColumns("gzip", packed),
  };
}

const partRowSchema = z.object({
  v: z.literal(1),
  rowKey: z.string(),
  mediaType: z.string(),
  sizeBytes: z.bigint(),
  state: z.enum(["pending", "done"]),
  via: viaSchema.optional(),
  isVerified: z.literal(true).optional(),
  ms: z.int().optional(),
  attempts: z.int().optional(),
  platform: z.string().optional(),
  artifactType: z.string().optional(),
  referrerOf: digestSchema.optional(),
  tags: z.string().optional(),
  children: z.string().optional(),
});

/** The columns of a part without its content. */
export const partColumns: readonly string[] = Object.keys(partRowSchema.shape);

/** The part of a row, without content: {@link unpackContent} reads that. */
export function decodePart(row: unknown): Part {
  const { v: _, rowKey, sizeBytes, ...columns } = partRowSchema.parse(row);
  const [letter, target, digest] = rowKey.split("|");
  return {
    kind: letter === letters.manifest ? "manifest" : "blob",
    target: Number(target),
    digest: digestSchema.parse(digest),
    sizeBytes: Number(sizeBytes),
    mediaType: columns.mediaType,
    state: columns.state,
    ...definedOnly({
      via: columns.via,
      isVerified: columns.isVerified,
      ms: columns.ms,
      attempts: columns.attempts,
      platform: columns.platform,
      artifactType: columns.artifactType,
      referrerOf: columns.referrerOf,
      tags: columns.tags?.split(","),
      children: columns.children?.split(",").map((child) => digestSchema.parse(child)),
    }),
  };
}

/** The exact bytes as a row holds them, or undefined when they are too many for one. */
export async function packContent(content: Uint8Array): Promise<Uint8Array | undefined> {
  const packed = content.byteLength <= smallBytes ? gzipSync(content) : await gzipAsync(content);
  return packed.byteLength <= maxPackedBytes ? packed : undefined;
}

/** The exact bytes in a row, or undefined when it has none. */
export async function unpackContent(row: Readonly<Record<string, unknown>>): Promise<Uint8Array | undefined> {
  const packed = readBytes(row, "gzip");
  if (packed === undefined) return undefined;
  const options = { maxOutputLength: maxContentBytes };
  return packed.byteLength <= smallBytes ? gunzipSync(packed, options) : await gunzipAsync(packed, options);
}
