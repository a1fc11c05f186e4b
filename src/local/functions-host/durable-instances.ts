import {
  type DurableEngine,
  type InstanceFilter,
  type InstanceStatus,
  isFinished,
  type RuntimeStatus,
  runtimeStatuses,
  type StatusOptions,
} from "./durable-port.ts";
import { type HostAnswer, type HostRequest, jsonAnswer } from "./http-server.ts";

const defaultPageSize = 100;
const continuationHeader = "x-ms-continuation-token";

/** Answers with the status of one instance, or of a page of them. */
export function createInstanceList(engine: Pick<DurableEngine, "getStatus" | "list">) {
  return {
    /** 200 when it has ended, 202 with `Location` and `Retry-After` while it has not, 404. */
    async one(request: HostRequest, instanceId: string): Promise<HostAnswer> {
      const options = statusOptions(request.query);
      const status = await engine.getStatus(instanceId, options);
      if (!status) return { status: 404 };
      const shown = show(status, options);
      if (!isFinished(status.runtimeStatus)) {
        return jsonAnswer(202, shown, { location: request.url, "retry-after": "5" });
      }
      const wantsError = request.query.get("returnInternalServerErrorOnFailure")?.toLowerCase() === "true";
      return jsonAnswer(wantsError && status.runtimeStatus === "Failed" ? 500 : 200, shown);
    },
    /** `top` instances in the order of their ids; the continuation token is the base64 of the next id. */
    async page(request: HostRequest): Promise<HostAnswer> {
      const options = statusOptions(request.query);
      const all = [...(await engine.list(parseFilter(request.query)))].sort(byId);
      const from = decodeToken(request.headers[continuationHeader] ?? request.query.get("continuationToken") ?? "");
      const pageSize = Number(request.query.get("top")) || defaultPageSize;
      const rest = from === "" ? all : all.filter(({ instanceId }) => instanceId >= from);
      const next = rest[pageSize]?.instanceId;
      const shown = rest.slice(0, pageSize).map((status) => show(status, options));
      const token = next === undefined ? "" : Buffer.from(next).toString("base64");
      return jsonAnswer(200, shown, { [continuationHeader]: token });
    },
  };
}

/** The filter of a list or a purge; what is no known state or time is left out. */
export function parseFilter(query: URLSearchParams): InstanceFilter {
  const from = parseTime(query.get("createdTimeFrom"));
  const to = parseTime(query.get("createdTimeTo"));
  const names = (query.get("runtimeStatus") ?? "").toLowerCase().split(",");
  const wanted = runtimeStatuses.filter((status: RuntimeStatus) => names.includes(status.toLowerCase()));
  const prefix = query.get("instanceIdPrefix");
  return {
    ...(from ? { createdTimeFrom: from } : {}),
    ...(to ? { createdTimeTo: to } : {}),
    ...(wanted.length > 0 ? { runtimeStatus: wanted } : {}),
    ...(prefix ? { instanceIdPrefix: prefix } : {}),
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

function show(status: InstanceStatus, { showHistory, showInput }: Required<StatusOptions>) {
  return {
    name: status.name,
    instanceId: status.instanceId,
    runtimeStatus: status.runtimeStatus,
    input: showInput ? (status.input ?? null) : null,
    customStatus: status.customStatus ?? null,
    output: status.output ?? null,
    createdTime: wholeSeconds(status.createdTime),
    lastUpdatedTime: wholeSeconds(status.lastUpdatedTime),
    ...(showHistory && status.historyEvents ? { historyEvents: status.historyEvents } : {}),
  };
}

function wholeSeconds(time: string | Date): string {
  return `${new Date(time).toISOString().slice(0, 19)}Z`;
}

function byId(a: InstanceStatus, b: InstanceStatus): number {
  return a.instanceId < b.instanceId ? -1 : a.instanceId > b.instanceId ? 1 : 0;
}

function decodeToken(token: string): string {
  return Buffer.from(token.trim(), "base64").toString("utf8");
}

function parseTime(text: string | null): Date | undefined {
  const time = new Date(text ?? "");
  return Number.isNaN(time.getTime()) ? undefined : time;
}
