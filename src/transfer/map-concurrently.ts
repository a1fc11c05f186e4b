/**
 * Maps with at most `limit` running at once, results in order. After the first failure nothing further begins; it is
 * thrown when those that run have ended, so that nobody works on behind the caller's back.
 */
export async function mapConcurrently<T, R>(
  items: readonly T[],
  limit: number,
  map: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const rest = items.entries();
  const failures: unknown[] = [];
  const work = async (): Promise<void> => {
    for (const [at, item] of rest) {
      try {
        results[at] = await map(item);
      } catch (failure) {
        failures.push(failure);
      }
      if (failures.length > 0) return;
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, work));
  if (failures.length > 0) throw failures[0];
  return results;
}
