import { ImportError, type Side } from "../errors.ts";
import { type HostPattern, isWildcard, matchesHost } from "./host-pattern.ts";
import { isNeverAllowed, isPrivateHost } from "./private-host.ts";

/** Which registries an import may read from and write to, as the operator has set it. */
export interface AllowSettings {
  /** ALLOWED_SOURCES; undefined: any public host. */
  readonly allowedSources: readonly HostPattern[] | undefined;
  /** ALLOWED_TARGETS; undefined: the default target only. */
  readonly allowedTargets: readonly HostPattern[] | undefined;
  readonly defaultTarget: string | undefined;
  /** Hosts that the operator names exactly elsewhere (ALLOW_PRIVATE_HOSTS, REGISTRIES): these may be private. */
  readonly namedHosts: readonly string[];
}

export function isAllowedTarget(host: string, settings: AllowSettings): boolean {
  const { allowedTargets, defaultTarget } = settings;
  const patterns = allowedTargets ?? (defaultTarget === undefined ? [] : [defaultTarget]);
  return isListed(host, patterns, settings);
}

/** Names are checked here, addresses when a connection is made: a public name may well lead to a private address. */
export function isAllowedSource(host: string, settings: AllowSettings): boolean {
  const { allowedSources } = settings;
  if (allowedSources === undefined) return !isPrivateHost(host) || isNamed(host, settings);
  return isListed(host, allowedSources, settings);
}

/** Throws HOST_NOT_ALLOWED. */
export function assertAllowedTarget(host: string, settings: AllowSettings): void {
  if (!isAllowedTarget(host, settings)) throw notAllowed("target", host, "the operator can add it to ALLOWED_TARGETS");
}

/** Throws HOST_NOT_ALLOWED. */
export function assertAllowedSource(host: string, settings: AllowSettings): void {
  if (isAllowedSource(host, settings)) return;
  const isOpen = settings.allowedSources === undefined;
  const hint = isOpen
    ? "private hosts must be named in ALLOW_PRIVATE_HOSTS by the operator"
    : "the operator can add it to ALLOWED_SOURCES";
  throw notAllowed("source", host, hint);
}

/** For what reads only: a registry that imports may read from or write to. Throws HOST_NOT_ALLOWED. */
export function assertAllowedToRead(side: Side, host: string, settings: AllowSettings): void {
  if (isAllowedSource(host, settings) || isAllowedTarget(host, settings)) return;
  throw notAllowed(side, host, "the operator can add it to ALLOWED_SOURCES or ALLOWED_TARGETS");
}

function isListed(host: string, patterns: readonly HostPattern[], settings: AllowSettings): boolean {
  // A wildcard opens names below a domain, *.localhost among them; what is private must be named in full.
  return patterns.some(
    (pattern) =>
      matchesHost(pattern, host) && (!isWildcard(pattern) || !isPrivateHost(host) || isNamed(host, settings)),
  );
}

function isNamed(host: string, { namedHosts, defaultTarget }: AllowSettings): boolean {
  return namedHosts.includes(host) || host === defaultTarget;
}

function notAllowed(side: Side, registry: string, hint: string): ImportError {
  return new ImportError({
    code: "HOST_NOT_ALLOWED",
    side,
    registry,
    stage: "accept",
    property: side === "source" ? "source" : "target",
    what: "this registry is not allowed here",
    hint: isNeverAllowed(registry) ? "no setting allows such addresses" : hint,
  });
}
