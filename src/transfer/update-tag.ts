import { ImportError } from "../errors.ts";
import { type FetchedManifest, getManifest, type ManifestToPut, putManifest } from "../registry/manifests.ts";
import type { Repository } from "../registry/registry.ts";
import { createKeyedLock } from "./keyed-lock.ts";
import { placeOf } from "./place-of.ts";

export interface UpdateTagDeps {
  /** In [0, 1). */
  readonly random: () => number;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

export interface TagUpdate {
  readonly target: Repository;
  readonly tag: string;
  /** What the tag is to hold, given what it holds; undefined: it is right as it is. Asked again for every look at it. */
  readonly change: (current: FetchedManifest | undefined) => Promise<ManifestContent | undefined>;
}
type ManifestContent = Pick<ManifestToPut, "bytes" | "mediaType">;

/** `kept`: nothing had to be put. */
export type UpdateTag = (update: TagUpdate, signal: AbortSignal) => Promise<"kept" | "updated">;

const maxTries = 10;
/** Some servers before a registry hand out ETags that the registry itself does not know: then it goes without. */
const maxConditionalTries = 4;
const settleMs = 300; // longer than another writer needs from its GET to its PUT

/**
 * Changes what a tag holds where several writers add to it. In this process they take turns. Against others the PUT says
 * what it builds on, where the registry heeds that (`If-Match`); and since most do not, the tag is read again a moment
 * later, and what is missing then is added again, so that two who write at once both end with everything.
 */
export function createUpdateTag({ random, sleep }: UpdateTagDeps): UpdateTag {
  const writers = createKeyedLock();

  const update = async ({ target, tag, change }: TagUpdate, signal: AbortSignal): Promise<"kept" | "updated"> => {
    let refusals = 0;
    let hasPut = false;
    for (let tries = 1; tries <= maxTries; tries += 1) {
      const current = await getManifest(target, tag, signal);
      const wanted = await change(current);
      if (wanted === undefined) return hasPut ? "updated" : "kept";
      const isConditional = refusals < maxConditionalTries;
      const put = await putManifest(target, tag, { ...wanted, ...(isConditional && conditionOf(current)) }, signal);
      if (put.kind === "changed") refusals += 1;
      else hasPut = true;
      await sleep(put.kind === "changed" ? tries * 50 * (1 + random()) : settleMs * (1 + random()), signal);
    }
    throw new ImportError({
      ...placeOf(target),
      code: "TARGET_UNAVAILABLE",
      retryable: true,
      what: `${target.name}:${tag} does not keep what was added to it ${maxTries} times`,
      hint: "others write it all the time, or the registry answers with what it held before",
    });
  };

  return async (tagUpdate, signal) => {
    const { target, tag } = tagUpdate;
    const name = `${target.registry.apiHost}/${target.name}:${tag}`;
    const release = await writers.acquire(name, signal);
    try {
      return await update(tagUpdate, signal);
    } finally {
      release();
    }
  };
}

function conditionOf(current: FetchedManifest | undefined): Pick<ManifestToPut, "onlyIf"> {
  if (current === undefined) return { onlyIf: "absent" };
  return current.etag === undefined ? {} : { onlyIf: { etag: current.etag } };
}
