import { type HostPattern, matchesAny } from "../domain/host-pattern.ts";
import type { ImportRecord } from "../domain/import-record.ts";
import { type ImportSpec, targetRepositories } from "../domain/import-spec.ts";
import type { Registries } from "../domain/registries.ts";
import { secretRowOf } from "../domain/secret-row.ts";
import { type NamedSecret, refreshTokenUser, type SourceCredentials } from "../domain/sign-in.ts";
import type { ParsedVerifyRequest } from "../domain/verify-request.ts";
import { ImportError, type Side, type Stage } from "../errors.ts";
import { profileFor } from "../registry/profiles.ts";
import { limitPresets } from "../registry/rate-limits.ts";
import type { Registry, RegistryAccess, RegistryClient, Repository } from "../registry/registry.ts";
import { endOf } from "../registry/sign-in-hint.ts";
import type { Secrets } from "../store/secrets.ts";
import type { ToCredentials } from "./sign-in/create-sign-in.ts";

export interface OpenRepositoriesDeps {
  readonly client: Pick<RegistryClient, "open" | "exchange">;
  readonly registries: Pick<Registries, "signInAt" | "entryFor" | "readFrom">;
  readonly toCredentials: ToCredentials;
  readonly insecureHosts: readonly HostPattern[];
  readonly secrets: Pick<Secrets, "read" | "replace">;
}

/** Both sides of an import, with the rights that it needs there. */
export interface OpenedRepositories {
  readonly source: Repository;
  /** In the order of {@link targetRepositories}. */
  readonly targets: readonly Repository[];
}

export interface OpenedToResolve extends OpenedRepositories {
  /** When the credentials end that the request brought; undefined: there are none, or they do not tell. */
  readonly credentialsEndAt: Date | undefined;
}

export interface OpenRepositories {
  readonly ofImport: (record: ImportRecord, stage: Stage) => Promise<OpenedRepositories>;
  /**
   * As `ofImport`, for the first step. An Entra token that the request brought, which lives for an hour and is good for
   * much else, is exchanged: from then on the registry's own refresh token is what is sealed.
   */
  readonly toResolve: (record: ImportRecord, signal: AbortSignal) => Promise<OpenedToResolve>;
  /** The refresh token that an ACR gives for the Entra token which is to sign in at `source`. */
  readonly refreshToken: (source: Repository, signal: AbortSignal) => Promise<string>;
  /** A target as the settings alone say how to reach it. */
  readonly registryOf: (host: string) => Registry;
  /** A source as the settings alone say how to reach it. */
  readonly sourceOf: (host: string) => Registry;
  /** For a dry run: no record, no stored secret. */
  readonly ofSpec: (spec: ImportSpec, credentials: SourceCredentials | undefined, stage: Stage) => OpenedRepositories;
  /** Both sides of a comparison, with the right to read only; nothing of it is stored. */
  readonly toCompare: (request: ParsedVerifyRequest) => { readonly source: Repository; readonly target: Repository };
}

export function createOpenRepositories(deps: OpenRepositoriesDeps): OpenRepositories {
  const { client, registries, toCredentials, insecureHosts, secrets } = deps;

  const access = (
    side: Side,
    asked: string,
    stage: Stage,
    given: SourceCredentials | NamedSecret | undefined,
  ): RegistryAccess => {
    // What a request brings is for the registry itself: no mirror may see it.
    const registry = side === "source" && given === undefined ? registries.readFrom(asked) : asked;
    const { profile, limits: granted, auth } = registries.entryFor(registry) ?? {};
    const isByEntry = auth !== undefined && auth.kind !== "anonymous";
    const limits = typeof granted === "string" ? limitPresets[granted] : granted;
    const isAcr = profileFor(registry, profile).name === "acr";
    return {
      side,
      registry,
      stage,
      credentials: toCredentials(registries.signInAt(registry, given), { host: registry, isAcr }),
      credentialsFrom: given ? "request" : isByEntry ? "entry" : side === "target" ? "settings" : undefined,
      insecure: matchesAny(insecureHosts, registry),
      ...(profile === undefined ? {} : { profile }),
      ...(limits === undefined ? {} : { limits }),
    };
  };

  const ofSpec: OpenRepositories["ofSpec"] = (spec, credentials, stage) => {
    const source = client.open(access("source", spec.source.registry, stage, credentials ?? spec.sourceSecret));
    const target = client.open(access("target", spec.target.registry, stage, undefined));
    return {
      source: source.repository(spec.source.repository, ["pull"]),
      targets: targetRepositories(spec).map((name) => target.repository(name, ["pull", "push"])),
    };
  };

  /** What the request of a record brought; CREDENTIALS_REQUIRED when it is gone. */
  const credentialsOf = async (record: ImportRecord): Promise<SourceCredentials | undefined> => {
    const row = secretRowOf(record);
    if (row === undefined) return undefined;
    const credentials = await secrets.read(row);
    if (credentials === undefined) throw credentialsGone(record.spec);
    return credentials;
  };

  const openToResolve = (spec: ImportSpec, given: SourceCredentials | undefined): OpenedToResolve => {
    const opened = ofSpec(spec, given, "resolve");
    return { ...opened, credentialsEndAt: endOf(opened.source.registry.access.credentials) };
  };

  const toResolve: OpenRepositories["toResolve"] = async (record, signal) => {
    const { spec } = record;
    const row = secretRowOf(record);
    const given = await credentialsOf(record);
    if (row === undefined || given === undefined) return openToResolve(spec, given);
    const source = access("source", spec.source.registry, "resolve", given);
    if (source.credentials.kind !== "entra") return openToResolve(spec, given);
    const kept = { username: refreshTokenUser, password: await client.exchange(source, signal) };
    if (!(await secrets.replace(row, kept))) throw credentialsGone(spec);
    return openToResolve(spec, kept);
  };

  const toCompare: OpenRepositories["toCompare"] = ({ source, target, credentials, sourceSecret }) => {
    const read = client.open(access("source", source.registry, "verify", credentials ?? sourceSecret));
    const compared = client.open(access("target", target.registry, "verify", undefined));
    return {
      source: read.repository(source.repository, ["pull"]),
      target: compared.repository(target.repository, ["pull"]),
    };
  };

  return {
    registryOf: (host) => client.open(access("target", host, "resolve", undefined)),
    sourceOf: (host) => client.open(bySettings(access("source", host, "resolve", undefined))),
    ofSpec,
    ofImport: async (record, stage) => ofSpec(record.spec, await credentialsOf(record), stage),
    toResolve,
    refreshToken: ({ registry }, signal) => client.exchange(registry.access, signal),
    toCompare,
  };
}

/** A source that no request can give credentials for. */
function bySettings(access: RegistryAccess): RegistryAccess {
  return { ...access, credentialsFrom: access.credentialsFrom ?? "settings" };
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
