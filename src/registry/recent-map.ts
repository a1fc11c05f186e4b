/** What was used last, by key; see {@link createRecentMap}. */
export interface RecentMap<V> {
  readonly get: (key: string) => V | undefined;
  readonly set: (key: string, value: V) => void;
  readonly delete: (key: string) => void;
  /** What is there, or is made and kept. */
  readonly getOrCreate: (key: string, create: () => V) => V;
  /** From the one that was used longest ago; it may be changed meanwhile. */
  readonly entries: () => Iterable<readonly [key: string, value: V]>;
}

/**
 * Keeps the `limit` entries that were read or written last: for what a process learns of hosts and accounts that
 * requests name, which are without number in its life. What is dropped is only learned again.
 */
export function createRecentMap<V>(limit: number): RecentMap<V> {
  const entries = new Map<string, V>(); // a Map keeps the order of insertion

  const get = (key: string): V | undefined => {
    const value = entries.get(key);
    if (value === undefined) return undefined;
    entries.delete(key);
    entries.set(key, value);
    return value;
  };
  const set = (key: string, value: V): void => {
    entries.delete(key);
    entries.set(key, value);
    const [oldest] = entries.keys();
    if (entries.size > limit && oldest !== undefined) entries.delete(oldest);
  };

  return {
    get,
    set,
    delete: (key) => {
      entries.delete(key);
    },
    getOrCreate: (key, create) => {
      const known = get(key);
      if (known !== undefined) return known;
      const created = create();
      set(key, created);
      return created;
    },
    entries: () => entries.entries(),
  };
}
