import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Api, Change, KeyStore, Outcome } from "./data/api.ts";
import type { Poller } from "./data/poller.ts";
import type { Drafts } from "./drafts.ts";

/** What every view works with. */
export interface Services {
  readonly api: Api;
  readonly poller: Poller;
  readonly key: KeyStore;
  readonly drafts: Drafts;
  /** Idempotency keys of starts that were sent, by the request, until the service says that it took them; in memory alone. */
  readonly startKeys: Map<string, string>;
  /** Sends something that changes the service, and shows at once what became of it. */
  readonly act: <T>(change: Change) => Promise<Outcome<T>>;
}

export const ServicesContext = createContext<Services | undefined>(undefined);

/** The services of the page around the calling component. */
export function useServices(): Services {
  const services = useContext(ServicesContext);
  if (services === undefined) throw new Error("a view stands outside of the page");
  return services;
}

/** What `act` of {@link Services} does. */
export function createAct(api: Pick<Api, "change">, poller: Poller): Services["act"] {
  return async <T>(change: Change) => {
    const outcome = await api.change<T>(change);
    if (outcome.kind === "sign-in") poller.wantSignIn(outcome.by);
    else poller.refresh(); // after a refusal, too: another tab may have been faster
    return outcome;
  };
}
