import { formatQueueText } from "../../domain/queue-text.ts";
import { toImportError } from "../../errors.ts";
import type { SendText } from "./announce-event.ts";
import type { OpenSink } from "./webhook-sink.ts";

/** Puts events into a queue of the app's own storage account; the text of a message is the event. */
export function openQueueSink(queue: string, send: SendText): OpenSink {
  return {
    deliver: async (event) => {
      try {
        await send(formatQueueText(event));
        return { kind: "delivered" };
      } catch (thrown) {
        return { kind: "failed", reason: `queue ${queue}: ${toImportError(thrown).message}` };
      }
    },
    close: async () => undefined,
  };
}
