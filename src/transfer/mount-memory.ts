import type { Digest } from "../digest.ts";

/** What this process knows of which repository of a host holds which blob, to mount it from there. */
export interface MountMemory {
  readonly remember: (host: string, digest: Digest, repository: string) => void;
  readonly recall: (host: string, digest: Digest) => string | undefined;
  /** A mount did not come about: the blob has gone, or the host does not mount. */
  readonly forget: (host: string, digest: Digest) => void;
  /** False after a mount that should have worked and did not. */
  readonly mayMount: (host: string) => boolean;
}

/** Remembers the `limit` blobs that were seen last. */
export function createMountMemory(limit: number): MountMemory {
  const places = new Map<string, string>();
  const refusers = new Set<string>();
  const nameOf = (host: string, digest: Digest): string => `${host}@${digest}`;
  return {
    remember: (host, digest, repository) => {
      const name = nameOf(host, digest);
      places.delete(name);
      places.set(name, repository);
      const [oldest] = places.keys();
      if (places.size > limit && oldest !== undefined) places.delete(oldest);
    },
    recall: (host, digest) => places.get(nameOf(host, digest)),
    forget: (host, digest) => {
      places.delete(nameOf(host, digest));
      refusers.add(host);
    },
    mayMount: (host) => !refusers.has(host),
  };
}
