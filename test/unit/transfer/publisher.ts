import { createMaintainReferrers } from "../../../src/transfer/maintain-referrers.ts";
import { createPublishManifests } from "../../../src/transfer/publish-manifests.ts";
import { createUpdateTag, type UpdateTagDeps } from "../../../src/transfer/update-tag.ts";

/** What publishes in one process: two of them know nothing of each other. */
export function createPublisher(sleep: UpdateTagDeps["sleep"]) {
  const updateTag = createUpdateTag({ sleep, random: () => 0.5 });
  const maintainReferrers = createMaintainReferrers({ updateTag });
  return { updateTag, maintainReferrers, publishManifests: createPublishManifests({ updateTag, maintainReferrers }) };
}
