import type { DurableEngine, ListFilter } from "../durable/engine.ts";
import type { RuntimeStatus } from "../durable/records.ts";
import type { StatusOptions } from "../durable/status.ts";
import { type HostAnswer, type HostRequest, jsonAnswer } from "./http-server.ts";

const defaultPageSize = 100;
const continuationHeader = "x-ms-continuation-token";

const finishedStatuses: ReadonlySet<RuntimeStatus> = new Set(["Completed", "Failed", "Terminated"]);

/** Answers with the status of one instance, or of a page of them. */
export function createInstanceList(engine: Pick<DurableEngine, "getStatus" | "list">) {
  return {
    /** 200 when it has ended, 202 with `Location` and `Retry-After` while it has not, 404. */
    one(request: HostRequest, instanceId: string): HostAnswer {
      const options = statusOptions(request.query);
      const status = engine.getStatus(instanceId, options);
      if (!status) return { status: 404 };
      if (!finishedStatuses.has(status.runtimeStatus)) {
        return jsonAnswer(202, status, { location: request.url, "retry-after": "5" });
      }
      const wantsError = request.query.get("returnInternalServerErrorOnFailure")?.toLowerCase() === "true";
      return jsonAnswer(wantsError && status.runtimeStatus === "Failed" ? 500 : 200, status);
    },
    /** `top` instances in the order of their ids; the continuation token is the base64 of the next id. */
    page(request: HostRequest): HostAnswer {
      const all = engine.list({ ...parseFilter(request.query), ...statusOptions(request.query) });
      const from = decodeToken(request.headers[continuationHeader] ?? request.query.get("continuationToken") ?? "");
      const pageSize = Number(request.query.get("top")) || defaultPageSize;
      const rest = from === "" ? all : all.filter(({ instanceId }) => instanceId >= from);
      const next = rest[pageSize]?.instanceId;
      const token = next === undefined ? "" : Buffer.from(next).toString("base64");
      return jsonAnswer(200, rest.slice(0, pageSize), { [continuationHeader]: token });
    },
  };
}

/** The filter of a list or a purge; a time that is none is left out. */
export function parseFilter(query: URLSearchParams): ListFilter {
  const createdFromMs = parseTime(query.get("createdTimeFrom"));
  const createdToMs = parseTime(query.get("createdTimeTo"));
  const names = (query.get("runtimeStatus") ?? "").split(",").filter(Boolean);
  return {
    ...(createdFromMs === undefined ? {} : { createdFromMs }),
    ...(createdToMs === undefined ? {} : { createdToMs }),
    runtimeStatus: names.map((name) => `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`),
    instanceIdPrefix: query.get("instanceIdPrefix") ?? "",
  };
}

function statusOptions(query: URLSearchParams): Required<StatusOptions> {
  const flag = (name: string) => query.get(name)?.toLowerCase();
  return {
    showHistory: flag("showHistory") === "true",
    showHistoryOutput: flag("showHistoryOutput") === "true",
    showInput: flag("showInput") !== "false",
  };
}

function decodeToken(token: string): string {
  return Buffer.from(token.trim(), "base64").toString("utf8");
}

function parseTime(text: string | null): number | undefined {
  const timeMs = Date.parse(text ?? "");
  return Number.isNaN(timeMs) ? undefined : timeMs;
}
