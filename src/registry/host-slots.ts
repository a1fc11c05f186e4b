import type { SlotKind } from "./request-class.ts";
import { createSemaphore, type Semaphore } from "./semaphore.ts";

export interface HostSlotsOptions {
  /** Requests in flight of each kind. */
  readonly requestsPerHost: number;
  /** Of those kinds that carry blobs: no more than so many at a time. */
  readonly connectionsPerHost: number;
}

/** How many requests of each kind are in flight at one host, whoever makes them. */
export interface HostSlots {
  /** Waits for a free slot, first come first served. Returns the function that gives it back. */
  readonly acquire: (kind: SlotKind, signal: AbortSignal) => Promise<() => void>;
  /** A slot that nobody waits for, if there is one. */
  readonly tryAcquire: (kind: SlotKind) => (() => void) | undefined;
}

/**
 * Who holds a slot while he waits for another could wait for ever, so there is one order, whatever the hosts: first the
 * `download` of a blob, then the `write` that it flows into, then whatever is asked while both go on, a token, a HEAD, the
 * state of an upload (`token`, `read`, `pull`, `referrers`), which ends by itself. Nobody waits for a second slot of one
 * kind: what has broken off goes on in the slot that it has, and what would be nice to have besides is taken only where it
 * is free (`tryAcquire`). Connections are no further limit: a request in a slot finds one.
 */
export function createHostSlots({ requestsPerHost, connectionsPerHost }: HostSlotsOptions): HostSlots {
  const slots = new Map<SlotKind, Semaphore>();

  const slotsOf = (kind: SlotKind): Semaphore => {
    const carriesBlobs = kind === "download" || kind === "write";
    const permits = carriesBlobs ? Math.min(connectionsPerHost, requestsPerHost) : requestsPerHost;
    const semaphore = slots.get(kind) ?? createSemaphore(permits);
    slots.set(kind, semaphore);
    return semaphore;
  };

  return {
    acquire: (kind, signal) => slotsOf(kind).acquire(signal),
    tryAcquire: (kind) => slotsOf(kind).tryAcquire(),
  };
}
