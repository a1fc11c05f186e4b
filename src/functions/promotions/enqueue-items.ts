import { encodeItemMessage } from "../../domain/queue-message.ts";
import type { Queue } from "../../store/queues.ts";
import { mapConcurrently } from "../../transfer/map-concurrently.ts";
import type { EnqueueItems } from "./ports.ts";

const sentAtOnce = 8;

export function createEnqueueItems(send: Queue["send"]): EnqueueItems {
  return async (messages) => {
    await mapConcurrently(messages, sentAtOnce, ({ importId, ...item }) => send(encodeItemMessage(item, importId)));
  };
}
