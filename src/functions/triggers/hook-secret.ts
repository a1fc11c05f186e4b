import { createHash, timingSafeEqual } from "node:crypto";
import type { HttpRequest } from "@azure/functions";
import type { HookKind } from "../../domain/hook-kinds.ts";

/**
 * Whether a request brings one of these secrets: as `Authorization: Bearer SECRET`, as the password of `Basic`, as the
 * bare header (Harbor sends what was typed), or as `X-Drayage-Secret`. Docker Hub can send no header: only there the
 * query may say it (`?secret=`).
 */
export function bringsSecret(request: HttpRequest, kind: HookKind, secrets: readonly string[]): boolean {
  const given = [
    ...fromAuthorization(request.headers.get("authorization") ?? ""),
    request.headers.get("x-drayage-secret"),
    kind === "dockerhub" ? request.query.get("secret") : null,
  ].filter((text) => text !== null);
  // Every pair is compared, so that neither which secret nor how much of it was right can be told by time.
  return given.flatMap((text) => secrets.map((secret) => isSame(text, secret))).some((same) => same);
}

function fromAuthorization(header: string): readonly string[] {
  const [, scheme = "", value = ""] = /^(bearer|basic) +(.*)$/i.exec(header) ?? [];
  if (scheme.toLowerCase() === "bearer") return [value];
  if (scheme.toLowerCase() !== "basic") return [header];
  const decoded = Buffer.from(value, "base64").toString("utf8");
  return [decoded.slice(decoded.indexOf(":") + 1)];
}

/** Hashes have one length: the secret's own does not show. */
function isSame(given: string, secret: string): boolean {
  const hash = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(hash(given), hash(secret));
}
