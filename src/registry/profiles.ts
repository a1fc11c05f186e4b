import { MiB } from "../descriptor.ts";
import { acrLimits, type RateLimits } from "./rate-limits.ts";

/**
 * How one kind of registry differs from the OCI distribution spec. Code asks the profile and never the host name.
 * Facts behind the values: docs/registries.md.
 */
export interface RegistryProfile {
  readonly name: string;
  /** Bytes per PATCH where chunks are needed; 0: the registry takes no chunks at all. */
  readonly chunkBytes: number;
  /** The least that a PATCH may have, but for the last one. */
  readonly minChunkBytes: number;
  /** An old Location is refused after a PATCH, so a checkpoint is written after every accepted chunk. */
  readonly hasStatefulLocation: boolean;
  /** The `Range` of an upload answer tells the true offset. ECR's sticks at the first chunk. */
  readonly reportsRange: boolean;
  /** The `Range` of an upload that is asked for counts so many bytes more than there are. */
  readonly statusAheadBytes: number;
  /** The closing PUT checks the digest, so that a resumed session needs no hash of our own. */
  readonly checksDigest: boolean;
  /** A HEAD of a blob is refused, whoever asks. */
  readonly refusesBlobHeads: boolean;
  /** A HEAD of what is not there is answered 403. */
  readonly forbidsMissing: boolean;
  /** GETs of manifests have a quota of their own, which nothing else touches. */
  readonly countsPulls: boolean;
  /** What an account may ask a minute, the likeliest first; the next holds when the host refuses more. */
  readonly rates: readonly RateLimits[];
}

const unknown: RegistryProfile = {
  name: "unknown",
  chunkBytes: 16 * MiB,
  minChunkBytes: MiB,
  hasStatefulLocation: true,
  reportsRange: true,
  statusAheadBytes: 0,
  checksDigest: true,
  refusesBlobHeads: false,
  forbidsMissing: false,
  countsPulls: false,
  rates: [],
};

const ecr: RegistryProfile = {
  ...unknown,
  name: "ecr",
  chunkBytes: 10 * MiB,
  minChunkBytes: 5 * MiB,
  hasStatefulLocation: false,
  reportsRange: false,
};

const profiles: readonly RegistryProfile[] = [
  unknown,
  { ...unknown, name: "distribution" },
  { ...unknown, name: "dockerhub", countsPulls: true },
  { ...unknown, name: "harbor" },
  { ...unknown, name: "gitlab" },
  { ...unknown, name: "quay", statusAheadBytes: 1 },
  { ...unknown, name: "artifactory", forbidsMissing: true },
  { ...unknown, name: "acr", chunkBytes: 8 * MiB, rates: acrLimits },
  { ...unknown, name: "ghcr", chunkBytes: 4 * MiB, hasStatefulLocation: false },
  ecr,
  { ...ecr, name: "ecrpublic", refusesBlobHeads: true },
  { ...unknown, name: "gar", chunkBytes: 0, hasStatefulLocation: false },
  { ...unknown, name: "zot", hasStatefulLocation: false },
];

const hostPatterns: readonly (readonly [RegExp, string])[] = [
  [/\.azurecr\.(io|cn|us)$/, "acr"],
  [/^ghcr\.io$/, "ghcr"],
  [/^public\.ecr\.aws$/, "ecrpublic"],
  [/^\d+\.dkr\.ecr(-fips)?\.[a-z0-9-]+\.amazonaws\.com(\.cn)?$/, "ecr"],
  [/^\d+\.dkr-ecr(-fips)?\.[a-z0-9-]+\.on\.(aws|amazonwebservices\.com\.cn)$/, "ecr"], // dual stack
  [/(\.pkg\.dev|^([a-z]+\.)?gcr\.io)$/, "gar"],
  [/^registry\.gitlab\.com$/, "gitlab"],
  [/^registry-1\.docker\.io$/, "dockerhub"],
  [/^quay\.io$/, "quay"],
  [/\.jfrog\.io$/, "artifactory"],
];

/** Headers by which registries under any name tell what they are. Sources: docs/registries.md, "Profiles". */
const headerMarks: readonly (readonly [header: string, RegExp, name: string])[] = [
  ["server", /^AzureContainerRegistry/i, "acr"],
  ["server", /^Artifactory\//i, "artifactory"],
  ["x-artifactory-id", /./, "artifactory"],
  ["gitlab-container-registry-version", /./, "gitlab"],
  ["www-authenticate", /\bservice="container_registry"/i, "gitlab"],
  ["www-authenticate", /\bservice="harbor-registry"/i, "harbor"],
];

export const profileNames: readonly string[] = profiles.map(({ name }) => name);

/** The name of the profile that a host is known to have. */
export function profileOfHost(apiHost: string): string | undefined {
  return hostPatterns.find(([pattern]) => pattern.test(apiHost.replace(/:\d+$/, "")))?.[1];
}

/** The name of the profile that an answer shows. */
export function profileOfAnswer(header: (name: string) => string | undefined): string | undefined {
  return headerMarks.find(([name, mark]) => mark.test(header(name) ?? ""))?.[2];
}

/** The profile of that name, else the one found by `apiHost`, else `unknown`. */
export function profileFor(apiHost: string, name: string | undefined): RegistryProfile {
  return profileNamed(name ?? profileOfHost(apiHost));
}

/** The profile of that name, else `unknown`. */
export function profileNamed(name: string | undefined): RegistryProfile {
  return profiles.find((profile) => profile.name === name) ?? unknown;
}
