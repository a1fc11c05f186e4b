import { cancelUpload } from "../../registry/uploads.ts";
import type { Uploads } from "../../store/uploads.ts";
import type { Log } from "../log.ts";
import type { OpenRepositories } from "../open-repositories.ts";

export interface CancelAbandonedDeps {
  readonly uploads: Pick<Uploads, "takeAbandoned">;
  readonly repositories: Pick<OpenRepositories, "registryOf">;
  readonly stopping: AbortSignal;
  readonly log: Log;
  readonly now: () => Date;
}

const timeoutMs = 60_000;

/** Each hour: forgets uploads that nobody goes on with, and gives them up at their registries, which then free the bytes. */
export function createCancelAbandoned(deps: CancelAbandonedDeps): () => Promise<void> {
  const { uploads, repositories, stopping, log, now } = deps;
  return async () => {
    for (const { target, checkpoint } of await uploads.takeAbandoned(now())) {
      const { registry, repository } = target;
      const signal = AbortSignal.any([stopping, AbortSignal.timeout(timeoutMs)]);
      const opened = repositories.registryOf(registry).repository(repository, ["pull", "push"]);
      await cancelUpload(opened, checkpoint, signal);
      log("upload-abandoned", { registry, repository, offsetBytes: checkpoint.offsetBytes });
    }
  };
}
