import type { RpcReturn, RpcTypedData } from "../functions-host/rpc.ts";
import type { InvokeOptions } from "../functions-host/worker.ts";
import { activityCompleted, activityFailed } from "./activity-result.ts";
import type { Message } from "./history.ts";
import { holdsCredential } from "./sanitize.ts";
import type { ScheduledTask } from "./tasks.ts";

type ActivityTask = Extract<ScheduledTask, { kind: "activity" }>;

export interface ActivityDeps {
  readonly invoke: (name: string, trigger: RpcTypedData, options: InvokeOptions) => Promise<RpcReturn>;
  readonly warn: (message: string) => void;
}

/** Runs one activity and returns the message for its instance; never rejects. */
export function createRunActivity({ invoke, warn }: ActivityDeps) {
  const warnIfLarge = (what: string, text: string | null): void => {
    const sizeBytes = Buffer.byteLength(text ?? "");
    if (sizeBytes > queuePayloadMaxBytes) {
      warn(
        `${what} has ${sizeBytes} bytes; beyond ${queuePayloadMaxBytes} the genuine host moves it to a blob: hand over less`,
      );
    }
  };

  const warnOfCredential = (what: string, text: string): void => {
    if (holdsCredential(text)) {
      warn(
        `${what} holds what looks like a credential (sig=, token=, key= …): it stays in histories, and can break a failure's state on the genuine host`,
      );
    }
  };

  return async (instanceId: string, { id, name, input }: ActivityTask): Promise<Message> => {
    warnIfLarge(`the input of activity '${name}'`, input);
    warnOfCredential(`the input of activity '${name}'`, input ?? "");
    const trigger = input === null ? {} : { string: input };
    try {
      const triggerMetadata = { instanceId: { string: instanceId } };
      const message = activityCompleted(id, await invoke(name, trigger, { triggerMetadata }));
      if ("result" in message) warnIfLarge(`the result of activity '${name}'`, message.result);
      return message;
    } catch (thrown) {
      warnOfCredential(`the error of activity '${name}'`, thrown instanceof Error ? thrown.message : String(thrown));
      return activityFailed(id, name, thrown);
    }
  };
}

/** Larger messages do not fit into a queue message (Azure Storage provider, MaxStorageQueuePayloadSizeInBytes). */
const queuePayloadMaxBytes = 45 * 1024;
