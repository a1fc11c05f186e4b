import { cancelUpload } from "../../registry/uploads.ts";
import type { Uploads } from "../../store/uploads.ts";
import type { Log } from "../log.ts";
import type { OpenRepositories } from "../open-repositories.ts";
import type { BoundedWork } from "./within-budget.ts";

export interface CancelAbandonedDeps {
  readonly uploads: Pick<Uploads, "takeAbandoned">;
  readonly repositories: Pick<OpenRepositories, "registryOf">;
  readonly stopping: AbortSignal;
  readonly log: Log;
  readonly now: () => Date;
}

const timeoutMs = 60_000;

/**
 * Each hour: gives uploads that nobody goes on with up at their registries, which then free the bytes, and forgets each
 * one after that; how many. What a registry does not answer to is tried again a day later.
 */
export function createCancelAbandoned(deps: CancelAbandonedDeps): BoundedWork {
  const { uploads, repositories, stopping, log, now } = deps;
  return async (isOver) => {
    let count = 0;
    const silent = new Set<string>();
    for await (const { target, checkpoint, forget } of uploads.takeAbandoned(now())) {
      const { registry, repository } = target;
      if (silent.has(registry)) continue; // those of the others first
      const signal = AbortSignal.any([stopping, AbortSignal.timeout(timeoutMs)]);
      const opened = repositories.registryOf(registry).repository(repository, ["pull", "push"]);
      if ((await cancelUpload(opened, checkpoint, signal)).kind === "answered") {
        await forget();
        count += 1;
        log("upload-abandoned", { registry, repository, offsetBytes: checkpoint.offsetBytes });
      } else {
        silent.add(registry);
      }
      if (stopping.aborted || isOver()) break;
    }
    return count;
  };
}
