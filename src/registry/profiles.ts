import { MiB } from "../descriptor.ts";

/**
 * How one kind of registry differs from the OCI distribution spec. Code asks the profile and never the host name.
 * Facts behind the values: docs/registries.md.
 */
export interface RegistryProfile {
  readonly name: string;
  /** Bytes per PATCH where chunks are needed; 0: the registry takes no chunks at all. */
  readonly chunkBytes: number;
  /** An old Location is refused after a PATCH, so a checkpoint is written after every accepted chunk. */
  readonly hasStatefulLocation: boolean;
  /** The `Range` of an upload answer tells the true offset. ECR's sticks at the first chunk. */
  readonly reportsRange: boolean;
  /** The closing PUT checks the digest, so that a resumed session needs no hash of our own. */
  readonly checksDigest: boolean;
}

const unknown: RegistryProfile = {
  name: "unknown",
  chunkBytes: 16 * MiB,
  hasStatefulLocation: true,
  reportsRange: true,
  checksDigest: true,
};

const profiles: readonly RegistryProfile[] = [
  unknown,
  { ...unknown, name: "distribution" },
  { ...unknown, name: "harbor" },
  { ...unknown, name: "gitlab" },
  { ...unknown, name: "acr", chunkBytes: 8 * MiB },
  { ...unknown, name: "ghcr", chunkBytes: 4 * MiB, hasStatefulLocation: false },
  { ...unknown, name: "ecr", chunkBytes: 10 * MiB, hasStatefulLocation: false, reportsRange: false },
  { ...unknown, name: "gar", chunkBytes: 0, hasStatefulLocation: false },
  { ...unknown, name: "zot", hasStatefulLocation: false },
];

const hostPatterns: readonly (readonly [RegExp, string])[] = [
  [/\.azurecr\.(io|cn|us)$/, "acr"],
  [/^ghcr\.io$/, "ghcr"],
  [/^(public\.ecr\.aws|\d+\.dkr\.ecr(-fips)?\.[a-z0-9-]+\.amazonaws\.com(\.cn)?)$/, "ecr"],
  [/(\.pkg\.dev|^([a-z]+\.)?gcr\.io)$/, "gar"],
  [/^registry\.gitlab\.com$/, "gitlab"],
  [/^registry-1\.docker\.io$/, "distribution"],
];

export const profileNames: readonly string[] = profiles.map(({ name }) => name);

/** The profile of that name, else the one found by `apiHost`, else `unknown`. */
export function profileFor(apiHost: string, name: string | undefined): RegistryProfile {
  const wanted = name ?? hostPatterns.find(([pattern]) => pattern.test(apiHost.replace(/:\d+$/, "")))?.[1];
  return profiles.find((profile) => profile.name === wanted) ?? unknown;
}
