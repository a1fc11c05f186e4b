import { definedOnly, type ErrorCode, ImportError } from "../errors.ts";
import { beyondDelegation } from "./delegation.ts";
import {
  type ImportRequest,
  importRequestSchema,
  maxRequestChars,
  type Problem,
  shapeProblems,
} from "./import-request-schema.ts";
import type { Conflict, ImportSpec, Platform } from "./import-spec.ts";
import {
  aliasIn,
  type ImportTarget,
  parseImportTarget,
  parseRegistry,
  parseRegistryResource,
  type RegistryNames,
  withoutHost,
} from "./import-target.ts";
import { parsePlatform } from "./platform.ts";
import { parseSourceImage, splitReference, type TypedReference, toReference } from "./reference.ts";
import type { SourceCredentials } from "./sign-in.ts";

export interface RequestSettings extends RegistryNames {
  /** HTTP, CLI and ARM: fail; queue and promotions: skipIfSame; rules and schedules: overwrite. */
  readonly defaultConflict: Conflict;
  readonly defaultTimeoutSeconds: number;
}

export interface ParsedImportRequest {
  readonly spec: ImportSpec;
  readonly credentials?: SourceCredentials;
  readonly dryRun: boolean;
}

/**
 * Reads a request and applies all defaults and rules. Throws INVALID_REQUEST, INVALID_REFERENCE or NOT_SUPPORTED with
 * the first property at fault; the message tells of all that are. Shape comes first, then what
 * contradicts itself, then values.
 */
export function parseImportRequest(body: unknown, settings: RequestSettings): ParsedImportRequest {
  const request = parseShape(body);
  refuse("INVALID_REQUEST", contradictions(request));
  const { source, target, platforms } = parseValues(request, settings);
  const spec = toSpec(request, settings, { source, target, platforms });
  return {
    spec,
    ...definedOnly({ credentials: toCredentials(request) }),
    dryRun: request.dryRun ?? false,
  };
}

/** Throws INVALID_REQUEST for a request that is too long to be stored and queued. */
export function assertRequestSize(text: string): void {
  if (text.length <= maxRequestChars) return;
  refuse("INVALID_REQUEST", [
    { property: "", what: `the request has ${text.length} characters, at most ${maxRequestChars} are taken` },
  ]);
}

interface Source extends TypedReference {
  readonly resourceId?: string;
  readonly isAssumed?: true;
}

interface Values {
  readonly source: Source;
  readonly target: ImportTarget;
  readonly platforms: readonly Platform[] | undefined;
}

function toSpec(request: ImportRequest, settings: RequestSettings, { source, target, platforms }: Values): ImportSpec {
  const byMode = { NoForce: "fail", Force: "overwrite" } as const;
  return {
    v: 1,
    source: {
      ...toReference(source.registry, source.image),
      ...definedOnly({ resourceId: source.resourceId, isAssumed: source.isAssumed }),
    },
    target: {
      registry: target.registry,
      tags: [...target.tags],
      untaggedRepositories: [...target.untaggedRepositories],
    },
    conflict: request.conflict ?? (request.mode ? byMode[request.mode] : settings.defaultConflict),
    ...(platforms === undefined ? {} : { platforms: [...platforms] }),
    sparseIndex: request.sparseIndex ?? false,
    ...definedOnly({ referrers: toReferrers(request.referrers), sourceSecret: toSourceSecret(request) }),
    foreignLayers: request.foreignLayers ?? "auto",
    verify: request.verify ?? "manifest",
    ...definedOnly({ strategy: request.strategy === "auto" ? undefined : request.strategy }),
    timeoutSeconds: request.timeoutSeconds ?? settings.defaultTimeoutSeconds,
    labels: request.labels ?? {},
  };
}

/** Whether and which referrers travel along, whatever way it was said. */
export function toReferrers(referrers: ImportRequest["referrers"]): ImportSpec["referrers"] {
  if (referrers === undefined || referrers === false) return undefined;
  const types = referrers === true ? undefined : referrers.artifactTypes;
  return types === undefined ? {} : { artifactTypes: [...new Set(types)] };
}

function parseShape(body: unknown): ImportRequest {
  refuse("INVALID_REQUEST", shapeProblems(body));
  return importRequestSchema.parse(body);
}

function parseValues(request: ImportRequest, settings: RequestSettings): Values {
  const errors: ImportError[] = [];
  const attempt = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (thrown) {
      if (!(thrown instanceof ImportError)) throw thrown;
      errors.push(thrown);
      return undefined;
    }
  };
  const source = attempt(() => parseSource(request, settings));
  // A source that cannot be read has been refused already: the target is read for its own problems only.
  const target = attempt(() => parseImportTarget(request, source?.image ?? { repository: "unknown" }, settings));
  const platforms = (request.platforms ?? []).map((text, at) => attempt(() => parsePlatform(text, `platforms[${at}]`)));
  const [first, ...others] = errors;
  if (first !== undefined) throw others.length === 0 ? first : joined(first, others);
  const found = platforms.filter((platform) => platform !== undefined);
  if (source === undefined || target === undefined) throw new Error("a value was refused without an error");
  return { source, target, platforms: request.platforms === undefined ? undefined : distinct(found) };
}

function parseSource({ source }: ImportRequest, settings: RequestSettings): Source {
  if (typeof source === "string") return splitSource(source, "source", settings);
  if (source.resourceId !== undefined) {
    const found = parseRegistryResource(source.resourceId, "source.resourceId", settings);
    const image = withoutHost(source.sourceImage, found.registry);
    return { ...found, resourceId: source.resourceId, image: parseSourceImage(image, "source.sourceImage") };
  }
  if (source.registryUri === undefined) return splitSource(source.sourceImage, "source.sourceImage", settings);
  const registry = parseRegistry(source.registryUri, "source.registryUri", settings);
  return { registry, image: parseSourceImage(withoutHost(source.sourceImage, registry), "source.sourceImage") };
}

/** The host of a reference is never an alias; who writes one there gets to know where it goes. */
function splitSource(text: string, property: string, settings: RequestSettings): TypedReference {
  const { alias, rest, host } = aliasIn(text, settings);
  if (host === undefined) return splitReference(text, property);
  throw new ImportError({
    ...{ code: "INVALID_REFERENCE", stage: "accept", property },
    what: `${property} ${JSON.stringify(text.slice(0, 200))}: the registry's host is missing`,
    hint: `${alias} is an alias: --registry ${alias} --source ${rest}, over HTTP source.registryUri and source.sourceImage`,
  });
}

function distinct(platforms: readonly Platform[]): readonly Platform[] {
  return [...new Map(platforms.map((platform) => [JSON.stringify(platform), platform])).values()];
}

function toCredentials({ source }: ImportRequest): SourceCredentials | undefined {
  if (typeof source === "string") return undefined;
  const { username, password } = source.credentials ?? {};
  return password === undefined ? undefined : { username, password };
}

function toSourceSecret({ source }: ImportRequest): ImportSpec["sourceSecret"] {
  if (typeof source === "string" || source.credentials?.secret === undefined) return undefined;
  const { username, secret } = source.credentials;
  return { secret, ...definedOnly({ username }) };
}

function contradictions(request: ImportRequest): readonly Problem[] {
  const { mode, conflict, platforms, sparseIndex, strategy, source } = request;
  const { credentials, resourceId, registryUri } = typeof source === "string" ? {} : source;
  const problems: readonly (Problem | false)[] = [
    credentials !== undefined &&
      credentials.password === undefined &&
      credentials.secret === undefined && { property: "source.credentials.password", what: "is missing" },
    credentials?.password !== undefined &&
      credentials.secret !== undefined && {
        property: "source.credentials.secret",
        what: "excludes password: give one of the two",
      },
    resourceId !== undefined &&
      credentials !== undefined && { property: "source.credentials", what: "go with registryUri, not with resourceId" },
    resourceId !== undefined &&
      registryUri !== undefined && { property: "source.resourceId", what: "excludes registryUri: give one of the two" },
    mode !== undefined &&
      conflict !== undefined && { property: "conflict", what: "excludes mode: give one of the two" },
    sparseIndex === true && platforms === undefined && { property: "sparseIndex", what: "goes with platforms only" },
    ...(strategy === "delegate" ? beyondDelegation(request) : []).map((property) => ({
      property,
      what: `is what ACR's own import cannot do: leave it out, or strategy "delegate"`,
    })),
  ];
  return problems.filter((problem) => problem !== false);
}

/** Throws one error for all problems, if there are any. */
export function refuse(code: ErrorCode, problems: readonly Problem[], hint?: string): void {
  const [first] = problems;
  if (first === undefined) return;
  const what = problems.map(({ property, what }) => (property === "" ? what : `${property}: ${what}`)).join(" · ");
  throw new ImportError({
    code,
    stage: "accept",
    what,
    ...definedOnly({ property: first.property || undefined, hint }),
  });
}

/** The first error, telling of the others too. */
function joined(first: ImportError, others: readonly ImportError[]): ImportError {
  const { property, hint } = first.toWire();
  const what = [first, ...others].map(({ message }) => message).join(" · ");
  return new ImportError({
    code: first.code,
    stage: "accept",
    what,
    ...definedOnly({ property }),
    ...(hint && what.includes(hint) ? {} : definedOnly({ hint })),
  });
}
