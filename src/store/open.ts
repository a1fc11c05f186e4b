import { createHash } from "node:crypto";
import { z } from "zod";
import { type ImportId, importIdSchema } from "../domain/import-id.ts";
import type { TableAccess } from "./storage-client.ts";
import { contended } from "./storage-errors.ts";
import type { Row, RowKeys } from "./table.ts";
import { updateRow } from "./update-row.ts";

/** An import that has not ended. */
export interface OpenImport {
  readonly id: ImportId;
  /** When this row was made, ISO: accept or retry, not the time of the cause. */
  readonly createdAt: string;
  readonly attempt: number;
  /** Cancelled, or a part has failed for good: what runs for it shall stop. */
  readonly isStopped: boolean;
  /** How far it had come when somebody last looked, and since when it is so. Absent: nobody has. */
  readonly seen?: SeenProgress;
  /** When a step of it last ended that is to be called again, ISO; see {@link Open.noteAlive}. */
  readonly aliveAt?: string;
}

export interface SeenProgress {
  /** Differs when anything has moved; means nothing else. */
  readonly mark: string;
  /** ISO. */
  readonly since: string;
  /** When somebody last looked, ISO. */
  readonly at: string;
}

/** Table `Open`: one row per unfinished import, few at any time, so that a query over all of it is cheap. */
export interface Open {
  /** Does nothing where this attempt or a later one is there; a row left over from an earlier attempt is replaced. */
  readonly insert: (open: Omit<OpenImport, "isStopped" | "seen" | "aliveAt">) => Promise<void>;
  /** Tells everything that runs for this attempt to stop; false: it is not open, or a later one is. */
  readonly requestStop: (id: ImportId, attempt: number) => Promise<boolean>;
  /**
   * Makes the row of a later attempt, which was to begin and has not, that of `attempt` again, stopped or not as `look`
   * says; `look` is asked once the row was read, and says undefined where `attempt` is over. Whether the row is its own now.
   */
  readonly takeBack: (
    id: ImportId,
    attempt: number,
    look: () => Promise<{ readonly isStopped: boolean } | undefined>,
  ) => Promise<boolean>;
  /** The stopped ones among all open imports, in one query. */
  readonly readStopped: () => Promise<readonly ImportId[]>;
  readonly list: () => Promise<readonly OpenImport[]>;
  /** Remembers how far an import has come; does nothing where it is not open any more. */
  readonly see: (id: ImportId, seen: SeenProgress) => Promise<void>;
  /** A sign of life of what leaves no other trace; does nothing where the import is not open any more. */
  readonly noteAlive: (id: ImportId, at: Date) => Promise<void>;
  /** Does nothing where a later attempt than this has begun: whoever cleans up behind an end may be late. */
  readonly delete: (id: ImportId, attempt: number) => Promise<void>;
}

const maxTries = 5;

/** Opens table `Open`. */
export function createOpen(access: TableAccess): Open {
  const table = access.table("Open");
  return {
    insert: async (open) => {
      const row = openRow.encode({ ...open, isStopped: false });
      for (let tries = 0; tries < maxTries; tries += 1) {
        if ((await table.insert(row)) !== "exists") return;
        const stored = await table.read(keysOf(open.id));
        if (!stored) continue; // the former attempt ended just now
        if (openRow.decode(stored.row).attempt >= open.attempt) return;
        // Its stop was meant for the former attempt and must not reach this one.
        if ((await table.replace(row, stored.etag)) !== "conflict") return;
      }
      throw contended(table.name);
    },
    requestStop: async (id, attempt) => {
      const isOf = (open: OpenImport | undefined) => open !== undefined && open.attempt <= attempt;
      const change = (open: OpenImport) => (isOf(open) && !open.isStopped ? { ...open, isStopped: true } : undefined);
      return isOf((await updateRow({ table, key: keysOf(id), codec: openRow, change }))?.value);
    },
    takeBack: async (id, attempt, look) => {
      for (let tries = 0; tries < maxTries; tries += 1) {
        const stored = await table.read(keysOf(id));
        const found = await look();
        if (!stored || found === undefined) return false;
        const row = openRow.encode({ ...openRow.decode(stored.row), attempt, ...found });
        if ((await table.replace(row, stored.etag)) !== "conflict") return true;
      }
      throw contended(table.name);
    },
    readStopped: async () => {
      const ids: ImportId[] = [];
      for await (const stored of table.query({ filter: "stop eq true", select: ["partitionKey", "rowKey"] }))
        ids.push(...table.readable([stored], ({ row }) => stoppedRowSchema.parse(row).rowKey));
      return ids;
    },
    list: async () => {
      const all: OpenImport[] = [];
      for await (const stored of table.query({ filter: "" }))
        all.push(...table.readable([stored], ({ row }) => openRow.decode(row)));
      return all;
    },
    see: async (id, { mark, since, at }) => {
      await table.merge({ ...keysOf(id), seenMark: mark, seenSince: since, seenAt: at });
    },
    noteAlive: async (id, at) => {
      await table.merge({ ...keysOf(id), aliveAt: at.toISOString() });
    },
    delete: async (id, attempt) => {
      for (let tries = 0; tries < maxTries; tries += 1) {
        const stored = await table.read(keysOf(id));
        if (!stored || openRow.decode(stored.row).attempt > attempt) return;
        if ((await table.delete(keysOf(id), stored.etag)) === "deleted") return;
      }
      throw contended(table.name);
    },
  };
}

const stoppedRowSchema = z.object({ rowKey: importIdSchema });
const openRowSchema = z.object({
  v: z.literal(1),
  rowKey: importIdSchema,
  createdAt: z.string(),
  attempt: z.int(),
  stop: z.boolean(),
  seenMark: z.string().optional(),
  seenSince: z.string().optional(),
  seenAt: z.string().optional(),
  aliveAt: z.string().optional(),
});

/** `stop` is a column of its own, so that one filter finds all stopped imports. */
export const openRow = {
  encode: ({ id, createdAt, attempt, isStopped, seen, aliveAt }: OpenImport): Row => ({
    ...keysOf(id),
    v: 1,
    createdAt,
    attempt,
    stop: isStopped,
    ...(seen && { seenMark: seen.mark, seenSince: seen.since, seenAt: seen.at }),
    ...(aliveAt !== undefined && { aliveAt }),
  }),
  decode: (row: unknown): OpenImport => {
    const { rowKey, createdAt, attempt, stop, aliveAt, ...columns } = openRowSchema.parse(row);
    const { seenMark: mark, seenSince: since, seenAt: at = since } = columns; // rows of before have no `seenAt`
    const seen = mark === undefined || since === undefined || at === undefined ? undefined : { mark, since, at };
    return { id: rowKey, createdAt, attempt, isStopped: stop, ...(seen && { seen }), ...(aliveAt && { aliveAt }) };
  },
};

/** 16 partitions: inserts of one moment spread, and a query over the table still is one request. */
function keysOf(id: ImportId): RowKeys {
  const [byte = 0] = createHash("sha256").update(id).digest();
  return { partitionKey: (byte % 16).toString(16), rowKey: id };
}
