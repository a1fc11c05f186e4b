import { createHash } from "node:crypto";
import { z } from "zod";
import { type Digest, digestSchema } from "../digest.ts";
import { writeBatches } from "./batches.ts";
import type { TableAccess } from "./storage-client.ts";
import { filterText, type Row, type RowKeys } from "./table.ts";

/** One tag that a schedule imports. */
export interface ScheduledTag {
  readonly schedule: string;
  /** Of the source: tags of one repository stand together. */
  readonly repository: string;
  /** Of everything that makes the import what it is but for the digest: source, target, platforms. */
  readonly key: string;
}

/** Table `ScheduleTags`: which digest a schedule has imported last, by tag. */
export interface ScheduleTags {
  /** Key → digest, of all tags of one repository. */
  readonly readRepository: (
    schedule: string,
    repository: string,
    signal: AbortSignal,
  ) => Promise<ReadonlyMap<string, Digest>>;
  readonly write: (tag: ScheduledTag, digest: Digest) => Promise<void>;
  /** Forgets all that a schedule has imported: what it finds next is new to it. */
  readonly deleteAll: (schedule: string) => Promise<void>;
}

/** Opens table `ScheduleTags`. */
export function createScheduleTags(access: TableAccess): ScheduleTags {
  const table = access.table("ScheduleTags");
  return {
    readRepository: async (schedule, repository, signal) => {
      const found = new Map<string, Digest>();
      const filter = `PartitionKey eq ${filterText(partitionOf(schedule, repository))}`;
      for await (const { row } of table.query({ filter, select: ["rowKey", "digest"] })) {
        signal.throwIfAborted();
        const { rowKey, digest } = readSchema.parse(row);
        found.set(rowKey, digest);
      }
      return found;
    },
    write: (tag, digest) => table.upsert(encode(tag, digest)),
    deleteAll: async (schedule) => {
      // Names have no |, and } comes right after it.
      const filter = `PartitionKey ge ${filterText(`${schedule}|`)} and PartitionKey lt ${filterText(`${schedule}}`)}`;
      let partition: RowKeys[] = [];
      const flush = async (): Promise<void> => {
        await writeBatches(
          table,
          partition.map((key) => ({ kind: "delete", key })),
        );
        partition = [];
      };
      for await (const { row } of table.query({ filter, select: ["partitionKey", "rowKey"] })) {
        const key = keysSchema.parse(row);
        if (partition.length >= 1_000 || (partition[0] && partition[0].partitionKey !== key.partitionKey))
          await flush();
        partition.push(key);
      }
      await flush();
    },
  };
}

const keysSchema = z.object({ partitionKey: z.string(), rowKey: z.string() });
const readSchema = z.object({ rowKey: z.string(), digest: digestSchema });

function encode({ schedule, repository, key }: ScheduledTag, digest: Digest): Row {
  return { partitionKey: partitionOf(schedule, repository), rowKey: key, v: 1, digest };
}

function partitionOf(schedule: string, repository: string): string {
  return `${schedule}|${createHash("sha256").update(repository).digest("hex").slice(0, 32)}`;
}
