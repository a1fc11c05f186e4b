import { createHash, timingSafeEqual } from "node:crypto";
import type { HostRequest } from "./http-server.ts";

/** Whether a request may use something of this auth level. */
export type IsAuthorized = (request: HostRequest, authLevel: string) => boolean;

/**
 * `func start` checks no keys, so neither does this host, unless it is given some: then everything that is not
 * `anonymous` wants one of them as `x-functions-key` or `?code=`.
 */
export function createAuthorization(keys: readonly string[] | undefined): IsAuthorized {
  if (keys === undefined) return () => true;
  const known = keys.map(hash);
  return (request, authLevel) => {
    if (authLevel.toLowerCase() === "anonymous") return true;
    const given = request.headers["x-functions-key"] ?? request.query.get("code");
    if (given === null) return false;
    const candidate = hash(given);
    return known.some((key) => timingSafeEqual(key, candidate)); // hashes have one length, whatever was sent
  };
}

function hash(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
