import { z } from "zod";
import { unreachable } from "../../errors.ts";
import type { CommandOutcome, DurableEngine } from "../durable/engine.ts";
import type { RuntimeStatus } from "../durable/records.ts";
import { type DurableClientInputOptions, instanceLinks } from "./durable-client-input.ts";
import { createInstanceList, parseFilter } from "./durable-instances.ts";
import { type HostAnswer, type HostRequest, jsonAnswer, messageOf } from "./http-server.ts";

/** What the endpoints need of the engine. */
export type EndpointEngine = Omit<DurableEngine, "close" | "waitFor" | "whenIdle">;

export interface DurableEndpointsDeps {
  readonly engine: EndpointEngine;
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
    const version = request.query.get("version");
    const outcome = await engine.start(name, {
      ...(instanceId === undefined ? {} : { instanceId }),
      ...(input.kind === "empty" ? {} : { input: input.value }),
      ...(version === null ? {} : { version }),
    });
    return outcome.kind === "exists" ? alreadyExists(outcome.status) : started(request, outcome.instanceId);
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
    if (filter.createdFromMs === undefined) {
      return jsonAnswer(400, "Please provide value for 'createdTimeFrom' parameter.");
    }
    const purged = await Promise.all(engine.list(filter).map(({ instanceId }) => engine.purge(instanceId)));
    const instancesDeleted = purged.filter(({ kind }) => kind === "accepted").length;
    return instancesDeleted === 0 ? notFound : jsonAnswer(200, { instancesDeleted });
  }

  async function onInstance(request: HostRequest, instanceId: string): Promise<HostAnswer> {
    if (request.method === "GET") return instances.one(request, instanceId);
    if (request.method !== "DELETE") return notFound;
    const outcome = await engine.purge(instanceId);
    if (outcome.kind === "missing") return notFound;
    if (outcome.kind === "accepted") return jsonAnswer(200, { instancesDeleted: 1 });
    const text = `Only orchestrations in a terminal state can be purged, but the orchestration with instance ID ${instanceId} has status ${outcome.status}`;
    return jsonAnswer(412, text);
  }

  async function operate(
    request: HostRequest,
    instanceId: string,
    operation: string,
    eventName: string | undefined,
  ): Promise<HostAnswer> {
    const reason = request.query.get("reason") ?? "";
    switch (operation.toLowerCase()) {
      case "raiseevent":
        return eventName === undefined ? notFound : raiseEvent(request, instanceId, eventName);
      case "terminate":
        return toAnswer("terminate", instanceId, await engine.terminate(instanceId, reason));
      case "suspend":
        return toAnswer("suspend", instanceId, await engine.suspend(instanceId, reason));
      case "resume":
        return toAnswer("resume", instanceId, await engine.resume(instanceId, reason));
      case "rewind":
        return rewound(instanceId, await engine.rewind(instanceId, reason));
      case "restart":
        return restart(request, instanceId);
      default:
        return notFound;
    }
  }

  async function raiseEvent(request: HostRequest, instanceId: string, eventName: string): Promise<HostAnswer> {
    if (!engine.getStatus(instanceId, { showInput: false })) return notFound;
    if (!(request.headers["content-type"] ?? "").toLowerCase().includes("application/json")) {
      return jsonAnswer(400, { Message: "Only application/json request content is supported" });
    }
    const data = parseBody(request);
    if (data.kind === "invalid") return invalidJson(data.reason);
    const value = data.kind === "empty" ? null : data.value;
    return toAnswer("raise an event to", instanceId, await engine.raiseEvent(instanceId, eventName, value));
  }

  async function restart(request: HostRequest, instanceId: string): Promise<HostAnswer> {
    const status = engine.getStatus(instanceId, { showInput: true });
    if (!status) return notFound;
    const { name, input } = status;
    const keepsId = request.query.get("restartWithNewInstanceId")?.toLowerCase() === "false";
    const outcome = await engine.start(name, { input, ...(keepsId ? { instanceId } : {}) });
    return outcome.kind === "exists" ? alreadyExists(outcome.status) : started(request, outcome.instanceId);
  }
}

const notFound: HostAnswer = { status: 404 };
const accepted: HostAnswer = { status: 202 };
const gone: HostAnswer = { status: 410 };

function alreadyExists(status: RuntimeStatus): HostAnswer {
  return jsonAnswer(409, { Message: `An Orchestration instance with the status ${status} already exists.` });
}

function toAnswer(verb: string, instanceId: string, outcome: CommandOutcome): HostAnswer {
  switch (outcome.kind) {
    case "accepted":
      return accepted;
    case "missing":
      return notFound;
    case "finished":
      return gone;
    case "conflict":
      return jsonAnswer(500, {
        Message: "Something went wrong while processing your request",
        ExceptionMessage: `Cannot ${verb} the orchestration instance ${instanceId} because instance is in the ${outcome.status} state.`,
        ExceptionType: "System.InvalidOperationException",
        StackTrace: "",
      });
    default:
      return unreachable(outcome);
  }
}

function rewound(instanceId: string, outcome: CommandOutcome): HostAnswer {
  if (outcome.kind === "accepted") return accepted;
  if (outcome.kind === "missing") return jsonAnswer(404, `No orchestration with instance ID "${instanceId}" found.`);
  const text = `This orchestration has status ${outcome.status}, but only orchestrations in the "Failed" state can be rewound.`;
  return jsonAnswer(412, text);
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
