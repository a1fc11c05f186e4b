import { unlessAborted } from "../registry/unless-aborted.ts";

export type LockTry =
  /** Nobody else has it: do what it is for, and release it on every path. */
  | { readonly kind: "acquired"; readonly release: () => void }
  /** Somebody has it. When it is `released` others may be quicker: try again. */
  | { readonly kind: "held"; readonly released: Promise<void> };

/** Locks by name, for what only one in this process may do at a time. What became of it shows in the world, not here. */
export interface KeyedLock {
  readonly tryAcquire: (name: string) => LockTry;
  /** Waits as long as it takes. Returns the function that releases the lock. */
  readonly acquire: (name: string, signal: AbortSignal) => Promise<() => void>;
}

export function createKeyedLock(): KeyedLock {
  const held = new Map<string, Promise<void>>();

  const tryAcquire = (name: string): LockTry => {
    const released = held.get(name);
    if (released !== undefined) return { kind: "held", released };
    const { promise, resolve } = Promise.withResolvers<void>();
    held.set(name, promise);
    const release = (): void => {
      held.delete(name);
      resolve();
    };
    return { kind: "acquired", release };
  };

  return {
    tryAcquire,
    acquire: async (name, signal) => {
      for (;;) {
        const tried = tryAcquire(name);
        if (tried.kind === "acquired") return tried.release;
        await unlessAborted(tried.released, signal);
      }
    },
  };
}
