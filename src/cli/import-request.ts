import type { ImportRequest } from "../domain/import-request-schema.ts";
import type { Conflict } from "../domain/import-spec.ts";
import { definedOnly } from "../errors.ts";
import { CliError } from "./cli-error.ts";
import { exitCodes } from "./exit-codes.ts";

export interface SourceCredentials {
  /** Absent: the password is a token that needs no user name. */
  readonly username?: string;
  readonly password: string;
}

/** Flags that say how images are copied. */
export interface HowFlags {
  readonly conflict?: Conflict;
  readonly platform?: string[];
  readonly sparseIndex?: true;
  readonly referrers?: true;
  readonly artifactType?: string[];
  readonly foreignLayers?: ImportRequest["foreignLayers"];
  readonly strategy?: ImportRequest["strategy"];
  readonly verify?: ImportRequest["verify"];
  readonly label?: string[];
  readonly timeout?: number;
}

/** The flags of `drayage import` that describe the import, as commander hands them over. */
export interface ImportFlags extends HowFlags {
  readonly source: string;
  readonly registry?: string;
  readonly name?: string;
  readonly target?: string;
  readonly image?: string[];
  readonly repository?: string[];
  readonly force?: true;
}

/** The request that the flags describe, for the service to check; throws a usage error where they contradict each other. */
export function toImportRequest(flags: ImportFlags, credentials: SourceCredentials | undefined): ImportRequest {
  if (flags.sparseIndex && flags.platform === undefined) throw usage("--sparse-index needs --platform");
  return {
    source: toSource(flags, credentials),
    ...definedOnly({
      target: flags.target ?? flags.name,
      targetTags: flags.image,
      untaggedTargetRepositories: flags.repository,
      mode: flags.force ? ("Force" as const) : undefined,
    }),
    ...toHow(flags),
  };
}

/** The part of a request that says how images are copied. */
export function toHow(flags: HowFlags) {
  return definedOnly({
    conflict: flags.conflict,
    platforms: flags.platform,
    sparseIndex: flags.sparseIndex,
    referrers: toReferrers(flags),
    foreignLayers: flags.foreignLayers,
    strategy: flags.strategy,
    verify: flags.verify,
    timeoutSeconds: flags.timeout,
    labels: flags.label === undefined ? undefined : parseLabels(flags.label),
  });
}

/** `--artifact-type` alone asks for referrers, too. */
function toReferrers({
  referrers,
  artifactType,
}: Pick<ImportFlags, "referrers" | "artifactType">): ImportRequest["referrers"] {
  return artifactType === undefined ? referrers : { artifactTypes: artifactType };
}

/** A usage error (exit 2). */
export function usage(message: string, hint?: string): CliError {
  return new CliError({ exitCode: exitCodes.usage, message, hint });
}

/** The reference goes as it was typed: the service knows aliases, hosts and what to say about a wrong one. */
function toSource(
  { registry, source }: ImportFlags,
  credentials: SourceCredentials | undefined,
): ImportRequest["source"] {
  const withCredentials = definedOnly({ credentials });
  if (registry === undefined) return credentials === undefined ? source : { sourceImage: source, ...withCredentials };
  if (!isResourceId(registry)) return { registryUri: registry, sourceImage: source, ...withCredentials };
  if (credentials === undefined) return { resourceId: registry, sourceImage: source };
  throw usage(
    "--registry with a resource id takes no credentials",
    "give the login server to use --username and --password",
  );
}

function isResourceId(registry: string): boolean {
  return registry.toLowerCase().startsWith("/subscriptions/");
}

/** `KEY=VALUE` texts as one object; throws a usage error for others. */
function parseLabels(texts: readonly string[]): Record<string, string> {
  const labels = new Map<string, string>();
  for (const text of texts) {
    const equals = text.indexOf("=");
    if (equals < 1) throw usage(`--label ${text}: not of the form KEY=VALUE`);
    const key = text.slice(0, equals);
    if (labels.has(key)) throw usage(`--label ${key} is given twice`);
    labels.set(key, text.slice(equals + 1));
  }
  return Object.fromEntries(labels);
}
