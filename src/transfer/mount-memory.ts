import type { Digest } from "../digest.ts";
import { createRecentMap } from "../registry/recent-map.ts";

/** What this process knows of which repository of a host holds which blob, to mount it from there. */
export interface MountMemory {
  readonly remember: (host: string, digest: Digest, repository: string) => void;
  readonly recall: (host: string, digest: Digest) => string | undefined;
  /** A mount from where the blob was remembered did not come about; see {@link MountFailure}. */
  readonly failed: (host: string, digest: Digest, failure: MountFailure) => void;
  /** False for ten minutes after a host did not mount what it had surely had. */
  readonly mayMount: (host: string) => boolean;
}

/** `place`: this repository may not be mounted from. `unknown`: the blob has gone from there, or the host does not mount. */
export type MountFailure = "place" | "unknown";

export interface MountMemoryDeps {
  /** How many blobs are remembered: those that were seen or asked for last. */
  readonly limit: number;
  /** Milliseconds since any fixed time. */
  readonly now: () => number;
}

/** How long a blob is surely still where it was seen, and how long a host is believed not to mount. */
const freshMs = 10 * 60_000;

export function createMountMemory({ limit, now }: MountMemoryDeps): MountMemory {
  const places = createRecentMap<{ readonly repository: string; readonly seenAt: number }>(limit);
  const refusedAt = createRecentMap<number>(limit);
  const nameOf = (host: string, digest: Digest): string => `${host}@${digest}`;
  const isFresh = (at: number | undefined): boolean => at !== undefined && now() - at < freshMs;
  return {
    remember: (host, digest, repository) => {
      places.set(nameOf(host, digest), { repository, seenAt: now() });
    },
    recall: (host, digest) => places.get(nameOf(host, digest))?.repository,
    failed: (host, digest, failure) => {
      const name = nameOf(host, digest);
      if (failure === "unknown" && isFresh(places.get(name)?.seenAt)) refusedAt.set(host, now());
      places.delete(name);
    },
    mayMount: (host) => !isFresh(refusedAt.get(host)),
  };
}
