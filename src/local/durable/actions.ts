/** How a failed step is tried again. The host reads the intervals as milliseconds. */
export interface RetryOptions {
  readonly firstRetryIntervalInMilliseconds: number;
  readonly maxNumberOfAttempts: number;
  readonly backoffCoefficient: number;
  readonly maxRetryIntervalInMilliseconds: number;
  readonly retryTimeoutInMilliseconds: number | undefined;
}

export type StepAction = {
  readonly kind: "activity" | "sub";
  readonly name: string;
  readonly input: unknown;
  readonly retry: RetryOptions | undefined;
  /** Of a sub-orchestration. */
  readonly instanceId: string | undefined;
  readonly version: string | undefined;
};

/** What an orchestrator asked for, in the order in which it asked. */
export type Action =
  | StepAction
  | { readonly kind: "timer"; readonly fireAt: string; readonly isCanceled: boolean }
  | { readonly kind: "event"; readonly name: string }
  | { readonly kind: "continueAsNew"; readonly input: unknown }
  | { readonly kind: "any" | "all"; readonly children: readonly Action[] }
  | { readonly kind: "unsupported"; readonly actionType: number };

/** Reads the actions of a worker's answer. Source: durable-functions 3.5, lib/src/actions/ActionType.js. */
export function readActions(value: unknown): Action[] {
  if (!Array.isArray(value)) return [];
  return value.map(readAction);
}

function readAction(value: unknown): Action {
  const field = (name: string): unknown => fieldOf(value, name);
  const text = (name: string): string | undefined => optionalText(field(name));
  const actionType = field("actionType");
  switch (actionType) {
    case 0:
    case 1:
    case 2:
    case 3:
      return {
        kind: actionType < 2 ? "activity" : "sub",
        name: text("functionName") ?? "",
        input: field("input"),
        retry: actionType % 2 === 1 ? readRetryOptions(field("retryOptions")) : undefined,
        instanceId: text("instanceId"),
        version: text("version"),
      };
    case 4:
      return { kind: "continueAsNew", input: field("input") };
    case 5:
      return { kind: "timer", fireAt: text("fireAt") ?? "", isCanceled: field("isCanceled") === true };
    case 6:
      return { kind: "event", name: text("externalEventName") ?? "" };
    case 11:
      return { kind: "any", children: readActions(field("compoundActions")) };
    case 12:
      return { kind: "all", children: readActions(field("compoundActions")) };
    default:
      return { kind: "unsupported", actionType: typeof actionType === "number" ? actionType : -1 };
  }
}

function readRetryOptions(value: unknown): RetryOptions {
  const number = (name: string): number | undefined => {
    const found = fieldOf(value, name);
    return typeof found === "number" ? found : undefined;
  };
  return {
    firstRetryIntervalInMilliseconds: number("firstRetryIntervalInMilliseconds") ?? 0,
    maxNumberOfAttempts: number("maxNumberOfAttempts") ?? 1,
    backoffCoefficient: number("backoffCoefficient") ?? 1,
    maxRetryIntervalInMilliseconds: number("maxRetryIntervalInMilliseconds") ?? Number.POSITIVE_INFINITY,
    retryTimeoutInMilliseconds: number("retryTimeoutInMilliseconds"),
  };
}

/** A property of something of unknown shape. */
export function fieldOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

function optionalText(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
