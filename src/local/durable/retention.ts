import { type Instance, isFinished } from "./instance.ts";

export interface RetentionSettings {
  /** Finished instances that keep their history and input. */
  readonly histories: number;
  /** Finished instances that keep their status. */
  readonly statuses: number;
}

/** Forgets finished instances, oldest first, so that memory and journal stay flat. */
export interface Retention {
  readonly add: (finished: Instance) => void;
}

export function createRetention(settings: RetentionSettings, onExpire: (instance: Instance) => void): Retention {
  const complete: Instance[] = [];
  const bare: Instance[] = [];
  return {
    add(finished) {
      complete.push(finished);
      const old = complete.length > settings.histories ? complete.shift() : undefined;
      if (!old || !isFinished(old)) return; // rewound since
      old.events = [];
      old.history = "";
      old.input = null;
      bare.push(old);
      if (complete.length + bare.length <= settings.statuses) return;
      const expired = bare.shift();
      if (expired) onExpire(expired);
    },
  };
}
