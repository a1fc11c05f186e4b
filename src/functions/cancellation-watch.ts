import type { ImportId } from "../domain/import-id.ts";

export interface CancellationWatchDeps {
  /** The unfinished imports that shall stop: one storage request, whatever their number. */
  readonly readStopped: () => Promise<readonly ImportId[]>;
  readonly pollMs: number;
  readonly log: (event: string, fields: Readonly<Record<string, unknown>>) => void;
}

export interface CancellationWatch {
  /** Aborts `signal` with {@link ImportStopped} when the import shall stop. Dispose it when the activity ends. */
  readonly watch: (importId: ImportId) => Disposable & { readonly signal: AbortSignal };
  /** Tells the activities of this process at once; those of others learn it by their polling. */
  readonly notify: (importId: ImportId) => void;
}

/** The reason of an abort because the import was cancelled or a part of it failed for good. */
export class ImportStopped extends Error {
  override readonly name = "ImportStopped";
}

/** One poller per process for all imports with running activities; none runs while there are none. */
export function createCancellationWatch({ readStopped, pollMs, log }: CancellationWatchDeps): CancellationWatch {
  const running = new Map<ImportId, Set<AbortController>>();
  let isPolling = false;

  const notify = (importId: ImportId) => {
    for (const controller of running.get(importId) ?? []) controller.abort(new ImportStopped("the import was stopped"));
  };

  const poll = async () => {
    try {
      for (const importId of await readStopped()) notify(importId);
    } catch (thrown) {
      log("cancellation-poll-failed", { error: String(thrown) }); // storage is back at one of the next polls, or nothing works
    }
    isPolling = running.size > 0;
    if (isPolling) setTimeout(poll, pollMs).unref();
  };

  return {
    notify,
    watch: (importId) => {
      const controller = new AbortController();
      const siblings = running.get(importId) ?? new Set();
      running.set(importId, siblings.add(controller));
      if (!isPolling) setTimeout(poll, pollMs).unref();
      isPolling = true;
      return {
        signal: controller.signal,
        [Symbol.dispose]: () => {
          siblings.delete(controller);
          if (siblings.size === 0 && running.get(importId) === siblings) running.delete(importId);
        },
      };
    },
  };
}
