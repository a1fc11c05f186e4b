export type Flight =
  /** Nobody else does this now: do it, and `end` it on every path. */
  | { readonly kind: "leader"; readonly end: () => void }
  /** Somebody does. Wait for `ended`, and enter again: whether they succeeded shows in the world, not here. */
  | { readonly kind: "follower"; readonly ended: Promise<void> };

/** Lets one of those who want the same thing do it while the others wait. Errors are not shared. */
export interface SingleFlight {
  readonly enter: (name: string) => Flight;
}

export function createSingleFlight(): SingleFlight {
  const flights = new Map<string, Promise<void>>();
  return {
    enter: (name) => {
      const ended = flights.get(name);
      if (ended !== undefined) return { kind: "follower", ended };
      const { promise, resolve } = Promise.withResolvers<void>();
      flights.set(name, promise);
      const end = (): void => {
        flights.delete(name);
        resolve();
      };
      return { kind: "leader", end };
    },
  };
}
