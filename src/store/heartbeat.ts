import { z } from "zod";
import type { TableAccess } from "./storage-client.ts";
import type { RowKeys } from "./table.ts";
import { type RowCodec, updateRow } from "./update-row.ts";

/** How far all processes of the app together have come with the steps of imports. */
export interface Motion {
  /** When something of any import last moved. */
  readonly movedAt: Date;
  /** A step has begun that was put into the queue of steps at this time or later. */
  readonly reachedAt: Date;
}

/** Table `Heartbeat`: one row, in which each process says once a minute that it gets on. */
export interface Heartbeat {
  /** undefined: no process has ever said so. */
  readonly read: () => Promise<Motion | undefined>;
  /** Both times only ever rise, whichever process comes last. */
  readonly advance: (motion: Motion) => Promise<void>;
}

/** Opens table `Heartbeat`. */
export function createHeartbeat(access: TableAccess): Heartbeat {
  const table = access.table("Heartbeat");
  return {
    read: async () => {
      const stored = await table.read(key);
      return stored && motionRow.decode(stored.row);
    },
    advance: async (motion) => {
      const change = (before: Motion) => later(before, motion);
      const updated = await updateRow({ table, key, codec: motionRow, change });
      if (updated !== undefined || (await table.insert(motionRow.encode(motion))) !== "exists") return;
      await updateRow({ table, key, codec: motionRow, change }); // another process has made the row just now
    },
  };
}

const key: RowKeys = { partitionKey: "imports", rowKey: "steps" };

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
