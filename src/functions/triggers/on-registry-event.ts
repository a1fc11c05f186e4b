import { type EventNames, readRegistryEvent } from "../../domain/registry-event.ts";
import type { DurablePort } from "../durable-port.ts";
import type { AcceptPush } from "../rules/accept-push.ts";

export interface OnRegistryEventDeps {
  readonly names: EventNames;
  readonly acceptPush: AcceptPush;
}

/**
 * An event of Event Grid; the host calls once for each of a delivery. Throws where storage fails, so that Event Grid
 * delivers again; nothing else is worth a repeat.
 */
export function createOnRegistryEvent({ names, acceptPush }: OnRegistryEventDeps) {
  return async (event: unknown, durable: DurablePort): Promise<void> => {
    await acceptPush(readRegistryEvent(event, names), "eventGrid", durable);
  };
}
