import { kindOfAddress } from "../ip-address.ts";

/**
 * Whether a host is local or private by its very name: `localhost`, and literal addresses that are not public.
 * `host` is normalised (`normaliseHost`).
 */
export function isPrivateHost(host: string): boolean {
  const name = host.startsWith("[") ? host.slice(1, host.indexOf("]")) : host.replace(/:\d+$/, "");
  if (name === "localhost" || name.endsWith(".localhost")) return true;
  const kind = kindOfAddress(name);
  return kind !== undefined && kind !== "public";
}
