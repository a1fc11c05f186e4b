import type { Hasher } from "../digest.ts";
import type { UploadSession } from "../registry/uploads.ts";
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
  /** What the row of its lease said when it paused: while it still does, nobody else has gone on with it. */
  readonly saved: Checkpoint | undefined;
}

/** Uploads that this process has paused, with the hashes that a checkpoint cannot hold. */
export interface LiveUploads {
  readonly put: (key: UploadKey, paused: LiveUpload) => void;
  /** Takes it out: whoever goes on with an upload owns its hash. */
  readonly take: (key: UploadKey) => LiveUpload | undefined;
}

/** Keeps the newest `limit`; an older one goes on from its checkpoint without its hash. */
export function createLiveUploads(limit: number): LiveUploads {
  const uploads = new Map<string, LiveUpload>();
  return {
    put: (key, paused) => {
      const name = uploadName(key);
      uploads.delete(name);
      uploads.set(name, paused);
      for (const oldest of uploads.keys()) {
        if (uploads.size <= limit) break;
        uploads.delete(oldest);
      }
    },
    take: (key) => {
      const name = uploadName(key);
      const paused = uploads.get(name);
      uploads.delete(name);
      return paused;
    },
  };
}

/** One text per upload, for maps. */
export function uploadName({ registry, repository, digest }: UploadKey): string {
  return `${registry}/${repository}@${digest}`;
}
