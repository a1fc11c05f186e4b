import type { Outcome } from "./api.ts";
import type { Resource } from "./resource.ts";

/** How the page and the service get along. */
export type Connection =
  | { readonly kind: "fine" }
  | { readonly kind: "paused" }
  | { readonly kind: "lost"; readonly retrySeconds: number }
  /** It answers, with 429 or 5xx. */
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
 * per 30 s while nothing runs. Nothing is asked for while the page is hidden, a key is missing or access is refused. When the service
 * cannot be reached, one request tries at growing distances; the first that comes through refreshes everything.
 */
export function createPoller({ after, isVisible }: PollerDeps): Poller {
  const watched = new Set<Resource>();
  const listeners = new Set<() => void>();
  let connection: Connection = { kind: "fine" };
  let turn = 0;
  let backoffSeconds = 1;
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
    const isLive = [...watched].some((resource) => resource.pace() === "live");
    cancelTimer = after(isLive ? liveTickMs : idleTickMs, tick);
  }

  function tick(): void {
    const candidates = [...watched].filter((resource) => resource.pace() !== "still");
    turn += 1;
    const next = candidates[turn % Math.max(1, candidates.length)] ?? [...watched][0];
    if (next !== undefined) load(next);
  }

  /** Never rejects: a resource keeps its failure in its snapshot. */
  function load(resource: Resource): void {
    resource.load().then(
      (outcome) => settle(resource, outcome),
      () => settle(resource, { kind: "unreachable" }),
    );
  }

  function settle(resource: Resource, outcome: Outcome<unknown>): void {
    if (!watched.has(resource)) return; // the view is gone, and so is what it found
    if (outcome.kind === "sign-in") {
      wantSignIn(outcome.by);
      return;
    }
    if (outcome.kind === "unreachable") set({ kind: "lost", retrySeconds: backOff(0) });
    else if (outcome.kind === "refused" && (outcome.status === 429 || outcome.status >= 500)) {
      set({ kind: "busy", status: outcome.status, retrySeconds: backOff(outcome.retryAfterSeconds ?? 0) });
    } else if (outcome.kind === "refused" && outcome.status === 403 && outcome.problem === undefined) {
      set({ kind: "barred" }); // what the service itself refuses comes with a problem
    } else {
      hasTriedKey = false;
      heal(resource);
    }
    schedule();
  }

  function backOff(atLeastSeconds: number): number {
    const isFailing = connection.kind === "lost" || connection.kind === "busy";
    backoffSeconds = isFailing ? Math.min(longestBackoffSeconds, backoffSeconds * 2) : 1;
    return Math.max(atLeastSeconds, backoffSeconds);
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
    wantSignIn,
    connection: () => connection,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
