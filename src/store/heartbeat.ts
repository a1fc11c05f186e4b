import { z } from "zod";
import type { TableAccess } from "./storage-client.ts";
import type { RowKeys } from "./table.ts";
import { type RowCodec, type UpdateRow, updateRow } from "./update-row.ts";

/** How far all processes of the app together have come with the steps of imports. */
export interface Motion {
  /** When something of any import last moved. */
  readonly movedAt: Date;
  /** A step has begun that was put into the queue of steps at this time or later. */
  readonly reachedAt: Date;
}

/** Table `Heartbeat`: a row in which each process says once a minute that it gets on, and one of housekeeping. */
export interface Heartbeat {
  /** undefined: no process has ever said so. */
  readonly read: () => Promise<Motion | undefined>;
  /** Both times only ever rise, whichever process comes last. */
  readonly advance: (motion: Motion) => Promise<void>;
  /** Up to when the histories of orchestrations were purged last; undefined: never. */
  readonly readPurged: () => Promise<Date | undefined>;
  /** Does nothing where it was later already. */
  readonly notePurged: (until: Date) => Promise<void>;
}

/** Opens table `Heartbeat`. */
export function createHeartbeat(access: TableAccess): Heartbeat {
  const table = access.table("Heartbeat");
  return {
    read: async () => {
      const stored = await table.read(key);
      return stored && motionRow.decode(stored.row);
    },
    advance: (motion) => raise({ table, key, codec: motionRow }, motion, (before) => later(before, motion)),
    readPurged: async () => {
      const stored = await table.read(purgedKey);
      return stored && purgedRow.decode(stored.row);
    },
    notePurged: (until) =>
      raise({ table, key: purgedKey, codec: purgedRow }, until, (before) =>
        before.getTime() >= until.getTime() ? before : until,
      ),
  };
}

const key: RowKeys = { partitionKey: "imports", rowKey: "steps" };
const purgedKey: RowKeys = { partitionKey: "imports", rowKey: "histories" };

/** Inserts `value`, or changes the row that is there. */
async function raise<T>(row: Omit<UpdateRow<T>, "change">, value: T, change: (before: T) => T): Promise<void> {
  const updated = await updateRow({ ...row, change });
  if (updated !== undefined || (await row.table.insert(row.codec.encode(value))) !== "exists") return;
  await updateRow({ ...row, change }); // another process has made the row just now
}

function later(before: Motion, { movedAt, reachedAt }: Motion): Motion {
  if (before.movedAt >= movedAt && before.reachedAt >= reachedAt) return before;
  return {
    movedAt: before.movedAt > movedAt ? before.movedAt : movedAt,
    reachedAt: before.reachedAt > reachedAt ? before.reachedAt : reachedAt,
  };
}

const rowSchema = z.object({ v: z.literal(1), movedAt: z.iso.datetime(), reachedAt: z.iso.datetime() });

const motionRow: RowCodec<Motion> = {
  encode: ({ movedAt, reachedAt }) => ({
    ...key,
    v: 1,
    movedAt: movedAt.toISOString(),
    reachedAt: reachedAt.toISOString(),
  }),
  decode: (row) => {
    const { movedAt, reachedAt } = rowSchema.parse(row);
    return { movedAt: new Date(movedAt), reachedAt: new Date(reachedAt) };
  },
};

const purgedRowSchema = z.object({ v: z.literal(1), until: z.iso.datetime() });

const purgedRow: RowCodec<Date> = {
  encode: (until) => ({ ...purgedKey, v: 1, until: until.toISOString() }),
  decode: (row) => new Date(purgedRowSchema.parse(row).until),
};
