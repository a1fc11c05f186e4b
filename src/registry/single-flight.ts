import { unlessAborted } from "./unless-aborted.ts";

/** Runs `start` once for all who ask for `key` while it runs. */
export type SingleFlight<T> = (
  key: string,
  start: (signal: AbortSignal) => Promise<T>,
  signal: AbortSignal,
) => Promise<T>;

interface Flight<T> {
  readonly result: Promise<T>;
  readonly abandon: AbortController;
  waiting: number;
}

/** Nobody who gives up takes the others along: the work itself is aborted only when nobody waits for it any more. */
export function createSingleFlight<T>(): SingleFlight<T> {
  const flights = new Map<string, Flight<T>>();

  const launch = (key: string, start: (signal: AbortSignal) => Promise<T>): Flight<T> => {
    const abandon = new AbortController();
    const land = () => {
      if (flights.get(key) === flight) flights.delete(key);
    };
    const flight: Flight<T> = { result: start(abandon.signal).finally(land), abandon, waiting: 0 };
    flights.set(key, flight);
    return flight;
  };

  return async (key, start, signal) => {
    signal.throwIfAborted();
    const flight = flights.get(key) ?? launch(key, start);
    flight.waiting += 1;
    try {
      return await unlessAborted(flight.result, signal);
    } finally {
      flight.waiting -= 1;
      if (flight.waiting === 0) {
        flights.delete(key);
        flight.abandon.abort(signal.reason);
      }
    }
  };
}
