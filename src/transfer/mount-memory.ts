import type { Digest } from "../digest.ts";
import { createRecentMap } from "../registry/recent-map.ts";

/** What this process knows of which repository of a host holds which blob, to mount it from there. */
export interface MountMemory {
  readonly remember: (host: string, digest: Digest, repository: string) => void;
  readonly recall: (host: string, digest: Digest) => string | undefined;
  /** A mount did not come about: the blob has gone, or the host does not mount. */
  readonly forget: (host: string, digest: Digest) => void;
  /** False after a mount that should have worked and did not. */
  readonly mayMount: (host: string) => boolean;
}

/** Remembers the `limit` blobs that were seen or asked for last. */
export function createMountMemory(limit: number): MountMemory {
  const places = createRecentMap<string>(limit);
  const refusers = createRecentMap<true>(limit);
  const nameOf = (host: string, digest: Digest): string => `${host}@${digest}`;
  return {
    remember: (host, digest, repository) => {
      places.set(nameOf(host, digest), repository);
    },
    recall: (host, digest) => places.get(nameOf(host, digest)),
    forget: (host, digest) => {
      places.delete(nameOf(host, digest));
      refusers.set(host, true);
    },
    mayMount: (host) => refusers.get(host) === undefined,
  };
}
