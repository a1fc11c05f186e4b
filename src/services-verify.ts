import type { Config } from "./config.ts";
import { assertAllowedToRead } from "./domain/allow-list.ts";
import type { RequestSettings } from "./domain/import-request.ts";
import { assertAllowedSecret } from "./domain/source-secrets.ts";
import { createPostVerify } from "./functions/triggers/post-verify.ts";
import type { RegistryServices } from "./services-registries.ts";
import { createByteBudget } from "./transfer/byte-budget.ts";
import { createCompareImages } from "./transfer/compare-images.ts";
import { defaultTransferSettings } from "./transfer/transfer-settings.ts";

export interface VerifyServicesDeps {
  readonly config: Config;
  readonly requestSettings: RequestSettings;
  readonly repositories: RegistryServices["repositories"];
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Milliseconds of a clock that nobody sets back. */
  readonly elapsedMs: () => number;
}

const answerMs = 200_000;

/** The route that compares two images. */
export function createVerifyServices({ config, requestSettings, repositories, sleep, elapsedMs }: VerifyServicesDeps) {
  const { rangeBytes, parallelBlobs } = defaultTransferSettings;
  // One connection a blob and nothing kept: it needs no share of BUFFER_BYTES.
  const reader = { rangeBytes, buffers: createByteBudget(0), now: elapsedMs, sleep };
  return {
    postVerify: createPostVerify({
      settings: requestSettings,
      assertAllowed: (request) => {
        assertAllowedToRead("source", request.source.registry, config.allow);
        assertAllowedToRead("target", request.target.registry, config.allow);
        assertAllowedSecret(request, config.signIn.sourceSecrets);
      },
      repositories,
      compare: createCompareImages({ reader, parallelBlobs }),
      answerMs,
    }),
  };
}
