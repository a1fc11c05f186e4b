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

/** The flags of `drayage import` that describe the import, as commander hands them over. */
export interface ImportFlags {
  readonly source: string;
  readonly registry?: string;
  readonly name?: string;
  readonly target?: string;
  readonly image?: string[];
  readonly repository?: string[];
  readonly force?: true;
  readonly conflict?: Conflict;
  readonly platform?: string[];
  readonly sparseIndex?: true;
  readonly label?: string[];
  readonly timeout?: number;
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
      conflict: flags.conflict,
      platforms: flags.platform,
      sparseIndex: flags.sparseIndex,
      timeoutSeconds: flags.timeout,
      labels: flags.label === undefined ? undefined : parseLabels(flags.label),
    }),
  };
}

/** A usage error (exit 2). */
export function usage(message: string, hint?: string): CliError {
  return new CliError({ exitCode: exitCodes.usage, message, hint });
}

function toSource(flags: ImportFlags, credentials: SourceCredentials | undefined): ImportRequest["source"] {
  const { registry, source } = flags;
  const withCredentials = definedOnly({ credentials });
  if (registry !== undefined) {
    if (!isResourceId(registry)) {
      return { registryUri: registry, sourceImage: withoutHost(source, registry), ...withCredentials };
    }
    if (credentials !== undefined) {
      throw usage(
        "--registry with a resource id takes no credentials",
        "give the login server to use --username/--password",
      );
    }
    return { resourceId: registry, sourceImage: source };
  }
  if (credentials === undefined) return source;
  const slash = source.indexOf("/");
  const host = source.slice(0, Math.max(slash, 0));
  if (!/[.:]|^localhost$/.test(host)) {
    throw usage(
      "--source names no registry",
      `e.g. --source docker.io/${source.replace(/^\/+/, "")}, or --registry HOST`,
    );
  }
  return { registryUri: host, sourceImage: source.slice(slash + 1), ...withCredentials };
}

function isResourceId(registry: string): boolean {
  return registry.toLowerCase().startsWith("/subscriptions/");
}

/** With `--registry` the source is an image even if it names that registry again, as with `az acr import`. */
function withoutHost(source: string, registry: string): string {
  const host = registry.replace(/^https?:\/\//, "").replace(/\/+$/, "");
  return source.toLowerCase().startsWith(`${host.toLowerCase()}/`) ? source.slice(host.length + 1) : source;
}

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
