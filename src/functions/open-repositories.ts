import { type HostPattern, matchesAny } from "../domain/host-pattern.ts";
import type { ImportId } from "../domain/import-id.ts";
import type { ImportRecord } from "../domain/import-record.ts";
import { type ImportSpec, targetRepositories } from "../domain/import-spec.ts";
import type { Registries, SourceCredentials } from "../domain/registries.ts";
import { ImportError, type Side, type Stage } from "../errors.ts";
import type { Registry, RegistryAccess, RegistryClient, Repository } from "../registry/registry.ts";

export interface OpenRepositoriesDeps {
  readonly client: Pick<RegistryClient, "open">;
  readonly registries: Pick<Registries, "credentialsFor" | "entryFor">;
  readonly insecureHosts: readonly HostPattern[];
  readonly readSecret: (importId: ImportId) => Promise<SourceCredentials | undefined>;
}

/** Both sides of an import, with the rights that it needs there. */
export interface OpenedRepositories {
  readonly source: Repository;
  /** In the order of {@link targetRepositories}. */
  readonly targets: readonly Repository[];
}

export interface OpenRepositories {
  readonly ofImport: (record: ImportRecord, stage: Stage) => Promise<OpenedRepositories>;
  /** A target as the settings alone say how to reach it. */
  readonly registryOf: (host: string) => Registry;
  /** A source as the settings alone say how to reach it. */
  readonly sourceOf: (host: string) => Registry;
  /** For a dry run: no record, no stored secret. */
  readonly ofSpec: (spec: ImportSpec, credentials: SourceCredentials | undefined, stage: Stage) => OpenedRepositories;
}

export function createOpenRepositories(deps: OpenRepositoriesDeps): OpenRepositories {
  const { client, registries, insecureHosts, readSecret } = deps;

  const access = (side: Side, registry: string, stage: Stage, given: SourceCredentials | undefined): RegistryAccess => {
    const entry = registries.entryFor(registry);
    return {
      side,
      registry,
      stage,
      credentials: registries.credentialsFor(registry, given),
      insecure: matchesAny(insecureHosts, registry),
      ...(entry?.profile === undefined ? {} : { profile: entry.profile }),
    };
  };

  const ofSpec: OpenRepositories["ofSpec"] = (spec, credentials, stage) => {
    const source = client.open(access("source", spec.source.registry, stage, credentials));
    const target = client.open(access("target", spec.target.registry, stage, undefined));
    return {
      source: source.repository(spec.source.repository, ["pull"]),
      targets: targetRepositories(spec).map((name) => target.repository(name, ["pull", "push"])),
    };
  };

  return {
    registryOf: (host) => client.open(access("target", host, "resolve", undefined)),
    sourceOf: (host) => client.open(access("source", host, "resolve", undefined)),
    ofSpec,
    ofImport: async ({ id, spec, hasCredentials }, stage) => {
      const credentials = hasCredentials ? await readSecret(id) : undefined;
      if (hasCredentials && credentials === undefined) throw credentialsGone(spec);
      return ofSpec(spec, credentials, stage);
    },
  };
}

function credentialsGone({ source: { registry } }: ImportSpec): ImportError {
  return new ImportError({
    code: "CREDENTIALS_REQUIRED",
    side: "source",
    registry,
    what: "the credentials of the request are gone",
    hint: "retry the import with source.credentials",
  });
}
