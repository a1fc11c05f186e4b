import { z } from "zod";
import { type DurableClientInputOptions, instanceLinks } from "./durable-client-input.ts";
import { createInstanceList, parseFilter } from "./durable-instances.ts";
import { type DurableEngine, type InstanceStatus, isFinished } from "./durable-port.ts";
import { type HostAnswer, type HostRequest, jsonAnswer, messageOf } from "./http-server.ts";

export interface DurableEndpointsDeps {
  readonly engine: DurableEngine;
  readonly hubName: string;
  readonly code: string;
}

/**
 * The HTTP API of the durable extension, under its public base and under the worker's `rpcBaseUrl`.
 * `path` is what follows either base. Statuses and bodies are those of test/host/golden-http/http.json.
 * Source: azure-functions-durable-extension, HttpApiHandler.cs.
 */
export function createDurableEndpoints({ engine, hubName, code }: DurableEndpointsDeps) {
  const instances = createInstanceList(engine);

  return async (request: HostRequest, path: string): Promise<HostAnswer> => {
    const segments = decodeSegments(path);
    if (segments === undefined || segments.length > 4) return notFound;
    const [kind, first, second, third] = segments;
    switch (kind?.toLowerCase()) {
      case "orchestrators":
        if (request.method !== "POST" || first === undefined || third !== undefined) return notFound;
        return start(request, first, second);
      case "instances":
        if (first === undefined) return onAll(request);
        if (second === undefined) return onInstance(request, first);
        return request.method === "POST" ? operate(request, first, second, third) : notFound;
      case "entities":
        return jsonAnswer(501, { Message: "Durable entities are not built into the embedded host." });
      default:
        return notFound;
    }
  };

  async function start(request: HostRequest, name: string, instanceId: string | undefined): Promise<HostAnswer> {
    const input = parseBody(request);
    if (input.kind === "invalid") return invalidJson(input.reason);
    if (instanceId !== undefined) {
      const existing = await engine.getStatus(instanceId, {});
      if (existing && !isFinished(existing.runtimeStatus)) return alreadyExists(existing);
    }
    const version = request.query.get("version");
    const id = await engine.start(name, {
      ...(instanceId === undefined ? {} : { instanceId }),
      ...(input.kind === "empty" ? {} : { input: input.value }),
      ...(version === null ? {} : { version }),
    });
    return started(request, id);
  }

  function started(request: HostRequest, instanceId: string): HostAnswer {
    const { rewindPostUri: _, ...links } = instanceLinks(linkOptions(request), instanceId);
    return jsonAnswer(202, links, { location: links.statusQueryGetUri, "retry-after": "10" });
  }

  function linkOptions(request: HostRequest): DurableClientInputOptions {
    return { url: new URL(request.url).origin, hubName, code };
  }

  async function onAll(request: HostRequest): Promise<HostAnswer> {
    if (request.method === "GET") return instances.page(request);
    if (request.method !== "DELETE") return notFound;
    const filter = parseFilter(request.query);
    if (!filter.createdTimeFrom) return jsonAnswer(400, "Please provide value for 'createdTimeFrom' parameter.");
    const ended = (await engine.list(filter)).filter(({ runtimeStatus }) => isFinished(runtimeStatus));
    if (ended.length === 0) return notFound;
    for (const { instanceId } of ended) await engine.purge(instanceId);
    return jsonAnswer(200, { instancesDeleted: ended.length });
  }

  async function onInstance(request: HostRequest, instanceId: string): Promise<HostAnswer> {
    if (request.method === "GET") return instances.one(request, instanceId);
    if (request.method !== "DELETE") return notFound;
    const status = await engine.getStatus(instanceId, {});
    if (!status) return notFound;
    if (!isFinished(status.runtimeStatus)) {
      return jsonAnswer(
        412,
        `Only orchestrations in a terminal state can be purged, but the orchestration with instance ID ${instanceId} has status ${status.runtimeStatus}`,
      );
    }
    await engine.purge(instanceId);
    return jsonAnswer(200, { instancesDeleted: 1 });
  }

  async function operate(
    request: HostRequest,
    instanceId: string,
    operation: string,
    eventName: string | undefined,
  ): Promise<HostAnswer> {
    const status = await engine.getStatus(instanceId, {});
    const name = operation.toLowerCase();
    if (name === "rewind") return rewind(request, instanceId, status);
    if (!status) return notFound;
    if (name === "restart") return restart(request, status);
    if (!operations.includes(name)) return notFound;
    if (isFinished(status.runtimeStatus)) return gone;
    if (name === "raiseevent") return raiseEvent(request, instanceId, eventName);
    return control(name, status, request.query.get("reason") ?? "");
  }

  async function control(verb: string, status: InstanceStatus, reason: string): Promise<HostAnswer> {
    const { instanceId, runtimeStatus } = status;
    const isSuspended = runtimeStatus === "Suspended";
    if (verb === "terminate") await engine.terminate(instanceId, reason);
    else if (verb === "suspend" && !isSuspended) await engine.suspend(instanceId, reason);
    else if (verb === "resume" && isSuspended) await engine.resume(instanceId, reason);
    else return wrongState(verb, status);
    return accepted;
  }

  async function raiseEvent(
    request: HostRequest,
    instanceId: string,
    eventName: string | undefined,
  ): Promise<HostAnswer> {
    if (eventName === undefined) return notFound;
    if (!(request.headers["content-type"] ?? "").toLowerCase().includes("application/json")) {
      return jsonAnswer(400, { Message: "Only application/json request content is supported" });
    }
    const data = parseBody(request);
    if (data.kind === "invalid") return invalidJson(data.reason);
    await engine.raiseEvent(instanceId, eventName, data.kind === "empty" ? null : data.value);
    return accepted;
  }

  async function rewind(request: HostRequest, id: string, status: InstanceStatus | undefined): Promise<HostAnswer> {
    if (!status) return jsonAnswer(404, `No orchestration with instance ID "${id}" found.`);
    if (status.runtimeStatus !== "Failed") {
      const text = `This orchestration has status ${status.runtimeStatus}, but only orchestrations in the "Failed" state can be rewound.`;
      return jsonAnswer(412, text);
    }
    await engine.rewind(id, request.query.get("reason") ?? "");
    return accepted;
  }

  async function restart(request: HostRequest, status: InstanceStatus): Promise<HostAnswer> {
    const keepsId = request.query.get("restartWithNewInstanceId")?.toLowerCase() === "false";
    if (keepsId && !isFinished(status.runtimeStatus)) return alreadyExists(status);
    const { input } = (await engine.getStatus(status.instanceId, { showInput: true })) ?? status;
    const id = await engine.start(status.name, { input, ...(keepsId ? { instanceId: status.instanceId } : {}) });
    return started(request, id);
  }
}

const operations: readonly string[] = ["raiseevent", "terminate", "suspend", "resume"];
const notFound: HostAnswer = { status: 404 };
const accepted: HostAnswer = { status: 202 };
const gone: HostAnswer = { status: 410 };

function alreadyExists({ runtimeStatus }: InstanceStatus): HostAnswer {
  return jsonAnswer(409, { Message: `An Orchestration instance with the status ${runtimeStatus} already exists.` });
}

function wrongState(verb: string, { instanceId, runtimeStatus }: InstanceStatus): HostAnswer {
  return jsonAnswer(500, {
    Message: "Something went wrong while processing your request",
    ExceptionMessage: `Cannot ${verb} the orchestration instance ${instanceId} because instance is in the ${runtimeStatus} state.`,
    ExceptionType: "System.InvalidOperationException",
    StackTrace: "",
  });
}

function invalidJson(reason: string): HostAnswer {
  return jsonAnswer(400, {
    Message: "Invalid JSON content",
    ExceptionMessage: reason,
    ExceptionType: "Newtonsoft.Json.JsonReaderException",
    StackTrace: "",
  });
}

type ParsedBody =
  | { readonly kind: "empty" }
  | { readonly kind: "json"; readonly value: unknown }
  | { readonly kind: "invalid"; readonly reason: string };

const jsonText = z.string().transform((text): unknown => JSON.parse(text));

function parseBody({ body }: HostRequest): ParsedBody {
  const text = Buffer.from(body).toString("utf8");
  if (text.trim() === "") return { kind: "empty" };
  try {
    return { kind: "json", value: jsonText.parse(text) };
  } catch (thrown) {
    return { kind: "invalid", reason: messageOf(thrown) };
  }
}

function decodeSegments(path: string): string[] | undefined {
  try {
    return path.split("/").filter(Boolean).map(decodeURIComponent);
  } catch {
    return undefined; // a broken percent sequence names nothing
  }
}
