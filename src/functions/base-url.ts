import type { HttpRequest } from "@azure/functions";

/** Scheme and host that the caller used, for links. */
export function baseUrlOf(request: HttpRequest): string {
  return new URL(request.url).origin;
}
