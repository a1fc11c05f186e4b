import { type ErrorPlace, ImportError } from "../errors.ts";
import { codeOf } from "./errors-from-response.ts";
import type { HostBoard, HostFacts, Pause } from "./host-board.ts";
import { createSyncNotes } from "./host-notes.ts";
import { createHostSlots, type HostSlots, type HostSlotsOptions } from "./host-slots.ts";
import { createPauses, longestPauseMs, type Pauses, pausedClass, pauseKey } from "./pauses.ts";
import type { RateLimits } from "./rate-limits.ts";
import { createRecentMap } from "./recent-map.ts";
import { createRefusals, type Refusals } from "./refusals.ts";
import { createRequestBudget, type RequestBudgetDeps, type Spending } from "./request-budget.ts";
import { classOf, type RequestClass, type SlotKind } from "./request-class.ts";
import { createWaitingLines, type WaitingLines } from "./waiting-lines.ts";

export interface HostLimitsOptions extends HostSlotsOptions, RequestBudgetDeps {
  readonly maxWaitSeconds: number;
  /** For what is told to others and by them; all that is measured here goes by `elapsedMs`. */
  readonly now: () => Date;
}

/** How one host is known to the other processes. */
export interface HostLimitsDeps extends HostLimitsOptions {
  readonly host: string;
  readonly board: HostBoard;
  /** Takes over what another process has found out. */
  readonly onFacts: (facts: HostFacts) => void;
}

/** What one account may ask of one host at once and when, for everybody in this process. */
export interface AccountLimits {
  /**
   * Waits for a free slot of a kind (see {@link createHostSlots}), until no pause is on, and for its turn within the
   * budget. Returns the function that releases the slot. A wait longer than `maxWaitSeconds` is thrown.
   */
  readonly acquire: (kind: SlotKind, place: ErrorPlace, signal: AbortSignal) => Promise<() => void>;
  /** A slot that nobody else waits for, if there is one. A request in it waits for its `turn`. */
  readonly tryAcquire: (kind: SlotKind) => (() => void) | undefined;
  /**
   * Waits until no pause is on and for the turn, within the budget, of a further request in the slot that one has already
   * (a second try, a redirect, the rest of a blob). It stands in no line.
   */
  readonly turn: (requestClass: RequestClass, place: ErrorPlace, signal: AbortSignal) => Promise<void>;
  /**
   * Holds back requests of one class of this account, or all of the host, for `ms` from now, at most for six hours. A
   * longer pause that is on already stays. Other processes are told of pauses that are worth it.
   */
  readonly pause: (what: RequestClass | "all", ms: number, reason: string) => void;
  /** Grows with each answer of the host. */
  readonly answers: () => number;
  /**
   * A call has used up its tries, refused by 429 or 503: nobody asks for a while, longer each time, until there is an
   * answer; unless there was one since `answers` told `answersBefore`. Other processes find that out themselves.
   */
  readonly gaveUp: (what: RequestClass | "all", reason: string, answersBefore: number) => void;
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

const maxAccounts = 1_000;
const sharedPauseMs = 5_000;
const sameEndMs = 1_000; // a Retry-After that counts down names the same end again and again

export function createHostLimits(deps: HostLimitsDeps): HostLimits {
  const { maxWaitSeconds, elapsedMs, onFacts } = deps;
  const accounts = createRecentMap<Account>(maxAccounts);
  const pauses = createPauses(deps);
  const sync = createSyncNotes({
    ...deps,
    onNotes: (notes) => {
      for (const pause of notes.pauses) pauses.hold(pause);
      onFacts(notes.facts);
    },
  });
  const shared: SharedLimits = {
    ...{ ...deps, pauses, sync },
    slots: createHostSlots(deps),
    refusals: createRefusals({ maxWaitSeconds, elapsedMs }),
  };

  return {
    of: (name, rates) => {
      const account = accounts.getOrCreate(name, () => {
        return { name, buckets: new Map(), steps: new Map(), lines: createWaitingLines() };
      });
      return createAccountLimits(shared, account, rates);
    },
    state: () => ({
      pauses: pauses.all().map(({ key, until, reason }) => ({ requestClass: pausedClass(key), until, reason })),
      budgets: [...accounts.entries()].flatMap(([, { buckets, lines }]) =>
        [...buckets].map(([requestClass, bucket]) => ({
          requestClass,
          perMinute: bucket.perMinute,
          free: Math.floor(bucket.free()),
          waiting: lines.waiting(requestClass),
        })),
      ),
    }),
    sync,
  };
}

/** What all accounts of a host share. */
interface SharedLimits extends HostLimitsDeps {
  readonly slots: HostSlots;
  readonly pauses: Pauses;
  readonly refusals: Refusals;
  readonly sync: HostLimits["sync"];
}

/** What this process knows of one account at one host. */
interface Account extends Spending {
  readonly name: string;
  readonly lines: WaitingLines;
}

function createAccountLimits(
  shared: SharedLimits,
  account: Account,
  rates: () => readonly RateLimits[],
): AccountLimits {
  const { slots, pauses, sync, maxWaitSeconds, sleep } = shared;
  const { name, lines } = account;
  const budget = createRequestBudget(account, rates, shared);
  const keyOf = (what: RequestClass | "all") => pauseKey(what, name);
  const pauseOn = (requestClass: RequestClass) => pauses.on("all", keyOf(requestClass));

  const untilUnpaused = async (requestClass: RequestClass, place: ErrorPlace, signal: AbortSignal): Promise<void> => {
    for (let pause = pauseOn(requestClass); pause !== undefined; pause = pauseOn(requestClass)) {
      if (pause.leftMs > maxWaitSeconds * 1_000) throw heldBack(place, pause.leftMs, `because ${pause.reason}`);
      await sleep(pause.leftMs, signal);
    }
  };

  /** Throws the wait of one that comes after `ahead` others, where it is too long to be sat out here. */
  const assertBearable = (requestClass: RequestClass, ahead: number, place: ErrorPlace): void => {
    const waitMs = budget.waitMs(requestClass, ahead);
    if (waitMs > maxWaitSeconds * 1_000) throw heldBack(place, waitMs, "since its requests a minute are used up");
  };

  const turn: AccountLimits["turn"] = async (requestClass, place, signal) => {
    assertBearable(requestClass, 0, place);
    await untilUnpaused(requestClass, place, signal);
    await budget.pay(requestClass, signal);
  };

  /** A slot, at a moment when no pause is on. */
  const acquireUnpaused: AccountLimits["acquire"] = async (kind, place, signal) => {
    for (;;) {
      await untilUnpaused(classOf(kind), place, signal);
      const release = await slots.acquire(kind, signal);
      if (pauseOn(classOf(kind)) === undefined) return release;
      release();
    }
  };

  const acquireInLine: AccountLimits["acquire"] = async (kind, place, signal) => {
    const requestClass = classOf(kind);
    assertBearable(requestClass, lines.waiting(requestClass), place);
    const payAndAcquire = async () => {
      await untilUnpaused(requestClass, place, signal);
      await budget.pay(requestClass, signal);
      return await acquireUnpaused(kind, place, signal);
    };
    return await lines.stand(kind, payAndAcquire, signal);
  };

  return {
    acquire: async (kind, place, signal) => {
      await sync(signal);
      const isLimited = budget.isLimited(classOf(kind));
      return await (isLimited ? acquireInLine : acquireUnpaused)(kind, place, signal);
    },
    tryAcquire: (kind) => (lines.waiting(classOf(kind)) > 0 ? undefined : slots.tryAcquire(kind)),
    turn,
    ...createHolding(shared, keyOf),
    exceeded: budget.exceeded,
  };
}

/** How all are held back by what one of them has met. */
function createHolding(
  { host, board, pauses, refusals, now }: SharedLimits,
  keyOf: (what: RequestClass | "all") => string,
): Pick<AccountLimits, "pause" | "answers" | "gaveUp" | "isRefusing" | "answered"> {
  const hold = (what: RequestClass | "all", ms: number, reason: string): { pause: Pause; longerMs: number } => {
    const until = new Date(now().getTime() + Math.min(ms, longestPauseMs));
    const pause = { key: keyOf(what), until, reason };
    return { pause, longerMs: pauses.hold(pause) };
  };
  return {
    pause: (what, ms, reason) => {
      const { pause, longerMs } = hold(what, ms, reason);
      if (ms > sharedPauseMs && longerMs > sameEndMs) board.pause(host, pause);
    },
    answers: refusals.answers,
    gaveUp: (what, reason, answersBefore) => {
      const ms = refusals.goOn(keyOf(what), answersBefore);
      if (ms > 0) hold(what, ms, reason);
    },
    isRefusing: (requestClass) => refusals.last("all") || refusals.last(keyOf(requestClass)),
    answered: (requestClass) => {
      refusals.end("all");
      refusals.end(keyOf(requestClass));
    },
  };
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
