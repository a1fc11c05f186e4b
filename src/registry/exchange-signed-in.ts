import type { Authorizer } from "./authorizer.ts";
import type { Exchange } from "./exchange.ts";
import { discard, headerOf } from "./response.ts";
import { isFrom, mayReplay, type Sending } from "./sending.ts";
import type { WireResponse } from "./transport.ts";

export interface Answer {
  readonly response: WireResponse;
  /** A 401 that the same request would not meet a second time; only its body could not be sent again. */
  readonly isRetryable: boolean;
}

/** The answer, after a second try with another token where the first one was refused. */
export type ExchangeSignedIn = (sending: Sending, signal: AbortSignal) => Promise<Answer>;

export function createExchangeSignedIn(exchange: Exchange): ExchangeSignedIn {
  /** Learns how a host wants to be signed in at, where the request itself could not be sent a second time. */
  const introduce = async (sending: Sending, authorizer: Authorizer, signal: AbortSignal): Promise<void> => {
    const { access, limits, url } = sending;
    const ping = {
      ...{ access, limits },
      requestClass: "read",
      url: new URL("/v2/", url),
      method: "GET",
      subject: "",
      accept: [],
    } as const;
    await limits.turn(ping.requestClass, access, signal);
    const response = await exchange(ping, undefined, signal);
    await discard(response);
    if (response.status === 401) await authorizer.renew(challengeOf(response), undefined, signal);
    else authorizer.accepted();
  };

  return async (sending, signal) => {
    const { access, limits, requestClass, authorizer, url, body } = sending;
    if (authorizer === undefined) return { response: await exchange(sending, undefined, signal), isRetryable: false };
    const isReplayable = mayReplay(body);
    if (!isReplayable && authorizer.isFirstContact()) await introduce(sending, authorizer, signal);
    const authorization = await authorizer.current(signal);
    const response = await exchange(sending, authorization, signal);
    // A host that we were redirected to has no say in how we sign in here.
    if (response.status !== 401 || !isFrom(url, response)) {
      if (response.status !== 401) authorizer.accepted();
      return { response, isRetryable: false };
    }
    try {
      const renewed = await authorizer.renew(challengeOf(response), authorization, signal);
      if (renewed === undefined || !isReplayable) return { response, isRetryable: renewed !== undefined };
      await discard(response);
      await limits.turn(requestClass, access, signal);
      return { response: await exchange(sending, renewed, signal), isRetryable: false };
    } catch (thrown) {
      await discard(response);
      throw thrown;
    }
  };
}

function challengeOf(response: WireResponse): string {
  return headerOf(response, "www-authenticate") ?? "";
}
