/** Where no end is told, or one that is over as it comes: a clock is wrong, and nobody is to be asked for each request. */
const unknownLifetimeSeconds = 60;

/** Seconds from `now` until something ends that a cloud has just given. */
export function lifetimeUntil(endMs: number | undefined, now: Date): number {
  const leftMs = (endMs ?? 0) - now.getTime();
  return leftMs > 0 ? leftMs / 1_000 : unknownLifetimeSeconds;
}
