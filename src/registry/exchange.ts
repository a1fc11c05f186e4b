import { ImportError } from "../errors.ts";
import { exchangeFollowing } from "./redirects.ts";
import { headerOf } from "./response.ts";
import { isFrom, type Sending } from "./sending.ts";
import type { Transport, WireResponse } from "./transport.ts";

export interface ExchangeDeps {
  readonly transport: Transport;
  readonly userAgent: string;
  readonly headersTimeoutMs: number;
  /** Takes the errors of hosts that registries have led to. */
  readonly elsewhere: WeakSet<ImportError>;
}

/** Sends a request once, redirects followed, in the slot and turn that it has, and with this Authorization. */
export type Exchange = (
  sending: Sending,
  authorization: string | undefined,
  signal: AbortSignal,
) => Promise<WireResponse>;

export function createExchange({ transport, userAgent, headersTimeoutMs, elsewhere }: ExchangeDeps): Exchange {
  return async (sending, authorization, signal) => {
    const { access, limits, requestClass, method, url, body } = sending;
    const headers = {
      "user-agent": userAgent,
      "accept-encoding": "identity", // digests and ranges are those of the content as it is stored
      ...sending.headers,
      ...(authorization === undefined ? {} : { authorization }),
    };
    const request = {
      place: access,
      method,
      url,
      headers,
      body,
      headersTimeoutMs: sending.headersTimeoutMs ?? headersTimeoutMs,
    };
    const beforeOwn = () => limits.turn(requestClass, access, signal);
    const redirects = {
      ...{ place: access, follow: sending.redirects ?? "all", beforeOwn },
      failedElsewhere: (thrown: unknown) => thrown instanceof ImportError && elsewhere.add(thrown),
    };
    const response = await exchangeFollowing(transport, request, redirects, signal);
    if (isFrom(url, response)) sending.recognise?.((name) => headerOf(response, name));
    return response;
  };
}
