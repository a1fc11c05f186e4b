import { type ErrorPlace, ImportError } from "../errors.ts";
import { codeOf } from "./errors-from-response.ts";
import type { HostBoard, HostFacts, Pause } from "./host-board.ts";
import { createPauses, longestPauseMs, pausedClass, pauseKey } from "./pauses.ts";
import { chargedClasses, perMinuteOf, type RateLimits } from "./rate-limits.ts";
import { createRecentMap } from "./recent-map.ts";
import { createRefusals } from "./refusals.ts";
import { classOf, type RequestClass, type SlotKind } from "./request-class.ts";
import { createSemaphore, type Semaphore } from "./semaphore.ts";
import { createTokenBucket, type TokenBucket } from "./token-bucket.ts";
import { unlessAborted } from "./unless-aborted.ts";

export interface HostLimitsOptions {
  /** Requests in flight of each kind. */
  readonly requestsPerHost: number;
  /** Of those kinds that carry blobs: no more than so many at a time. */
  readonly connectionsPerHost: number;
  readonly maxWaitSeconds: number;
  /** Processes that share what a registry grants: each takes its part. */
  readonly limitShares: number;
  /** For what is told to others and by them; all that is measured here goes by `elapsedMs`. */
  readonly now: () => Date;
  /** A clock that nobody sets back: how long a pause or a budget holds somebody up does not depend on the time of day. */
  readonly elapsedMs: () => number;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** How one host is known to the other processes. */
export interface HostLimitsDeps extends HostLimitsOptions {
  readonly host: string;
  readonly board: HostBoard;
  /** Takes over what another process has found out. */
  readonly onFacts: (facts: HostFacts) => void;
}

/**
 * What one account may ask of one host at once and when, for everybody in this process.
 *
 * Who holds a slot while he waits for another could wait for ever, so there is one order, whatever the hosts: first the
 * `download` of a blob, then the `write` that it flows into, then whatever is asked while both go on, a token, a HEAD, the
 * state of an upload (`token`, `read`, `pull`, `referrers`), which ends by itself. Nobody waits for a second slot of one
 * kind: what has broken off goes on in the slot that it has (`enterAgain`), and what would be nice to have besides is
 * taken only where it is free (`tryEnter`). Connections are no further limit: a request in a slot finds one.
 */
export interface AccountLimits {
  /**
   * Waits for a free slot of a kind, first come first served, until no pause is on, and for its turn within the budget.
   * Returns the function that gives the slot back. A wait longer than `maxWaitSeconds` is thrown.
   */
  readonly enter: (kind: SlotKind, place: ErrorPlace, signal: AbortSignal) => Promise<() => void>;
  /** A slot that nobody else waits for, if there is one. The request in it is to `enterAgain`. */
  readonly tryEnter: (kind: SlotKind) => (() => void) | undefined;
  /**
   * Waits until no pause is on and for the turn, within the budget, of a further request in the slot that one has already
   * (a second try, a redirect, the rest of a blob). It stands in no line.
   */
  readonly enterAgain: (requestClass: RequestClass, place: ErrorPlace, signal: AbortSignal) => Promise<void>;
  /**
   * Holds back requests of one class of this account, or all of the host, for `ms` from now, at most for six hours. A
   * longer pause that is on already stays. Other processes are told of pauses that are worth it.
   */
  readonly pause: (what: RequestClass | "all", ms: number, reason: string) => void;
  /**
   * A call has used up its tries, refused by 429 or 503: nobody asks for a while, longer each time, until there is an
   * answer. Other processes find that out themselves.
   */
  readonly gaveUp: (what: RequestClass | "all", reason: string) => void;
  /** Calls have given up, and none has had an answer since: no call is to be tried more than once. */
  readonly isRefusing: (requestClass: RequestClass) => boolean;
  readonly answered: (requestClass: RequestClass) => void;
  /** The host has counted more than was thought: the next lower limits hold, where there are some. */
  readonly exceeded: (requestClass: RequestClass) => void;
}

/** What holds requests to a host back just now. */
export interface HostState {
  readonly pauses: readonly (Pick<Pause, "until" | "reason"> & { readonly requestClass: RequestClass | "all" })[];
  readonly budgets: readonly {
    readonly requestClass: RequestClass;
    /** Of this process. */
    readonly perMinute: number;
    /** Requests that may leave at once. */
    readonly free: number;
    /** Requests that wait for their turn. */
    readonly waiting: number;
  }[];
}

export interface HostLimits {
  /**
   * The limits of one account. `rates`: what the host grants it, the likeliest first; the next holds when the host
   * refuses more. It is asked again at each request, since a host may be recognised late.
   */
  readonly of: (account: string, rates: () => readonly RateLimits[]) => AccountLimits;
  readonly state: () => HostState;
  /** Reads the notes of the other processes, unless that was done in the last seconds; waits at first contact only. */
  readonly sync: (signal: AbortSignal) => Promise<void>;
}

const syncEveryMs = 5_000;
const maxAccounts = 1_000;
const sharedPauseMs = 5_000;
const sameEndMs = 1_000; // a Retry-After that counts down names the same end again and again

export function createHostLimits(deps: HostLimitsDeps): HostLimits {
  const { requestsPerHost, connectionsPerHost, maxWaitSeconds, limitShares, host, board, onFacts } = deps;
  const { now, elapsedMs, sleep } = deps;
  const slots = new Map<SlotKind, Semaphore>();
  const accounts = createRecentMap<Account>(maxAccounts);
  const pauses = createPauses({ now, elapsedMs });
  const refusals = createRefusals({ maxWaitSeconds, elapsedMs });
  let syncedAtMs = Number.NEGATIVE_INFINITY;
  let firstSync: Promise<void> | undefined;

  const readBoard = async (): Promise<void> => {
    const { pauses: noted, facts } = await board.read(host);
    for (const pause of noted) pauses.hold(pause);
    onFacts(facts);
  };

  const sync: HostLimits["sync"] = async (signal) => {
    const nowMs = elapsedMs();
    if (nowMs - syncedAtMs >= syncEveryMs) {
      syncedAtMs = nowMs;
      const reading = readBoard(); // it never rejects
      firstSync ??= reading;
    }
    if (firstSync !== undefined) await unlessAborted(firstSync, signal);
  };

  const pauseOn = (key: string) => pauses.on("all", key);

  const untilUnpaused = async (key: string, place: ErrorPlace, signal: AbortSignal): Promise<void> => {
    for (let pause = pauseOn(key); pause !== undefined; pause = pauseOn(key)) {
      if (pause.leftMs > maxWaitSeconds * 1_000) throw heldBack(place, pause.leftMs, `because ${pause.reason}`);
      await sleep(pause.leftMs, signal);
    }
  };

  /** For an hour: a refusal may be the doing of others who use the same account. */
  const stepsOf = ({ steps }: Account, requestClass: RequestClass): number => {
    const known = steps.get(requestClass);
    return known === undefined || elapsedMs() - known.atMs >= stepsLastMs ? 0 : known.count;
  };

  const slotsOf = (kind: SlotKind): Semaphore => {
    const carriesBlobs = kind === "download" || kind === "write";
    const permits = carriesBlobs ? Math.min(connectionsPerHost, requestsPerHost) : requestsPerHost;
    const semaphore = slots.get(kind) ?? createSemaphore(permits);
    slots.set(kind, semaphore);
    return semaphore;
  };

  const of: HostLimits["of"] = (name, rates) => {
    const account = accounts.getOrCreate(name, () => {
      return { name, buckets: new Map(), lines: new Map(), steps: new Map() };
    });

    /** Made anew when the rate changes: at a step down, when the host is recognised, or for a registry that shares it. */
    const bucketOf = (requestClass: RequestClass): TokenBucket | undefined => {
      const granted = rates();
      const step = Math.min(stepsOf(account, requestClass), granted.length - 1);
      const perMinute = perMinuteOf(granted[step], requestClass);
      if (perMinute === undefined) return undefined;
      const known = account.buckets.get(requestClass);
      const share = perMinute / limitShares;
      if (known?.perMinute === share) return known;
      const bucket = createTokenBucket(share, elapsedMs, known);
      account.buckets.set(requestClass, bucket);
      return bucket;
    };
    const bucketsFor = (requestClass: RequestClass): readonly TokenBucket[] =>
      chargedClasses(requestClass).flatMap((charged) => bucketOf(charged) ?? []);

    /** Throws the wait of one that comes after `ahead` others, where it is too long to be sat out here. */
    const assertBearable = (requestClass: RequestClass, ahead: number, place: ErrorPlace): void => {
      const waitMs = Math.max(0, ...bucketsFor(requestClass).map((bucket) => bucket.waitMs(ahead + 1)));
      if (waitMs > maxWaitSeconds * 1_000) throw heldBack(place, waitMs, "since its requests a minute are used up");
    };

    const pay = async (requestClass: RequestClass, signal: AbortSignal): Promise<void> => {
      for (;;) {
        const buckets = bucketsFor(requestClass);
        const waitMs = Math.max(0, ...buckets.map((bucket) => bucket.waitMs(1)));
        if (waitMs > 0) await sleep(waitMs, signal);
        else {
          for (const bucket of buckets) bucket.take();
          return;
        }
      }
    };

    /** A slot, at a moment when no pause is on. */
    const enterUnpaused = async (kind: SlotKind, place: ErrorPlace, signal: AbortSignal): Promise<() => void> => {
      const key = pauseKey(classOf(kind), name);
      for (;;) {
        await untilUnpaused(key, place, signal);
        const leave = await slotsOf(kind).acquire(signal);
        if (pauseOn(key) === undefined) return leave;
        leave();
      }
    };

    /** One after the other: who waits must not collect what those behind him need, and leaves no gap when he gives up. */
    const enterInLine = async (kind: SlotKind, place: ErrorPlace, signal: AbortSignal): Promise<() => void> => {
      const requestClass = classOf(kind);
      const line = account.lines.get(kind) ?? { turns: createSemaphore(1), waiting: 0 };
      account.lines.set(kind, line);
      assertBearable(requestClass, waitingOf(account, requestClass), place);
      line.waiting += 1;
      try {
        const done = await line.turns.acquire(signal);
        try {
          await untilUnpaused(pauseKey(requestClass, name), place, signal);
          await pay(requestClass, signal);
          return await enterUnpaused(kind, place, signal);
        } finally {
          done();
        }
      } finally {
        line.waiting -= 1;
      }
    };

    const hold = (what: RequestClass | "all", ms: number, reason: string): { pause: Pause; longerMs: number } => {
      const until = new Date(now().getTime() + Math.min(ms, longestPauseMs));
      const pause = { key: pauseKey(what, name), until, reason };
      return { pause, longerMs: pauses.hold(pause) };
    };

    return {
      enter: async (kind, place, signal) => {
        await sync(signal);
        const isLimited = bucketsFor(classOf(kind)).length > 0;
        return await (isLimited ? enterInLine : enterUnpaused)(kind, place, signal);
      },
      tryEnter: (kind) => (waitingOf(account, classOf(kind)) > 0 ? undefined : slotsOf(kind).tryAcquire()),
      enterAgain: async (requestClass, place, signal) => {
        assertBearable(requestClass, 0, place);
        await untilUnpaused(pauseKey(requestClass, name), place, signal);
        await pay(requestClass, signal);
      },
      pause: (what, ms, reason) => {
        const { pause, longerMs } = hold(what, ms, reason);
        if (ms > sharedPauseMs && longerMs > sameEndMs) board.pause(host, pause);
      },
      gaveUp: (what, reason) => {
        const ms = refusals.goOn(pauseKey(what, name));
        if (ms > 0) hold(what, ms, reason);
      },
      isRefusing: (requestClass) => refusals.last("all") || refusals.last(pauseKey(requestClass, name)),
      answered: (requestClass) => {
        refusals.end("all");
        refusals.end(pauseKey(requestClass, name));
      },
      exceeded: (requestClass) => {
        for (const charged of chargedClasses(requestClass))
          account.steps.set(charged, { count: stepsOf(account, charged) + 1, atMs: elapsedMs() });
      },
    };
  };

  const state = (): HostState => {
    return {
      pauses: pauses.all().map(({ key, until, reason }) => ({ requestClass: pausedClass(key), until, reason })),
      budgets: [...accounts.entries()].flatMap(([, { buckets, lines }]) =>
        [...buckets].map(([requestClass, bucket]) => ({
          requestClass,
          perMinute: bucket.perMinute,
          free: Math.floor(bucket.free()),
          waiting: waitingOf({ lines }, requestClass),
        })),
      ),
    };
  };

  return { of, state, sync };
}

const stepsLastMs = 3_600_000;

/** What this process knows of one account at one host. */
interface Account {
  readonly name: string;
  readonly buckets: Map<RequestClass, TokenBucket>;
  /** A line per kind of slot: who waits for a download must not be in the way of what a download waits for. */
  readonly lines: Map<SlotKind, { readonly turns: Semaphore; waiting: number }>;
  /** How often the host has refused what was thought to be granted, and when it did so last. */
  readonly steps: Map<RequestClass, { readonly count: number; readonly atMs: number }>;
}

/** How many wait for the budget of a class. */
function waitingOf({ lines }: Pick<Account, "lines">, requestClass: RequestClass): number {
  return [...lines].reduce((sum, [kind, { waiting }]) => sum + (classOf(kind) === requestClass ? waiting : 0), 0);
}

function heldBack(place: ErrorPlace, ms: number, why: string): ImportError {
  const retryAfterSeconds = Math.ceil(ms / 1_000);
  return new ImportError({
    ...place,
    code: codeOf(place, "RATE_LIMITED"),
    what: `no request is made for another ${retryAfterSeconds} s, ${why}`,
    retryable: true,
    retryAfterSeconds,
  });
}
