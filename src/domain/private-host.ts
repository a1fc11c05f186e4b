import { kindOfAddress } from "../ip-address.ts";

/**
 * Whether a host is local or private by its very name: `localhost`, and literal addresses that are not public.
 * `host` is normalised (`normaliseHost`).
 */
export function isPrivateHost(host: string): boolean {
  const name = nameOf(host);
  if (name === "localhost" || name.endsWith(".localhost")) return true;
  const kind = kindOfAddress(name);
  return kind !== undefined && kind !== "public";
}

/**
 * Whether a host is a literal address that no setting opens: link-local ones, those of a cloud's metadata and the like.
 * Private and loopback ones are the operator's to name.
 */
export function isNeverAllowed(host: string): boolean {
  const kind = kindOfAddress(nameOf(host));
  return kind !== undefined && !["public", "private", "loopback"].includes(kind);
}

/** Without port and brackets. */
function nameOf(host: string): string {
  return host.startsWith("[") ? host.slice(1, host.indexOf("]")) : host.replace(/:\d+$/, "");
}
