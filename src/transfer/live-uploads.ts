import type { Hasher } from "../digest.ts";
import type { Repository } from "../registry/registry.ts";
import type { UploadSession } from "../registry/uploads.ts";
import type { GiveUp } from "./upload-canceller.ts";
import type { Checkpoint, UploadKey } from "./upload-lease.ts";

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

/** Uploads that this process has paused, with the hashes that a checkpoint cannot hold. */
export interface LiveUploads {
  readonly put: (key: UploadKey, paused: LiveUpload) => Promise<void>;
  readonly has: (key: UploadKey) => boolean;
  /** Takes it out: whoever goes on with an upload owns its hash. */
  readonly take: (key: UploadKey) => LiveUpload | undefined;
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
    const unfound = surplus.filter(([, { isLeased }]) => !isLeased);
    await Promise.all(unfound.map(([, { target, position }]) => giveUp(target, position.session)));
  };

  return {
    put: async (key, paused) => {
      const name = uploadName(key);
      uploads.delete(name);
      uploads.set(name, paused);
      await makeRoom();
    },
    has: (key) => uploads.has(uploadName(key)),
    take: (key) => {
      const name = uploadName(key);
      const paused = uploads.get(name);
      uploads.delete(name);
      return paused;
    },
    close: async () => {
      places = 0;
      await makeRoom();
    },
  };
}

/** One text per upload, for maps. */
export function uploadName({ registry, repository, digest }: UploadKey): string {
  return `${registry}/${repository}@${digest}`;
}
