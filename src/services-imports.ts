import { ImportError } from "./errors.ts";
import type { ForgetImport } from "./functions/forget-import.ts";
import { createViewImport } from "./functions/import-answer.ts";
import { type CancelImportDeps, createCancelImport } from "./functions/triggers/cancel-import.ts";
import { createDeleteImport } from "./functions/triggers/delete-import.ts";
import { createGetImport } from "./functions/triggers/get-import.ts";
import { createGetImportParts } from "./functions/triggers/get-import-parts.ts";
import { createGetOverview } from "./functions/triggers/get-overview.ts";
import { createListImports } from "./functions/triggers/list-imports.ts";
import { createPostImports, type PostImportsDeps } from "./functions/triggers/post-imports.ts";
import { createRetryImport, type RetryImportDeps } from "./functions/triggers/retry-import.ts";
import type { Stores } from "./services-storage.ts";

export interface ImportHandlersDeps
  extends Pick<PostImportsDeps, "assertAllowed" | "claimId" | "startImport" | "waitForEnd" | "planOnly" | "now">,
    Pick<CancelImportDeps, "stop" | "endCancelled">,
    Pick<RetryImportDeps, "retry"> {
  readonly stores: Stores;
  readonly forgetImport: ForgetImport;
  readonly requestSettings: PostImportsDeps["settings"];
}

/** The routes of imports. */
export function createImportHandlers(deps: ImportHandlersDeps) {
  const { stores, forgetImport, requestSettings, retry, stop, endCancelled, now } = deps;
  const { imports, open, parts, items, sealer } = stores;
  const view = createViewImport({ parts, now });
  const assertMaySeal = () => {
    if (!sealer.isAvailable) throw noKey();
  };
  return {
    /** Throws INVALID_REQUEST where credentials of a request could not be kept. */
    assertMaySeal,
    handlers: {
      getImport: createGetImport({ imports, view }),
      getImportParts: createGetImportParts({ imports, parts }),
      listImports: createListImports({ imports, open, items, view, names: requestSettings }),
      getOverview: createGetOverview({ imports, open, view, now }),
      deleteImport: createDeleteImport({ imports, forgetImport }),
    },
    durableHandlers: {
      postImports: createPostImports({ ...deps, settings: requestSettings, assertMaySeal, view }),
      cancelImport: createCancelImport({ stop, endCancelled, view, now }),
      retryImport: createRetryImport({ imports, retry, assertMaySeal, view }),
    },
  };
}

function noKey(): ImportError {
  return new ImportError({
    code: "INVALID_REQUEST",
    stage: "accept",
    property: "source.credentials",
    what: "this service has no key to seal credentials with",
    hint: "the operator can set SECRETS_KEY, or name the registry in REGISTRIES",
  });
}
