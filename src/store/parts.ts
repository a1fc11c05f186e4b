import type { Digest } from "../digest.ts";
import type { ImportId } from "../domain/import-id.ts";
import type { Part, Via } from "../domain/import-plan.ts";
import type { ProgressCounts } from "../domain/progress.ts";
import { ImportError } from "../errors.ts";
import { writeBatches } from "./batches.ts";
import { decodePart, encodeKept, encodePart, packContent, partColumns, partKey, unpackContent } from "./part-row.ts";
import type { TableAccess } from "./storage-client.ts";
import { type BatchAction, filterText, type StoredRow } from "./table.ts";
import { encodeUnit, sumColumns, sumRows, type UnitBytes } from "./unit-row.ts";

/** A part that has come to be at the target. */
export interface PartResult {
  readonly kind: Part["kind"];
  readonly target: number;
  readonly digest: Digest;
  readonly via: Via;
  readonly ms: number;
  readonly attempts: number;
}

/** A blob in one target repository. */
export type PlacedBlob = Pick<Part, "target" | "digest">;

/** A manifest or inline blob as resolve has stored it; without content: too large for a row, fetch it by digest. */
export interface StoredContent {
  readonly mediaType: string;
  readonly sizeBytes: number;
  readonly content: Uint8Array | undefined;
  /** The cosign tags that are to hold a manifest. */
  readonly tags?: readonly string[];
}

/** A manifest as its registry has served it. */
export interface KeptManifest {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

/** One page of an import's parts. */
export interface PartPage {
  /** Blobs first, without content; may be short although there are more. */
  readonly parts: readonly Part[];
  readonly continuationToken: string | undefined;
}

/** Table `ImportParts`: what an import consists of, how far each part is, and the bytes that are copied as they stand. */
export interface Parts {
  /**
   * Writes the rows of a plan over whatever is there, in batches. Content is kept once per digest, at its lowest target,
   * and only up to 700 KiB packed.
   */
  readonly insertPlanned: (importId: ImportId, parts: readonly Part[]) => Promise<void>;
  /**
   * Marks parts as done. `finishedUnit`: the unit that has reported bytes of them; its report goes to zero in the same
   * batch, so that nothing counts twice. IMPORT_NOT_FOUND: the import's rows are gone.
   */
  readonly markDone: (importId: ImportId, results: readonly PartResult[], finishedUnit?: number) => Promise<void>;
  /** Marks blobs as read again at the target; `finishedUnit` and IMPORT_NOT_FOUND as of {@link Parts.markDone}. */
  readonly markVerified: (importId: ImportId, blobs: readonly PlacedBlob[], finishedUnit?: number) => Promise<void>;
  /** All blobs, without content. */
  readonly readBlobs: (importId: ImportId) => Promise<readonly Part[]>;
  /** Absolute numbers of a running unit; one writer per unit. */
  readonly reportUnit: (importId: ImportId, n: number, bytes: UnitBytes) => Promise<void>;
  /** The manifests that were planned, by digest; what was not planned is not in the answer. */
  readonly readManifests: (
    importId: ImportId,
    digests: readonly Digest[],
  ) => Promise<ReadonlyMap<Digest, StoredContent>>;
  /**
   * Keeps manifests before it is known which of them the plan has: they are no parts. What is too large for a row is
   * left out.
   */
  readonly keepManifests: (importId: ImportId, manifests: readonly KeptManifest[]) => Promise<void>;
  /** What was kept or planned of manifests, as far as there are bytes of it. */
  readonly readKept: (importId: ImportId) => Promise<ReadonlyMap<Digest, KeptManifest>>;
  /** The content of a blob that needs no GET; undefined: there is none. */
  readonly readInline: (importId: ImportId, digest: Digest) => Promise<Uint8Array | undefined>;
  readonly sum: (importId: ImportId) => Promise<ProgressCounts>;
  readonly list: (importId: ImportId, limit: number, continuationToken: string | undefined) => Promise<PartPage>;
  /** Up to `limit` manifests, without content. */
  readonly listManifests: (importId: ImportId, limit: number) => Promise<readonly Part[]>;
  /** Forgets what units of a former attempt have reported. */
  readonly deleteUnits: (importId: ImportId) => Promise<void>;
  readonly deleteAll: (importId: ImportId) => Promise<void>;
}

/** The service compares at most 15 terms per query: the partition and 14 rows. Beyond, all manifests are read. */
const maxKeysPerQuery = 14;

/** Opens table `ImportParts`. */
export function createParts(access: TableAccess): Parts {
  const table = access.table("ImportParts");

  async function readContents(filter: string): Promise<Map<Digest, StoredContent>> {
    const found = new Map<Digest, StoredContent>();
    for await (const stored of table.query({ filter })) {
      const { digest, mediaType, sizeBytes, tags } = decodePart(stored.row);
      const content = await unpackContent(stored.row);
      if (content !== undefined || !found.has(digest)) {
        found.set(digest, { mediaType, sizeBytes, content, ...(tags && { tags }) });
      }
    }
    return found;
  }

  async function deleteRows(filter: string): Promise<void> {
    const query = { filter, select: ["partitionKey", "rowKey"] };
    const keys = await collect(table.query(query), ({ row }) => ({
      partitionKey: String(row.partitionKey),
      rowKey: String(row.rowKey),
    }));
    await writeBatches(
      table,
      keys.map((key) => ({ kind: "delete", key })),
    );
  }

  return {
    insertPlanned: async (importId, parts) => {
      const lowest = new Map<string, number>();
      for (const part of parts) {
        if (!part.content) continue;
        const id = `${part.kind} ${part.digest}`;
        lowest.set(id, Math.min(part.target, lowest.get(id) ?? part.target));
      }
      const actions: BatchAction[] = [];
      for (const { content, ...part } of parts) {
        const isHolder = content && lowest.get(`${part.kind} ${part.digest}`) === part.target;
        const packed = isHolder ? await packContent(content) : undefined;
        actions.push({ kind: "upsert", row: encodePart(importId, part, packed) });
      }
      await writeBatches(table, actions);
    },
    markDone: async (importId, results, finishedUnit) => {
      const actions: BatchAction[] = results.map(({ via, ms, attempts, ...part }) => ({
        kind: "merge",
        row: { ...partKey(importId, part), state: "done", via, ms: Math.round(ms), attempts },
      }));
      if (finishedUnit !== undefined)
        actions.push({ kind: "upsert", row: encodeUnit(importId, finishedUnit, noBytes) });
      if ((await writeBatches(table, actions)) === "missing") throw partsGone(importId);
    },
    markVerified: async (importId, blobs, finishedUnit) => {
      const actions = blobs.map(({ target, digest }): BatchAction => {
        return { kind: "merge", row: { ...partKey(importId, { kind: "blob", target, digest }), isVerified: true } };
      });
      if (finishedUnit !== undefined)
        actions.push({ kind: "upsert", row: encodeUnit(importId, finishedUnit, noBytes) });
      if ((await writeBatches(table, actions)) === "missing") throw partsGone(importId);
    },
    readBlobs: (importId) =>
      collect(table.query({ filter: rowsFrom(importId, "b|"), select: partColumns }), ({ row }) => decodePart(row)),
    reportUnit: (importId, n, bytes) => table.upsert(encodeUnit(importId, n, bytes)),
    readManifests: async (importId, digests) => {
      const wanted = new Set(digests);
      if (wanted.size === 0) return new Map();
      if (wanted.size <= maxKeysPerQuery) {
        const keys = [...wanted].map((digest) => partKey(importId, { kind: "manifest", target: 0, digest }).rowKey);
        const byKey = keys.map((key) => `RowKey eq ${filterText(key)}`).join(" or ");
        const found = await readContents(`${partitionIs(importId)} and (${byKey})`);
        if (found.size === wanted.size) return found;
      }
      const all = await readContents(rowsFrom(importId, "m|"));
      return new Map([...all].filter(([digest]) => wanted.has(digest)));
    },
    keepManifests: async (importId, manifests) => {
      const actions: BatchAction[] = [];
      for (const manifest of manifests) {
        const packed = await packContent(manifest.bytes);
        if (packed !== undefined) actions.push({ kind: "upsert", row: encodeKept(importId, manifest, packed) });
      }
      await writeBatches(table, actions);
    },
    readKept: async (importId) => {
      const kept = new Map<Digest, KeptManifest>();
      for (const [digest, { mediaType, content }] of await readContents(rowsFrom(importId, "m|", "s|")))
        if (content !== undefined) kept.set(digest, { digest, mediaType, bytes: content });
      return kept;
    },
    readInline: async (importId, digest) => {
      const stored = await table.read(partKey(importId, { kind: "blob", target: 0, digest }));
      const content = stored && (await unpackContent(stored.row));
      if (content !== undefined) return content;
      // The first target may have had the blob already, and another holds the content.
      const others = await readContents(rowsFrom(importId, "b|"));
      return others.get(digest)?.content;
    },
    sum: async (importId) =>
      sumRows(await collect(table.query({ filter: partitionIs(importId), select: sumColumns }), ({ row }) => row)),
    list: async (importId, limit, continuationToken) => {
      const filter = `${partitionIs(importId)} and RowKey lt 'n'`; // blobs and manifests, no units
      const page = await table.page({ filter, select: partColumns }, limit, continuationToken);
      return { parts: page.rows.map(({ row }) => decodePart(row)), continuationToken: page.continuationToken };
    },
    listManifests: async (importId, limit) => {
      const query = { filter: rowsFrom(importId, "m|"), select: partColumns };
      const page = await table.page(query, limit, undefined);
      return page.rows.map(({ row }) => decodePart(row));
    },
    deleteUnits: (importId) => deleteRows(rowsFrom(importId, "u|")),
    deleteAll: (importId) => deleteRows(partitionIs(importId)),
  };
}

const noBytes: UnitBytes = { copiedBytes: 0 };

function partitionIs(importId: ImportId): string {
  return `PartitionKey eq ${filterText(importId)}`;
}

type RowPrefix = "b|" | "m|" | "s|" | "u|";

/** Rows whose key begins with `first`, one letter and a bar, up to those that begin with `last`: `}` follows the bar. */
function rowsFrom(importId: ImportId, first: RowPrefix, last = first): string {
  return `${partitionIs(importId)} and RowKey ge '${first}' and RowKey lt '${last.slice(0, 1)}}'`;
}

async function collect<T>(rows: AsyncIterable<StoredRow>, read: (stored: StoredRow) => T): Promise<readonly T[]> {
  const all: T[] = [];
  for await (const stored of rows) all.push(read(stored));
  return all;
}

function partsGone(importId: ImportId): ImportError {
  return new ImportError({
    code: "IMPORT_NOT_FOUND",
    what: `import ${importId} has no parts any more: it was deleted`,
  });
}
