import type { Digest } from "../digest.ts";
import { formatRegistryResourceId, type RegistryResourceId } from "./arm-resource-id.ts";
import type { ImportSpec } from "./import-spec.ts";
import { formatSourceImage } from "./reference.ts";

/** What a request or a spec says about how to copy. */
export interface HowToCopy {
  readonly platforms?: unknown;
  readonly sparseIndex?: boolean | undefined;
  readonly referrers?: unknown;
  readonly foreignLayers?: string | undefined;
  readonly verify?: string | undefined;
  readonly dryRun?: boolean | undefined;
}

/** The properties that only a copy by this service can carry out: ACR's own import knows none of them. */
export function beyondDelegation(how: HowToCopy): readonly (keyof HowToCopy)[] {
  const needed: Readonly<Record<keyof HowToCopy, boolean>> = {
    platforms: how.platforms !== undefined,
    sparseIndex: how.sparseIndex === true,
    referrers: how.referrers !== undefined && how.referrers !== false,
    foreignLayers: how.foreignLayers === "skip",
    verify: how.verify === "full",
    dryRun: how.dryRun === true,
  };
  return (["platforms", "sparseIndex", "referrers", "foreignLayers", "verify", "dryRun"] as const).filter(
    (property) => needed[property],
  );
}

/** Whether it was left open who copies; ACR knows no tag that may move on meanwhile. */
export function mayDelegate({ strategy, whileTagged }: ImportSpec): boolean {
  return strategy === undefined && whileTagged === undefined;
}

/** How ACR is to sign in at a source. Without a user name: an Entra access token, of another tenant too. */
export interface ImportCredentials {
  readonly username?: string;
  readonly password: string;
}

export interface DelegatedImport {
  readonly spec: ImportSpec;
  /** Host that ACR is to read from: the source's mirror where it has one. The credentials are this host's. */
  readonly readFrom: string;
  /** Found by this service; undefined: it cannot read the source. */
  readonly digest: Digest | undefined;
  /** Those of the spec that are to be written. */
  readonly tags: ImportSpec["target"]["tags"];
  /** The source's, where it is an ACR that the app's identity is to read. */
  readonly sourceId: RegistryResourceId | undefined;
  readonly credentials: ImportCredentials | undefined;
}

/** Body of ARM's `importImage`. */
export interface ImportParameters {
  readonly source: {
    readonly resourceId?: string;
    readonly registryUri?: string;
    readonly credentials?: ImportCredentials;
    readonly sourceImage: string;
  };
  readonly targetTags: string[];
  readonly untaggedTargetRepositories: string[];
  readonly mode: "Force" | "NoForce";
}

/** What ACR is asked for: by digest where that is known, so that every start imports the same. */
export function toImportParameters(delegated: DelegatedImport): ImportParameters {
  const { spec, readFrom, digest, tags, sourceId, credentials } = delegated;
  const { repository, tag } = spec.source;
  const wanted = digest ?? spec.source.digest;
  return {
    source: {
      ...(sourceId === undefined
        ? { registryUri: readFrom, ...(credentials && { credentials }) }
        : { resourceId: formatRegistryResourceId(sourceId) }),
      sourceImage: formatSourceImage({
        repository,
        ...(wanted === undefined ? { tag: tag ?? "latest" } : { digest: wanted }),
      }),
    },
    targetTags: tags.map((place) => `${place.repository}:${place.tag}`),
    untaggedTargetRepositories: [...spec.target.untaggedRepositories],
    mode: spec.conflict === "overwrite" ? "Force" : "NoForce",
  };
}
