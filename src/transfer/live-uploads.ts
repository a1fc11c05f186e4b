import type { Hasher } from "../digest.ts";
import type { UploadSession } from "../registry/uploads.ts";
import type { UploadKey } from "./upload-lease.ts";

/** How far a chunked upload has come. */
export interface UploadPosition {
  /** Its `offsetBytes` is where the next chunk goes. */
  readonly session: UploadSession;
  /** Has hashed all that was sent; undefined when another process sent some of it. */
  readonly hasher: Hasher | undefined;
}

/** Uploads that this process has paused, with the hashes that a checkpoint cannot hold. */
export interface LiveUploads {
  readonly put: (key: UploadKey, position: UploadPosition) => void;
  /** Takes it out: whoever goes on with an upload owns its hash. */
  readonly take: (key: UploadKey) => UploadPosition | undefined;
}

/** Keeps the newest `limit`; an older one goes on from its checkpoint without its hash. */
export function createLiveUploads(limit: number): LiveUploads {
  const positions = new Map<string, UploadPosition>();
  return {
    put: (key, position) => {
      const name = uploadName(key);
      positions.delete(name);
      positions.set(name, position);
      for (const oldest of positions.keys()) {
        if (positions.size <= limit) break;
        positions.delete(oldest);
      }
    },
    take: (key) => {
      const name = uploadName(key);
      const position = positions.get(name);
      positions.delete(name);
      return position;
    },
  };
}

/** One text per upload, for maps. */
export function uploadName({ registry, repository, digest }: UploadKey): string {
  return `${registry}/${repository}@${digest}`;
}
