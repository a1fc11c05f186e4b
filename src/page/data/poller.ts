import { isPassing, type Outcome } from "./api.ts";
import type { Pace, Resource } from "./resource.ts";

/** How the page and the service get along. */
export type Connection =
  | { readonly kind: "fine" }
  | { readonly kind: "paused" }
  | { readonly kind: "lost"; readonly retrySeconds: number }
  /** It answers that it cannot answer for the moment; with 2xx something before it does, that does not speak for it. */
  | { readonly kind: "busy"; readonly status: number; readonly retrySeconds: number }
  /** Something before the service refuses whoever looks at the page: an access restriction, or the platform's sign-in. */
  | { readonly kind: "barred" }
  | { readonly kind: "sign-in"; readonly by: "key" | "platform"; readonly isRepeated: boolean };

export interface PollerDeps {
  /** Calls once after so long; returns what takes it back. */
  readonly after: (ms: number, run: () => void) => () => void;
  readonly isVisible: () => boolean;
}

export interface Poller {
  /** Loads at once, and from then on at its pace; returns what ends that. */
  readonly watch: (resource: Resource) => () => void;
  /** Loads everything on screen now: something was done, or the page is back. */
  readonly refresh: () => void;
  /** The page was hidden or shown. */
  readonly visibilityChanged: () => void;
  /** A key was given: tries again with it. */
  readonly signedIn: () => void;
  /** Does not wait for the next try of a service that fails. */
  readonly tryNow: () => void;
  readonly wantSignIn: (by: "key" | "platform") => void;
  readonly connection: () => Connection;
  readonly subscribe: (listener: () => void) => () => void;
}

/** One request per tick, whatever is on screen. */
const liveTickMs = 2_000;
const idleTickMs = 30_000;
const longestBackoffSeconds = 30;

/**
 * Asks for what is on screen: one resource per tick in turn, so that a page costs one request per 2 s at most, and one
 * per 30 s while nothing runs; leads have every second turn. Nothing is asked for while the page is hidden, a key is
 * missing or access is refused. When the service cannot be reached, one request tries at growing distances; the first
 * that comes through refreshes everything.
 */
export function createPoller({ after, isVisible }: PollerDeps): Poller {
  const watched = new Set<Resource>();
  const listeners = new Set<() => void>();
  let connection: Connection = { kind: "fine" };
  let turn = 0;
  let backoffSeconds = 0;
  /** How often the back-off has grown: what was asked before it did fails of the same cause. */
  let raises = 0;
  let cancelTimer: () => void = () => {};
  let hasTriedKey = false;

  function set(next: Connection): void {
    connection = next;
    for (const listener of listeners) listener();
  }

  function schedule(): void {
    cancelTimer();
    if (!isVisible() || connection.kind === "sign-in" || connection.kind === "barred" || watched.size === 0) return;
    if (connection.kind === "lost" || connection.kind === "busy") {
      cancelTimer = after(connection.retrySeconds * 1_000, tick);
      return;
    }
    const isLive = [...watched].some((resource) => paceOf(resource) === "live");
    cancelTimer = after(isLive ? liveTickMs : idleTickMs, tick);
  }

  function tick(): void {
    const candidates = [...watched].filter((resource) => paceOf(resource) !== "still");
    turn += 1;
    const leads = candidates.filter(({ isLead }) => isLead);
    const others = candidates.filter(({ isLead }) => !isLead);
    const hasBoth = leads.length > 0 && others.length > 0;
    const group = hasBoth ? (turn % 2 === 0 ? leads : others) : candidates;
    const at = hasBoth ? Math.floor(turn / 2) : turn;
    const next = group[at % Math.max(1, group.length)] ?? [...watched][0];
    if (next !== undefined) load(next, connection.kind === "fine");
  }

  /** Never rejects: a resource keeps its failure in its snapshot. */
  function load(resource: Resource, isCalm = false): void {
    const asked: Asked = { raises, isCalm };
    resource.load().then(
      (outcome) => settle(resource, outcome, asked),
      () => settle(resource, { kind: "unreachable" }, asked),
    );
  }

  function settle(resource: Resource, outcome: Outcome<unknown>, asked: Asked): void {
    if (!watched.has(resource)) return; // the view is gone, and so is what it found
    if (outcome.kind === "sign-in") {
      wantSignIn(outcome.by);
      return;
    }
    const failure = failureOf(outcome);
    if (failure !== undefined) {
      if (isFailing() && asked.raises < raises) return; // it failed with others: the next try is set
      fail(failure, asked);
    } else if (outcome.kind === "refused" && outcome.status === 403 && outcome.problem === undefined) {
      set({ kind: "barred" }); // what the service itself refuses comes with a problem
    } else {
      hasTriedKey = false;
      // Where one resource fails for long and others do not, each heals the other: only a turn that went well counts.
      if (asked.isCalm && asked.raises === raises) backoffSeconds = 0;
      heal(resource);
    }
    schedule();
  }

  /** Many requests may fail at once: the distance grows once for all that were sent before it did. */
  function fail(next: Failing, asked: Asked): void {
    if (asked.raises === raises) {
      raises += 1;
      backoffSeconds = Math.min(longestBackoffSeconds, Math.max(1, backoffSeconds * 2));
    }
    set({ ...next, retrySeconds: Math.max(next.retrySeconds, backoffSeconds) });
  }

  function isFailing(): boolean {
    return connection.kind === "lost" || connection.kind === "busy";
  }

  function heal(resource: Resource): void {
    const { kind } = connection;
    if (kind !== "lost" && kind !== "busy" && kind !== "barred") return;
    set({ kind: "fine" });
    for (const other of watched) if (other !== resource) load(other);
  }

  function wantSignIn(by: "key" | "platform"): void {
    cancelTimer();
    if (connection.kind === "sign-in") return;
    set({ kind: "sign-in", by, isRepeated: hasTriedKey });
  }

  function refresh(): void {
    if (!isVisible() || connection.kind === "sign-in") return;
    cancelTimer();
    for (const resource of watched) load(resource);
  }

  return {
    watch: (resource) => {
      watched.add(resource);
      if (connection.kind !== "sign-in") load(resource);
      return () => {
        watched.delete(resource);
        if (watched.size === 0) cancelTimer();
      };
    },
    refresh,
    visibilityChanged: () => {
      if (!isVisible()) {
        cancelTimer();
        if (connection.kind !== "sign-in") set({ kind: "paused" });
        return;
      }
      if (connection.kind === "paused") set({ kind: "fine" });
      refresh();
    },
    signedIn: () => {
      hasTriedKey = true;
      set({ kind: "fine" });
      refresh();
    },
    tryNow: () => {
      if (!isVisible() || !isFailing()) return;
      cancelTimer();
      tick();
    },
    wantSignIn,
    connection: () => connection,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** What was so when a request was sent. */
interface Asked {
  readonly raises: number;
  /** It was this one's turn while all was fine. */
  readonly isCalm: boolean;
}

type Failing = Extract<Connection, { readonly retrySeconds: number }>;

/** What an outcome says of the connection, if it may be another one soon; with the seconds that the service asks for. */
function failureOf(outcome: Outcome<unknown>): Failing | undefined {
  if (outcome.kind === "unreachable") return { kind: "lost", retrySeconds: 0 };
  if (outcome.kind !== "refused" || !isPassing(outcome)) return undefined;
  return { kind: "busy", status: outcome.status, retrySeconds: outcome.retryAfterSeconds ?? 0 };
}

/** A page that is older than the service may not understand what it answers: what it shows then says so. */
function paceOf(resource: Resource): Pace {
  try {
    return resource.pace();
  } catch {
    return "idle";
  }
}
