import { z } from "zod";
import type { Checkpoint, UploadKey } from "../transfer/upload-lease.ts";
import { bytesColumns, readBytes } from "./columns.ts";
import type { Sealer } from "./sealing.ts";
import type { Row, RowKeys } from "./table.ts";

/** Who holds an upload until when, and where it goes on. */
export interface UploadRow {
  /** An import's id. */
  readonly owner: string;
  /** Rises with each acquire: tells a holder from its own successor. */
  readonly epoch: number;
  /** By the server's clock. */
  readonly leaseUntil: Date;
  readonly checkpoint: Checkpoint | undefined;
  /** Where the upload goes to. Absent: from before this was kept. */
  readonly target?: UploadTarget;
}

export type UploadTarget = Pick<UploadKey, "registry" | "repository">;

/** The row with its location sealed for just this row. */
export function encodeUpload(
  keys: RowKeys,
  { owner, epoch, leaseUntil, checkpoint, target }: UploadRow,
  sealer: Sealer,
): Row {
  return {
    ...keys,
    v: 1,
    owner,
    epoch,
    leaseUntil: leaseUntil.toISOString(),
    ...(target && { registry: target.registry, repository: target.repository }),
    ...(checkpoint && {
      offsetBytes: BigInt(checkpoint.offsetBytes),
      profile: checkpoint.profile,
      ...bytesColumns("location", sealer.seal(checkpoint.location, placeOf(keys))),
    }),
  };
}

const rowSchema = z.looseObject({
  v: z.literal(1),
  partitionKey: z.string(),
  rowKey: z.string(),
  owner: z.string(),
  epoch: z.int(),
  leaseUntil: z.iso.datetime(),
  offsetBytes: z.bigint().optional(),
  profile: z.string().optional(),
  registry: z.string().optional(),
  repository: z.string().optional(),
});

/** A location that cannot be opened (another process's key, an old one) means no checkpoint: byte 0. */
export function decodeUpload(raw: unknown, sealer: Sealer): UploadRow {
  const row = rowSchema.parse(raw);
  const { owner, epoch, leaseUntil, offsetBytes, profile, registry, repository } = row;
  const sealed = readBytes(row, "location");
  const location = sealed && sealer.open(sealed, placeOf(row));
  const hasCheckpoint = location !== undefined && offsetBytes !== undefined && profile !== undefined;
  return {
    owner,
    epoch,
    leaseUntil: new Date(leaseUntil),
    checkpoint: hasCheckpoint ? { location, offsetBytes: Number(offsetBytes), profile } : undefined,
    ...(registry !== undefined && repository !== undefined && { target: { registry, repository } }),
  };
}

function placeOf({ partitionKey, rowKey }: RowKeys): readonly string[] {
  return ["Uploads", partitionKey, rowKey];
}
