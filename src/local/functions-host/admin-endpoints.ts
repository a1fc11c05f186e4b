import { z } from "zod";
import { parseJson } from "../../json.ts";
import type { IsAuthorized } from "./host-keys.ts";
import { type HostAnswer, type HostRequest, jsonAnswer } from "./http-server.ts";
import type { HttpFunction } from "./http-trigger.ts";
import { type FunctionMetadata, triggerOf } from "./rpc.ts";

/** Runs a function by hand with this input; resolves when it has ended. Undefined: its trigger cannot be imitated. */
export type ManualRun = (name: string, input: string) => Promise<void> | undefined;

export interface AdminEndpointsDeps {
  readonly functions: ReadonlyMap<string, FunctionMetadata>;
  readonly http: readonly HttpFunction[];
  readonly url: string;
  readonly startedAt: number;
  readonly isAuthorized: IsAuthorized;
  readonly runManually: ManualRun;
  /** Takes a run that nobody waits for, so that the host's end waits for it. */
  readonly track: (work: Promise<void>) => void;
}

const manualBodySchema = z.looseObject({ input: z.union([z.string(), z.unknown()]).optional() });

/** `/admin/host/status`, `/admin/functions` and `POST /admin/functions/{name}`. `path` is what follows `/admin/`. */
export function createAdminEndpoints(deps: AdminEndpointsDeps) {
  return (request: HostRequest, path: string): HostAnswer => {
    if (!deps.isAuthorized(request, "admin")) return { status: 401 };
    const [area, name, ...rest] = path.toLowerCase().split("/").filter(Boolean);
    if (area === "host" && rest.length === 0 && request.method !== "DELETE") {
      if (name === "status") return jsonAnswer(200, hostStatus(deps));
      if (name === "ping") return { status: 200 };
    }
    if (area !== "functions" || rest.length > 0) return { status: 404 };
    if (name === undefined)
      return jsonAnswer(
        200,
        [...deps.functions.values()].map((one) => describe(deps, one)),
      );
    const metadata = [...deps.functions.values()].find((one) => one.name.toLowerCase() === name);
    if (!metadata) return { status: 404 };
    if (request.method === "POST") return runByHand(deps, request, metadata);
    return jsonAnswer(200, describe(deps, metadata));
  };
}

function runByHand(deps: AdminEndpointsDeps, request: HostRequest, { name }: FunctionMetadata): HostAnswer {
  const text = Buffer.from(request.body).toString("utf8");
  const body = manualBodySchema.safeParse(text === "" ? {} : parseJson(text));
  if (!body.success) return jsonAnswer(400, { Message: 'the body is JSON: {"input": …}' });
  const { input = "" } = body.data;
  const work = deps.runManually(name, typeof input === "string" ? input : JSON.stringify(input));
  if (!work) return jsonAnswer(400, { Message: `${name}: only timer and queue functions run by hand` });
  deps.track(work);
  return { status: 202 };
}

function hostStatus({ startedAt }: AdminEndpointsDeps) {
  return {
    id: "drayage-embedded",
    state: "Running",
    version: "4.1037.0.0",
    versionDetails: "embedded",
    instanceId: String(process.pid),
    processUptime: Math.round(performance.now() - startedAt),
    functionAppContentEditingState: "NotAllowed",
  };
}

function describe({ http, url }: AdminEndpointsDeps, metadata: FunctionMetadata) {
  const trigger = triggerOf(metadata);
  const route = http.find(({ name }) => name === metadata.name);
  return {
    name: metadata.name,
    language: "node",
    isDisabled: false,
    invoke_url_template: route ? `${url}/${route.template}` : "",
    config: { name: metadata.name, bindings: [{ ...trigger.binding, name: trigger.name }] },
  };
}
