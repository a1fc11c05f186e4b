const dayMs = 86_400_000;
/** Delays that the Azure Storage provider takes at once, and the hops that longer ones are cut into. */
const maximumShortTimerMs = 6 * dayMs;
const longTimerHopMs = 3 * dayMs;

/** When the next timer on the way to `fireAt` fires: a delay of more than six days is cut into hops of three. */
export function hopFireAt(nowMs: number, fireAt: string): string {
  const delayMs = Date.parse(fireAt) - nowMs;
  return delayMs > maximumShortTimerMs ? new Date(nowMs + longTimerHopMs).toISOString() : fireAt;
}
