/** States of an instance, as the extension names them. */
export const runtimeStatuses = [
  "Pending",
  "Running",
  "Completed",
  "ContinuedAsNew",
  "Failed",
  "Terminated",
  "Suspended",
  "Canceled",
] as const;
export type RuntimeStatus = (typeof runtimeStatuses)[number];

/** An instance as its status endpoint shows it. Values (`input`, `output`, `customStatus`) are parsed JSON. */
export interface InstanceStatus {
  readonly name: string;
  readonly instanceId: string;
  readonly runtimeStatus: RuntimeStatus;
  readonly input: unknown;
  readonly customStatus: unknown;
  readonly output: unknown;
  /** ISO 8601 or a Date; the endpoint cuts it to whole seconds. */
  readonly createdTime: string | Date;
  readonly lastUpdatedTime: string | Date;
  /** Only when asked for. */
  readonly historyEvents?: readonly unknown[] | undefined;
}

export interface StatusOptions {
  readonly showHistory?: boolean;
  readonly showHistoryOutput?: boolean;
  readonly showInput?: boolean;
}

export interface StartOptions {
  /** Default: a fresh id. */
  readonly instanceId?: string;
  /** Absent when the caller sent no body at all. */
  readonly input?: unknown;
  readonly version?: string;
}

export interface InstanceFilter {
  readonly createdTimeFrom?: Date;
  readonly createdTimeTo?: Date;
  readonly runtimeStatus?: readonly RuntimeStatus[];
  readonly instanceIdPrefix?: string;
}

/**
 * What the endpoints need of a durable engine. They check the state of the instance before each call, so that an
 * engine may throw on anything that is out of place. A start returns when the instance is safely stored.
 */
export interface DurableEngine {
  readonly start: (name: string, options: StartOptions) => Promise<string> | string;
  readonly raiseEvent: (instanceId: string, name: string, data: unknown) => Promise<void> | void;
  readonly terminate: (instanceId: string, reason: string) => Promise<void> | void;
  readonly suspend: (instanceId: string, reason: string) => Promise<void> | void;
  readonly resume: (instanceId: string, reason: string) => Promise<void> | void;
  readonly rewind: (instanceId: string, reason: string) => Promise<void> | void;
  /** Deletes a finished instance. */
  readonly purge: (instanceId: string) => Promise<unknown> | unknown;
  readonly getStatus: (
    instanceId: string,
    options: StatusOptions,
  ) => Promise<InstanceStatus | undefined> | InstanceStatus | undefined;
  /** Ordered by instance id. */
  readonly list: (filter: InstanceFilter) => Promise<readonly InstanceStatus[]> | readonly InstanceStatus[];
  /** Stops taking work, writes the journal out. */
  readonly close: () => Promise<void>;
}

/** Whether an instance in this state has ended. */
export function isFinished(status: RuntimeStatus): boolean {
  return status === "Completed" || status === "Failed" || status === "Terminated" || status === "Canceled";
}
