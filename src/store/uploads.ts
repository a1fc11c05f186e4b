import { createHash } from "node:crypto";
import { z } from "zod";
import {
  type Checkpoint,
  LeaseLostError,
  type UploadKey,
  type UploadLease,
  type UploadLeases,
} from "../transfer/upload-lease.ts";
import { createSealer, randomSealingKey, type Sealer } from "./sealing.ts";
import type { TableAccess } from "./storage-client.ts";
import { contended } from "./storage-errors.ts";
import { filterText, type RowKeys, type Table } from "./table.ts";
import { decodeUpload, encodeUpload, type UploadRow, type UploadTarget } from "./upload-row.ts";

/** Clock, timer and sealer of a process. */
export interface UploadsDeps {
  readonly now: () => Date;
  /** Calls `run` every `ms` until the returned function is called; must not keep the process alive. */
  readonly every: (ms: number, run: () => void) => () => void;
  /** Without a key of the operator's, a checkpoint is of use to this process only. */
  readonly sealer: Sealer;
}

/** Leases of uploads, as transfer/ wants them, and their sweep. */
export interface Uploads extends UploadLeases {
  /**
   * Takes over rows that nobody has held for a day, one after another: no registry keeps an upload much longer. Names the
   * sessions among them that are known; the rows of others it deletes. What is not forgotten, for want of time or after a
   * crash, is found again a day later.
   */
  readonly takeAbandoned: (now: Date) => AsyncIterable<AbandonedUpload>;
}

/** A session that was begun at a registry and left. */
export interface AbandonedUpload {
  readonly target: UploadTarget;
  readonly checkpoint: Checkpoint;
  /** Deletes its row: the session is no more. */
  readonly forget: () => Promise<void>;
}

const leaseMs = 60_000;
const renewMs = 20_000;
/** A lease is free for others this long after its end, by the server's clock: theirs and its holder's may differ. */
const graceMs = 10_000;
const maxTries = 6;
const abandonedMs = 24 * 3_600_000;
/** Holds what is about to be cancelled: no import goes on with it meanwhile. */
const sweeper = "housekeeping";

/** Table `Uploads`: one row per unfinished upload of a large blob. Its epoch rises with each holder. */
export function createUploads(access: TableAccess, deps: UploadsDeps): Uploads {
  const table = access.table("Uploads");
  const sealer = deps.sealer.isAvailable ? deps.sealer : createSealer([randomSealingKey()]);
  return {
    acquire: async (key, owner, signal) => {
      const keys = keysOf(key);
      for (let tries = 0; tries < maxTries; tries += 1) {
        signal.throwIfAborted();
        const { found, serverTime = deps.now() } = await table.readTimed(keys);
        const former = found && decodeUpload(found.row, sealer);
        if (former && former.owner !== owner && !isExpired(former, serverTime)) return "busy";
        const row: UploadRow = {
          owner,
          epoch: (former?.epoch ?? 0) + 1,
          leaseUntil: new Date(serverTime.getTime() + leaseMs),
          checkpoint: former?.checkpoint,
          target: { registry: key.registry, repository: key.repository },
        };
        const encoded = encodeUpload(keys, row, sealer);
        const written = await (found ? table.replace(encoded, found.etag) : table.insert(encoded));
        if (typeof written === "string") continue; // another one was faster: look who
        const serverAheadMs = serverTime.getTime() - deps.now().getTime();
        return holdLease({ ...deps, table, keys, sealer, serverAheadMs }, row, written.etag);
      }
      throw contended(table.name);
    },
    takeAbandoned: async function* (now) {
      const before = new Date(now.getTime() - abandonedMs).toISOString();
      for await (const stored of table.query({ filter: `leaseUntil le ${filterText(before)}` })) {
        const keys = keysSchema.parse(stored.row);
        const [row] = table.readable([stored], (one) => decodeUpload(one.row, sealer));
        if (row?.target === undefined || row.checkpoint === undefined) {
          await table.delete(keys, stored.etag); // with the ETag: what is taken over in this moment stays
          continue;
        }
        const leaseUntil = new Date(now.getTime() + leaseMs);
        const taken = { ...row, owner: sweeper, epoch: row.epoch + 1, leaseUntil };
        const written = await table.replace(encodeUpload(keys, taken, sealer), stored.etag);
        if (written === "conflict") continue;
        const forget = async () => {
          await table.delete(keys, written.etag);
        };
        yield { target: row.target, checkpoint: row.checkpoint, forget };
      }
    },
  };
}

const keysSchema = z.object({ partitionKey: z.string(), rowKey: z.string() });

interface HoldDeps extends UploadsDeps {
  readonly table: Table;
  readonly keys: RowKeys;
  readonly serverAheadMs: number;
}

/** The lease whose row was just written as `acquired`. Its writes go one after another: each needs the ETag before it. */
function holdLease(deps: HoldDeps, acquired: UploadRow, acquiredEtag: string): UploadLease {
  const { table, keys, sealer, serverAheadMs } = deps;
  let row = acquired;
  let etag = acquiredEtag;
  let isLost = false;
  let queue: Promise<unknown> = Promise.resolve();

  const leaseUntil = (ms: number) => new Date(deps.now().getTime() + serverAheadMs + ms);

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = queue.then(work);
    queue = turn.catch(() => undefined); // its caller hears of it; the next one is not to blame
    return turn;
  }

  /** An answer that got lost on its way leaves our own write behind, under an ETag that we have not seen. */
  async function findOwnEtag(): Promise<string | undefined> {
    const stored = await table.read(keys);
    const current = stored && decodeUpload(stored.row, sealer);
    return current?.owner === row.owner && current.epoch === row.epoch ? stored?.etag : undefined;
  }

  async function write(changes: Partial<UploadRow>): Promise<void> {
    if (isLost) throw lost(keys);
    const next = { ...row, ...changes };
    const encoded = encodeUpload(keys, next, sealer);
    let written = await table.replace(encoded, etag);
    if (written === "conflict") {
      const ownEtag = await findOwnEtag();
      if (ownEtag !== undefined) written = await table.replace(encoded, ownEtag);
    }
    if (written === "conflict") {
      isLost = true;
      stopRenewing();
      throw lost(keys);
    }
    row = next;
    etag = written.etag;
  }

  const stopRenewing = deps.every(renewMs, () => {
    // A renewal that fails is not the holder's end: the next one may do, and a lost lease shows in the next save.
    inTurn(() => write({ leaseUntil: leaseUntil(leaseMs) })).catch(() => undefined);
  });

  return {
    checkpoint: acquired.checkpoint,
    save: (checkpoint) => inTurn(() => write({ checkpoint, leaseUntil: leaseUntil(leaseMs) })),
    keep: (seconds) => {
      stopRenewing();
      return inTurn(() => write({ leaseUntil: leaseUntil(seconds * 1_000) }));
    },
    release: () => {
      stopRenewing();
      return inTurn(async () => {
        if (isLost || (await table.delete(keys, etag)) === "deleted") return;
        const ownEtag = await findOwnEtag();
        if (ownEtag !== undefined) await table.delete(keys, ownEtag);
      });
    },
  };
}

function isExpired({ leaseUntil }: UploadRow, serverTime: Date): boolean {
  return serverTime.getTime() > leaseUntil.getTime() + graceMs;
}

function lost({ rowKey }: RowKeys): LeaseLostError {
  return new LeaseLostError(`another import has taken over the upload of ${rowKey}`);
}

function keysOf({ registry, repository, digest }: UploadKey): RowKeys {
  const hash = createHash("sha256")
    .update(JSON.stringify([registry, repository]))
    .digest("hex");
  return { partitionKey: hash, rowKey: digest };
}
