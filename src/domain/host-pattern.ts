import { normaliseHost, parseRegistryUri } from "./reference.ts";

/** `host[:port]`, or `*.suffix` for all hosts below a domain; in lower case. */
export type HostPattern = string;

/** Reads an entry of a list of hosts, or undefined when it is none. */
export function parseHostPattern(text: string): HostPattern | undefined {
  const entry = text.trim();
  const isWildcard = entry.startsWith("*.");
  const host = normaliseHost(isWildcard ? entry.slice(2) : entry);
  if (host === undefined) return undefined;
  if (!isWildcard) return parseRegistryUri(host, "host"); // Docker Hub has several names and one in lists
  return host.startsWith("[") ? undefined : `*.${host}`;
}

/** Whether a host is the one of the pattern, or below its domain. */
export function matchesHost(pattern: HostPattern, host: string): boolean {
  return pattern.startsWith("*.")
    ? host.endsWith(pattern.slice(1)) && host.length > pattern.length - 1
    : host === pattern;
}

export function matchesAny(patterns: readonly HostPattern[], host: string): boolean {
  return patterns.some((pattern) => matchesHost(pattern, host));
}

/** Whether a pattern stands for many hosts. */
export function isWildcard(pattern: HostPattern): boolean {
  return pattern.startsWith("*.");
}
