import { createRecentMap } from "./recent-map.ts";

export interface RefusalsDeps {
  /** A pause that lasts longer is not waited for in place. */
  readonly maxWaitSeconds: number;
  /** A clock that nobody sets back. */
  readonly elapsedMs: () => number;
}

/** What a host goes on refusing (429, 503) though it was asked several times, by the keys of its pauses. */
export interface Refusals {
  /** Grows with each answer. */
  readonly answers: () => number;
  /**
   * The tries of a call are used up, and `answers` were there before the first. Returns how long nobody is to ask, in ms:
   * longer each time. 0: others have been answered meanwhile, so that it is only what the call asked for that is refused,
   * or one of the same wave has said so, and that pause is on.
   */
  readonly goOn: (key: string, answersBefore: number) => number;
  /** Whether calls have given up and none has had an answer since: then one try tells as much as several. */
  readonly last: (key: string) => boolean;
  /** It has answered. */
  readonly end: (key: string) => void;
}

const firstPauseMs = 10_000;
const longestPauseMs = 60_000;
const forgottenMs = 10 * 60_000; // nobody has asked for so long: nothing is known of it any more
const maxKeys = 1_000;

/** `Retry-After` may say nothing, or microseconds: then a host that refuses everything must not be asked all the time. */
export function createRefusals({ maxWaitSeconds, elapsedMs }: RefusalsDeps): Refusals {
  const known = createRecentMap<{ readonly pauseMs: number; readonly untilMs: number }>(maxKeys);
  const lastAnswers = createRecentMap<number>(maxKeys);
  let answers = 0;

  const current = (key: string) => {
    const refused = known.get(key);
    return refused === undefined || elapsedMs() - refused.untilMs >= forgottenMs ? undefined : refused;
  };

  return {
    answers: () => answers,
    goOn: (key, answersBefore) => {
      if ((lastAnswers.get(key) ?? 0) > answersBefore) return 0;
      const before = current(key);
      if (before !== undefined && elapsedMs() < before.untilMs) return 0;
      const wantedMs = before === undefined ? firstPauseMs : before.pauseMs * 2;
      const pauseMs = Math.min(wantedMs, longestPauseMs, maxWaitSeconds * 1_000);
      known.set(key, { pauseMs, untilMs: elapsedMs() + pauseMs });
      return pauseMs;
    },
    last: (key) => current(key) !== undefined,
    end: (key) => {
      answers += 1;
      lastAnswers.set(key, answers);
      known.delete(key);
    },
  };
}
