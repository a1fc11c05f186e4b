import { z } from "zod";
import { parseJson } from "../../json.ts";
import type { IsAuthorized } from "./host-keys.ts";
import { type HostAnswer, type HostRequest, jsonAnswer } from "./http-server.ts";
import type { RpcTypedData } from "./rpc.ts";
import type { RunFunction } from "./run-function.ts";

export interface EventGridDeps {
  /** Names of the functions with an Event Grid trigger. */
  readonly functions: readonly string[];
  readonly isAuthorized: IsAuthorized;
  readonly run: RunFunction;
}

const eventSchema = z.record(z.string(), z.unknown());
const eventsSchema = z.union([z.array(eventSchema), eventSchema.transform((event) => [event])]);
const validationSchema = z
  .array(z.looseObject({ data: z.looseObject({ validationCode: z.string() }) }))
  .min(1)
  .transform(([first]) => first?.data.validationCode ?? "");

/**
 * The webhook of the Event Grid extension, `/runtime/webhooks/eventgrid?functionName=…`, for Event Grid's own schema
 * and CloudEvents. The events of a delivery run in parallel and all to their end; if one fails the answer is 500, so
 * that the whole delivery comes again. Source: azure-functions-eventgrid-extension, HttpRequestProcessor.cs, and the
 * recorded answers in test/host/golden-http/http.json.
 */
export function createEventGridEndpoint({ functions, isAuthorized, run }: EventGridDeps) {
  const byLowerName = new Map(functions.map((name) => [name.toLowerCase(), name]));

  return async (request: HostRequest): Promise<HostAnswer> => {
    if (!isAuthorized(request, "system")) return { status: 401 };
    const asked = request.query.get("functionName") ?? "";
    const name = byLowerName.get(asked.toLowerCase());
    if (name === undefined) return text(404, `cannot find function: '${asked}'`);
    if (request.method === "OPTIONS") return allowDelivery(request);
    switch (request.headers["aeg-event-type"]?.toLowerCase()) {
      case "subscriptionvalidation":
        return validate(request);
      case "notification":
        return deliver(name, request);
      case "unsubscribe":
        return { status: 202 };
      default:
        return { status: 400 };
    }
  };

  async function deliver(name: string, request: HostRequest): Promise<HostAnswer> {
    const events = eventsSchema.safeParse(parseBody(request));
    if (!events.success) return { status: 400 };
    const outcomes = await Promise.all(
      events.data.map((event) => run(name, { json: JSON.stringify(event) }, bindingData(event))),
    );
    const hasFailed = outcomes.some(({ kind }) => kind === "failed");
    return hasFailed ? text(500, `Exception while executing function: Functions.${name}`) : { status: 202 };
  }
}

function validate(request: HostRequest): HostAnswer {
  const code = validationSchema.safeParse(parseBody(request));
  return code.success ? jsonAnswer(200, { validationResponse: code.data }) : { status: 400 };
}

/** CloudEvents 1.0, HTTP webhook, 4: whoever wants to deliver asks first. */
function allowDelivery(request: HostRequest): HostAnswer {
  const origin = request.headers["webhook-request-origin"];
  return { status: 200, headers: origin === undefined ? {} : { "webhook-allowed-origin": origin } };
}

function bindingData(event: Readonly<Record<string, unknown>>): Record<string, RpcTypedData> {
  return event.data === undefined ? {} : { data: { json: JSON.stringify(event.data) } };
}

function parseBody({ body }: HostRequest): unknown {
  return parseJson(Buffer.from(body).toString("utf8"));
}

function text(status: number, body: string): HostAnswer {
  return { status, headers: { "content-type": "text/plain; charset=utf-8" }, body };
}
