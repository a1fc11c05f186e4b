export interface BriefCacheDeps {
  readonly now: () => Date;
  /** How old an answer may be. */
  readonly freshMs: number;
  readonly maxEntries: number;
}

/** Answers of the last moments, by key, of this process: who asks meanwhile shares them. A failure is not kept. */
export function createBriefCache<T>({ now, freshMs, maxEntries }: BriefCacheDeps) {
  const entries = new Map<string, { readonly atMs: number; readonly answer: Promise<T> }>();

  return (key: string, ask: () => Promise<T>): Promise<T> => {
    const known = entries.get(key);
    const atMs = now().getTime();
    if (known !== undefined && atMs >= known.atMs && atMs - known.atMs < freshMs) return known.answer;
    const entry = { atMs, answer: ask() };
    entry.answer.catch(() => {
      if (entries.get(key) === entry) entries.delete(key);
    });
    entries.delete(key); // so that it becomes the newest
    entries.set(key, entry);
    for (const oldest of entries.keys()) if (entries.size > maxEntries) entries.delete(oldest);
    return entry.answer;
  };
}
