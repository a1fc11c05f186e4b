import type { Authorizer } from "./authorizer.ts";
import type { AccountLimits } from "./limits.ts";
import type { RegistryAccess, RegistryRequest, RequestBody } from "./registry.ts";
import type { RequestClass } from "./request-class.ts";
import type { WireResponse } from "./transport.ts";

/** A request as it goes to one host. */
export interface Sending extends Omit<RegistryRequest, "target" | "pullFrom"> {
  readonly access: RegistryAccess;
  readonly limits: AccountLimits;
  readonly requestClass: RequestClass;
  /** The content of a blob comes: that lasts, and has slots of its own. */
  readonly isDownload?: boolean;
  /** Whose quota the host's answers tell, where it is not that of the request's own class. */
  readonly quotaClass?: RequestClass | undefined;
  /** Is shown the headers of every answer of the host itself. */
  readonly recognise?: (header: (name: string) => string | undefined) => void;
  readonly url: URL;
  /** What it is about, for errors: neither host nor query. */
  readonly subject: string;
  /** Absent: the request goes without Authorization, unless its headers have one. */
  readonly authorizer?: Authorizer;
  /** The request itself signs in, and this is what can be done when it is refused. */
  readonly signInHint?: string;
  /** When what it signs in with ends, where a request brought it. */
  readonly signInEndsAt?: Date | undefined;
}

/** Whether the host itself has answered, and not another one that it redirected to. */
export function isFrom({ origin }: URL, response: WireResponse): boolean {
  return response.url.origin === origin;
}

/** A stream that was begun cannot be sent again. */
export function mayReplay(body: RequestBody | undefined): boolean {
  return body === undefined || body.content instanceof Uint8Array;
}
