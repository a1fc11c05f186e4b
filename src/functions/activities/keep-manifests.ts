import type { ImportId } from "../../domain/import-id.ts";
import type { KeptManifest, Parts } from "../../store/parts.ts";

/** Manifests that were read and are in no plan yet. */
export interface KeepManifests {
  readonly add: (manifest: KeptManifest) => Promise<void>;
  /** Stores what was added, for who goes on after a failure. That it cannot be stored is no failure: it is read again. */
  readonly store: () => Promise<void>;
}

/** As many as go into one batch: beyond, a process that dies loses no more than that. */
const keptAtOnce = 100;

/** Collects manifests. For most images nothing is stored before the plan stands, whose rows have the manifests in them. */
export function createKeepManifests(parts: Pick<Parts, "keepManifests">, importId: ImportId): KeepManifests {
  let pending: KeptManifest[] = [];
  const store = async (): Promise<void> => {
    const toStore = pending;
    pending = [];
    await parts.keepManifests(importId, toStore).catch(() => undefined);
  };
  return {
    add: async (manifest) => {
      pending.push(manifest);
      if (pending.length >= keptAtOnce) await store();
    },
    store,
  };
}
