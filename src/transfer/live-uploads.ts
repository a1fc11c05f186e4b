import type { Hasher } from "../digest.ts";
import type { Repository } from "../registry/registry.ts";
import type { UploadSession } from "../registry/uploads.ts";
import type { GiveUp } from "./upload-canceller.ts";
import type { Checkpoint, UploadKey, UploadLease } from "./upload-lease.ts";

/** How far a chunked upload has come. */
export interface UploadPosition {
  /** Its `offsetBytes` is where the next chunk goes. */
  readonly session: UploadSession;
  /** Has hashed all up to there, and no more; undefined when another process sent some of it, or a chunk broke. */
  readonly hasher: Hasher | undefined;
  /** The target has said that it stands there. Else it must be asked before anything is sent. */
  readonly isSure: boolean;
}

export interface LiveUpload {
  readonly position: UploadPosition;
  readonly target: Repository;
  /** Its row says where it goes on: without this process's hash, and anywhere. */
  readonly isLeased: boolean;
  /** What the row said when it paused: while it still does, nobody else has gone on with it. */
  readonly saved: Checkpoint | undefined;
}

/** Who asks for a paused upload: the holder of a lease, with what its row says, or somebody who holds none. */
export interface UploadAsker {
  readonly lease: UploadLease | undefined;
  readonly from: Checkpoint | undefined;
}

/**
 * Uploads that this process has paused, with the hashes that a checkpoint cannot hold. One under a lease is for who holds
 * that lease, while its row says what it said then: else another process has gone on with it.
 */
export interface LiveUploads {
  /** What it takes the place of is given up, unless that can go on from its checkpoint. */
  readonly put: (key: UploadKey, paused: LiveUpload) => Promise<void>;
  readonly has: (key: UploadKey, asker: UploadAsker) => boolean;
  /** Takes it out: whoever goes on with an upload owns its hash. What is not the asker's stays. */
  readonly take: (key: UploadKey, asker: UploadAsker) => LiveUpload | undefined;
  /** Takes it out whosever it is: nobody can go on with it. */
  readonly drop: (key: UploadKey) => LiveUpload | undefined;
  /** The process ends: nothing is kept any more. */
  readonly close: () => Promise<void>;
}

export interface LiveUploadsDeps {
  readonly limit: number;
  readonly giveUp: GiveUp;
}

/** Keeps the newest `limit`; of an older one the session is given up, unless it can go on from its checkpoint. */
export function createLiveUploads({ limit, giveUp }: LiveUploadsDeps): LiveUploads {
  const uploads = new Map<string, LiveUpload>();
  let places = limit;

  const makeRoom = async (): Promise<void> => {
    const surplus = [...uploads].slice(0, Math.max(0, uploads.size - places));
    for (const [name] of surplus) uploads.delete(name);
    await Promise.all(surplus.map(([, paused]) => forget(paused)));
  };

  const forget = async ({ isLeased, target, position }: LiveUpload): Promise<void> => {
    if (!isLeased) await giveUp(target, position.session);
  };

  const find = (key: UploadKey, { lease, from }: UploadAsker): LiveUpload | undefined => {
    const paused = uploads.get(uploadName(key));
    if (paused === undefined) return undefined;
    const isOwn = lease === undefined ? !paused.isLeased : isSame(paused.saved, from);
    return isOwn ? paused : undefined;
  };

  const drop = (key: UploadKey): LiveUpload | undefined => {
    const name = uploadName(key);
    const paused = uploads.get(name);
    uploads.delete(name);
    return paused;
  };

  return {
    put: async (key, paused) => {
      const former = drop(key);
      uploads.set(uploadName(key), paused);
      if (former !== undefined) await forget(former);
      await makeRoom();
    },
    has: (key, asker) => find(key, asker) !== undefined,
    take: (key, asker) => (find(key, asker) === undefined ? undefined : drop(key)),
    drop,
    close: async () => {
      places = 0;
      await makeRoom();
    },
  };
}

function isSame(one: Checkpoint | undefined, other: Checkpoint | undefined): boolean {
  return one?.location === other?.location && one?.offsetBytes === other?.offsetBytes;
}

/** One text per upload, for maps. */
export function uploadName({ registry, repository, digest }: UploadKey): string {
  return `${registry}/${repository}@${digest}`;
}
