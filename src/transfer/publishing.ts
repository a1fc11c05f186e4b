import { assertStored, type StoredManifest } from "./assert-stored.ts";
import { createMaintainReferrers } from "./maintain-referrers.ts";
import { createPublishManifests } from "./publish-manifests.ts";
import { createPutTags } from "./put-tags.ts";
import { createUpdateTag, type UpdateTagDeps } from "./update-tag.ts";
import type { GiveUp } from "./upload-canceller.ts";

export interface PublishingDeps extends UpdateTagDeps {
  readonly giveUp: GiveUp;
}

/** All that writes manifests in one process: whoever adds to the same tag takes turns. */
export function createPublishing(deps: PublishingDeps) {
  const updateTag = createUpdateTag(deps);
  const maintainReferrers = createMaintainReferrers({ updateTag });
  return {
    publishManifests: createPublishManifests({ updateTag, maintainReferrers, giveUp: deps.giveUp }),
    putTags: createPutTags({ sleep: deps.sleep, maintainReferrers }),
    assertStored: (stored: StoredManifest, signal: AbortSignal) => assertStored(deps, stored, signal),
  };
}
