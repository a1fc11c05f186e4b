import type { Pause } from "./host-board.ts";
import { createRecentMap } from "./recent-map.ts";
import { type RequestClass, requestClasses } from "./request-class.ts";

export interface PausesDeps {
  /** For ends that are told to others and by them. */
  readonly now: () => Date;
  /** A clock that nobody sets back: how long a pause lasts does not depend on the time of day. */
  readonly elapsedMs: () => number;
}

/** Pauses of one host by their keys, as this process keeps them. */
export interface Pauses {
  /** A longer pause with that key that is on already stays. Returns by how much longer it lasts now, in ms. */
  readonly hold: (pause: Pause) => number;
  /** How long, in ms, and why requests with one of these keys are held back: the longest pause that is on. */
  readonly on: (...keys: readonly string[]) => { readonly leftMs: number; readonly reason: string } | undefined;
  readonly all: () => readonly Pause[];
}

/** The longest window of a quota, Docker Hub's. Who asks for more, by mistake or malice, is asked again after that. */
export const longestPauseMs = 6 * 3_600_000;

const maxPauses = 1_000;

export function createPauses({ now, elapsedMs }: PausesDeps): Pauses {
  const pauses = createRecentMap<HeldPause>(maxPauses);
  const leftOf = ({ untilMs }: HeldPause) => untilMs - elapsedMs();

  return {
    hold: ({ key, until, reason }) => {
      const known = pauses.get(key);
      if (known?.notedUntil.getTime() === until.getTime()) return 0; // also if the time of day has changed since
      const leftMs = Math.min(until.getTime() - now().getTime(), longestPauseMs);
      const longerMs = leftMs - (known === undefined ? 0 : Math.max(0, leftOf(known)));
      if (longerMs <= 0) return 0;
      pauses.set(key, { key, reason, notedUntil: until, untilMs: elapsedMs() + leftMs });
      return longerMs;
    },
    on: (...keys) => {
      const [longest] = keys
        .map((key) => pauses.get(key))
        .filter((pause) => pause !== undefined)
        .map((pause) => ({ leftMs: leftOf(pause), reason: pause.reason }))
        .filter(({ leftMs }) => leftMs > 0)
        .sort((one, other) => other.leftMs - one.leftMs);
      return longest;
    },
    all: () =>
      [...pauses.entries()]
        .map(([, pause]) => pause)
        .filter((pause) => leftOf(pause) > 0)
        .map((pause) => ({ ...pause, until: new Date(now().getTime() + leftOf(pause)) })),
  };
}

/** `all`, or class and account: both stand in a table, where accounts go by their hash. */
export function pauseKey(what: RequestClass | "all", account: string): string {
  return what === "all" ? what : `${what}|${account}`;
}

/** The class that a key holds back. */
export function pausedClass(key: string): RequestClass | "all" {
  const name = key.split("|", 1).join("");
  return requestClasses.find((requestClass) => requestClass === name) ?? "all";
}

interface HeldPause extends Pick<Pause, "key" | "reason"> {
  /** As it was told. */
  readonly notedUntil: Date;
  /** By `elapsedMs`. */
  readonly untilMs: number;
}
