import type { HttpRequest, HttpResponseInit, InvocationContext } from "@azure/functions";
import type { AllowSettings } from "../../domain/allow-list.ts";
import { createArmRegistries, ownSubscription } from "../../domain/arm-registries.ts";
import type { RequestSettings } from "../../domain/import-request.ts";
import type { Registries } from "../../domain/registries.ts";
import type { Network } from "../../registry/guarded-agent.ts";
import type { DurablePort } from "../durable-port.ts";
import type { Log } from "../log.ts";
import { type ArmHandler, createAnsweringArm } from "./arm-answer.ts";
import type { ArmRouteName } from "./arm-routes.ts";
import { createReadCaller } from "./caller.ts";
import { createReadToken, type EntraDeps } from "./entra-tokens.ts";
import { createGetOperation, type GetOperationDeps } from "./get-operation.ts";
import { createImportImage, type ImportImageDeps } from "./import-image.ts";
import { type AnswerOperationDeps, createAnswerOperation } from "./operation-answer.ts";
import { createGetEndpoints, createResources } from "./resources.ts";

export interface ArmDeps
  extends Omit<ImportImageDeps, "known" | "answerOperation">,
    Omit<GetOperationDeps, "answerOperation">,
    Pick<AnswerOperationDeps, "parts"> {
  readonly settings: RequestSettings;
  readonly allow: AllowSettings;
  readonly registries: Registries;
  readonly callers: {
    readonly apiSignIn: "key" | "platform";
    readonly apiKeys: readonly string[];
    readonly isPlatformSignInOn: boolean;
    readonly entra: EntraDeps | undefined;
    readonly rights: { readonly allowedPrincipals: readonly string[]; readonly appRole: string | undefined };
  };
  readonly network: Network;
  readonly isEmbedded: boolean;
  readonly log: Log;
}

/** Makes the durable client of an invocation. */
export type ToDurable = (context: InvocationContext) => DurablePort;

type ArmFunction = (request: HttpRequest, context: InvocationContext) => Promise<HttpResponseInit>;

const publicAuthority = "https://login.microsoftonline.com";
const publicAudiences = ["https://management.azure.com/"] as const;

/** The routes of Azure's resource manager, by the names of their functions. Nothing here touches the network. */
export function createArm(deps: ArmDeps, toDurable: ToDurable): Readonly<Record<ArmRouteName, ArmFunction>> {
  const { allow, registries, settings, callers, network, isEmbedded, log } = deps;
  const { entra } = callers;
  const { registrySuffix } = settings;
  const known = createArmRegistries({ allow, registries, registrySuffix });
  const nameOfHost = (host: string) => known.all.find((registry) => registry.host === host)?.name ?? host;
  const answerOperation = createAnswerOperation({ ...deps, nameOfHost });
  const { authority = publicAuthority, tenantId = ownSubscription, audiences = publicAudiences } = entra ?? {};
  const resources = createResources({ known, tenantId });
  const answering = createAnsweringArm({
    readCaller: createReadCaller({
      ...callers,
      // Before the API it redirects whoever has no session, and these paths are kept from it (infra/modules/function-app.bicep):
      // what it does there with headers that a client made up is not documented.
      isPlatformSignInOn: callers.isPlatformSignInOn && callers.apiSignIn === "key",
      readToken: entra && createReadToken({ ...entra, network }),
      isEmbedded: isEmbedded && !callers.isPlatformSignInOn,
    }),
    challenge: `Bearer authorization_uri="${authority}/${entra?.tenantId ?? "common"}", error="invalid_token"`,
    log,
  });
  const asked = (handle: ArmHandler) => answering(handle, toDurable);
  return {
    armImportImage: asked(createImportImage({ ...deps, known, answerOperation })),
    armGetOperation: asked(createGetOperation({ ...deps, answerOperation })),
    armGetRegistry: asked(resources.getRegistry),
    armListGroupRegistries: asked(resources.listRegistries),
    armListRegistries: asked(resources.listRegistries),
    armListResources: asked(resources.listResources),
    armGetSubscription: asked(resources.getSubscription),
    armListSubscriptions: asked(resources.listSubscriptions),
    armListTenants: asked(resources.listTenants),
    armGetEndpoints: createGetEndpoints(authority, audiences),
  };
}
