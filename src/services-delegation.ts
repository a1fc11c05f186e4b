import type { TokenCredential } from "@azure/core-auth";
import type { Config } from "./config.ts";
import type { ImportId } from "./domain/import-id.ts";
import type { ImportSpec } from "./domain/import-spec.ts";
import { createArmClient } from "./functions/delegation/arm-client.ts";
import { createFindRegistries } from "./functions/delegation/find-registries.ts";
import { createLeaveToAcr, type LeaveToAcrDeps } from "./functions/delegation/leave-to-acr.ts";
import { createLocateSource } from "./functions/delegation/locate-source.ts";
import type { Network } from "./registry/guarded-agent.ts";
import { createSealer, randomSealingKey, type Sealer } from "./store/sealing.ts";
import { createVerifyDelegated } from "./transfer/verify-delegated.ts";

export interface DelegationServicesDeps {
  readonly config: Pick<Config, "armEndpoint" | "registries" | "defaultTarget">;
  readonly network: Network;
  readonly repositories: LeaveToAcrDeps["repositories"];
  readonly userAgent: string;
  /** The app's identity. */
  readonly credential: () => TokenCredential;
  readonly sealer: Sealer;
  readonly assertAllowed: (spec: ImportSpec) => void;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly now: () => Date;
}

/** What imports have to do with Azure's resource manager: resource ids, and ACR's own import. */
export function createDelegationServices(deps: DelegationServicesDeps) {
  const { config, network, repositories, userAgent, credential, assertAllowed, sleep, now } = deps;
  const { registries, defaultTarget } = config;
  const arm = createArmClient({ endpoint: config.armEndpoint, network, userAgent, credential, now });
  const findRegistries = createFindRegistries({ arm, registries, defaultTarget, now });
  // Without a key, what another process has begun is begun again.
  const sealer = deps.sealer.isAvailable ? deps.sealer : createSealer([randomSealingKey()]);
  return {
    locateSource: createLocateSource({ arm, assertAllowed, now }),
    leaveToAcr: createLeaveToAcr({ repositories, findRegistries, now }),
    /** For the step that has ACR import. */
    delegating: {
      ...{ arm, findRegistries },
      verify: createVerifyDelegated({ sleep }),
      sealUrl: (id: ImportId, url: string) => Buffer.from(sealer.seal(url, placeOf(id))).toString("base64url"),
      openUrl: (id: ImportId, sealed: string) => sealer.open(Buffer.from(sealed, "base64url"), placeOf(id)),
    },
    close: arm.close,
  };
}

export type DelegationServices = ReturnType<typeof createDelegationServices>;

function placeOf(id: ImportId): readonly string[] {
  return ["Imports", id, "operation"];
}
