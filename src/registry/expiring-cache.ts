import { type ErrorPlace, ImportError } from "../errors.ts";
import { createRecentMap } from "./recent-map.ts";
import { createSingleFlight } from "./single-flight.ts";

/** Something that expires, as it was obtained. */
export interface Obtained<T> {
  readonly value: T;
  /** Counted from when it was asked for: the answer may have been long on its way. */
  readonly lifetimeSeconds: number;
}

export interface Wanted<T> {
  /** What it is and whose. */
  readonly key: string;
  /** Whom an error is told to: it names side and stage. */
  readonly place: ErrorPlace;
  readonly obtain: (signal: AbortSignal) => Promise<Obtained<T>>;
  /**
   * A value that was given out and not taken: another one is obtained in its place. One that is seconds old is given
   * again: it is wrong and not stale, and whoever is refused must not make others be asked without end.
   */
  readonly refused?: T | undefined;
}

/**
 * Values that expire (tokens, passwords that renew themselves), by key: obtained once for all who ask at a time, and anew
 * shortly before they end. A refusal holds for some seconds, for whoever asks: a thousand imports with one wrong password
 * must not lock the account.
 */
export interface ExpiringCache<T> {
  readonly get: (wanted: Wanted<T>, signal: AbortSignal) => Promise<T>;
  /** Obtains another one in place of what is there, however good that is. */
  readonly renew: (wanted: Wanted<T>, signal: AbortSignal) => Promise<T>;
  /** Drops a value, unless another one has taken its place meanwhile. */
  readonly forget: (value: T) => void;
}

interface Entry<T> {
  readonly value: T;
  readonly obtainedAtMs: number;
  readonly renewAtMs: number;
}

type Outcome<T> =
  | { readonly kind: "obtained"; readonly value: T }
  | { readonly kind: "failed"; readonly thrown: unknown; readonly place: string };

export interface ExpiringCacheDeps {
  readonly now: () => Date;
}

export function createExpiringCache<T>({ now }: ExpiringCacheDeps): ExpiringCache<T> {
  const entries = createRecentMap<Entry<T>>(maxEntries);
  const refusals = createRefusalCache({ now });
  const singleFlight = createSingleFlight<Outcome<T>>();

  const isGood = ({ value, obtainedAtMs, renewAtMs }: Entry<T>, refused: T | undefined): boolean => {
    const nowMs = now().getTime();
    const isTrusted = nowMs >= obtainedAtMs && nowMs < renewAtMs; // a clock that was set back says nothing of it
    return isTrusted && (value !== refused || nowMs - obtainedAtMs < freshMs);
  };

  const renew = async ({ key, obtain }: Wanted<T>, signal: AbortSignal): Promise<T> => {
    const askedAtMs = now().getTime();
    const { value, lifetimeSeconds } = await obtain(signal);
    const lifetimeMs = lifetimeSeconds * 1_000;
    const renewAtMs = askedAtMs + lifetimeMs - Math.min(60_000, lifetimeMs * 0.2);
    for (const [other, entry] of entries.entries()) if (entry.renewAtMs <= askedAtMs) entries.delete(other);
    entries.set(key, { value, obtainedAtMs: now().getTime(), renewAtMs });
    return value;
  };

  const attempt = async (wanted: Wanted<T>, signal: AbortSignal): Promise<Outcome<T>> => {
    try {
      return { kind: "obtained", value: await renew(wanted, signal) };
    } catch (thrown) {
      if (isRefusal(thrown)) refusals.add(wanted, thrown);
      return { kind: "failed", thrown, place: placeKey(wanted.place) };
    }
  };

  /** All share what is obtained; an error that names another side or stage is asked for again in one's own name. */
  const attemptTogether = async (wanted: Wanted<T>, signal: AbortSignal): Promise<Outcome<T>> => {
    const { key, place } = wanted;
    const own = placeKey(place);
    const outcome = await singleFlight(key, (flight) => attempt(wanted, flight), signal);
    if (outcome.kind === "obtained" || outcome.place === own) return outcome;
    return await singleFlight(JSON.stringify([key, own]), (flight) => attempt(wanted, flight), signal);
  };

  return {
    get: async (wanted, signal) => {
      const entry = entries.get(wanted.key);
      if (entry !== undefined && isGood(entry, wanted.refused)) return entry.value;
      refusals.throwKnown(wanted);
      const outcome = await attemptTogether(wanted, signal);
      if (outcome.kind === "failed") throw outcome.thrown;
      return outcome.value;
    },
    renew,
    forget: (value) => {
      for (const [key, entry] of entries.entries()) if (entry.value === value) entries.delete(key);
    },
  };
}

/** A token for each repository and right; a thousand imports at once have three of them each. */
const maxEntries = 5_000;
const freshMs = 30_000;
const refusalMs = 10_000; // whoever has just been given a role, or a repository, tries again soon

/** Who was refused in the last seconds, and how. */
function createRefusalCache({ now }: ExpiringCacheDeps) {
  const refusals = createRecentMap<{ readonly thrown: ImportError; readonly atMs: number }>(maxEntries);

  const holds = ({ atMs }: { readonly atMs: number }): boolean => {
    const ageMs = now().getTime() - atMs;
    return ageMs >= 0 && ageMs < refusalMs;
  };

  return {
    add: (refused: Refused, thrown: ImportError): void => {
      for (const [other, refusal] of refusals.entries()) if (!holds(refusal)) refusals.delete(other);
      refusals.set(refusalKey(refused), { thrown, atMs: now().getTime() });
    },
    throwKnown: (wanted: Refused): void => {
      const refusal = refusals.get(refusalKey(wanted));
      if (refusal !== undefined && holds(refusal)) throw refusal.thrown;
    },
  };
}

/** What asking again would not change, and what services count against an account; a cloud's sign-in tells no status. */
function isRefusal(thrown: unknown): thrown is ImportError {
  return thrown instanceof ImportError && !thrown.retryable && refusalCodes.test(thrown.code);
}

const refusalCodes = /_(UNAUTHORIZED|FORBIDDEN|NETWORK_RESTRICTED)$|^CREDENTIALS_REQUIRED$/;

type Refused = Pick<Wanted<unknown>, "key" | "place">;

function refusalKey({ key, place }: Refused): string {
  return JSON.stringify([key, placeKey(place)]);
}

function placeKey({ registry, side, stage }: ErrorPlace): string {
  return JSON.stringify([registry, side, stage]);
}
