import type { ImportId } from "../domain/import-id.ts";

export interface EndedImports {
  /** Resolves when an import ends in this process, or when `signal` is aborted, whichever is first. Never rejects. */
  readonly next: (importId: ImportId, signal: AbortSignal) => Promise<void>;
  readonly announce: (importId: ImportId) => void;
}

/** Lets a waiting request answer the moment an import ends here, without asking the table again and again. */
export function createEndedImports(): EndedImports {
  const waiting = new Map<ImportId, Set<() => void>>();
  return {
    announce: (importId) => {
      for (const wake of waiting.get(importId) ?? []) wake();
    },
    next: (importId, signal) =>
      new Promise((resolve) => {
        const wakers = waiting.get(importId) ?? new Set();
        const wake = () => {
          signal.removeEventListener("abort", wake);
          wakers.delete(wake);
          if (wakers.size === 0 && waiting.get(importId) === wakers) waiting.delete(importId);
          resolve();
        };
        waiting.set(importId, wakers.add(wake));
        signal.addEventListener("abort", wake);
        if (signal.aborted) wake();
      }),
  };
}
