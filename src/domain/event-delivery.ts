import { z } from "zod";

/** An event on its way: what is in it stays as it was built, whichever version of Drayage delivers it. */
export const storedEventSchema = z.looseObject({
  specversion: z.literal("1.0"),
  id: z.string().min(1),
  source: z.string().min(1),
  type: z.string().min(1),
  subject: z.string(),
  time: z.iso.datetime(),
  data: z.unknown(),
});
export type StoredEvent = Readonly<z.infer<typeof storedEventSchema>>;

/** A message of queue `events`: one event for one sink. It names the sink; address and secrets stay in the settings. */
export const deliveryMessageSchema = z.strictObject({
  v: z.literal(1),
  sink: z.string(),
  /** From 1. */
  attempt: z.int().min(1),
  event: storedEventSchema,
});
export type DeliveryMessage = Readonly<z.infer<typeof deliveryMessageSchema>>;

/** How one try to deliver an event ended. `reason` is for people, and holds no secret. */
export type Delivery =
  | { readonly kind: "delivered" }
  /** The sink will never take it. */
  | { readonly kind: "refused"; readonly reason: string }
  /** It may take it later. */
  | { readonly kind: "failed"; readonly reason: string; readonly retryAfterSeconds?: number | undefined };

/** What becomes of the event. */
export type DeliveryStep =
  | { readonly kind: "done" }
  | { readonly kind: "again"; readonly waitSeconds: number; readonly reason: string }
  | { readonly kind: "dead"; readonly reason: string };

const maxWaitSeconds = 24 * 3_600; // a Retry-After beyond that is no help to anybody; a queue hides messages for 7 days

/** `waits`: seconds before the second, third, … try; after the last of them the event is dead. */
export function nextDeliveryStep(delivery: Delivery, attempt: number, waits: readonly number[]): DeliveryStep {
  if (delivery.kind === "delivered") return { kind: "done" };
  const { reason } = delivery;
  const wait = waits[attempt - 1];
  if (delivery.kind === "refused" || wait === undefined) return { kind: "dead", reason };
  const waitSeconds = Math.min(Math.max(wait, Math.ceil(delivery.retryAfterSeconds ?? 0)), maxWaitSeconds);
  return { kind: "again", waitSeconds, reason };
}

/** Answers that no repeat changes: those at which Event Grid gives up, and two that CloudEvents' web hooks define. */
const finalStatuses: readonly number[] = [400, 401, 403, 410, 413, 415];

/** What an answer to a delivered event means. `host`: who answered. Redirects count as failures: they are not followed. */
export function judgeAnswer(host: string, status: number, retryAfterSeconds: number | undefined): Delivery {
  if (status >= 200 && status < 300) return { kind: "delivered" };
  const reason = `${host} answered ${status}`;
  return finalStatuses.includes(status) ? { kind: "refused", reason } : { kind: "failed", reason, retryAfterSeconds };
}
