import type { ImportId } from "../../domain/import-id.ts";
import type { Trigger } from "../../domain/import-record.ts";
import { type ParsedImportRequest, parseImportRequest, type RequestSettings } from "../../domain/import-request.ts";
import type { ImportSpec } from "../../domain/import-spec.ts";
import { type MessageFacts, messageImportId, messageTime, readMessageFacts } from "../../domain/message-facts.ts";
import { encodeCutPoisonMessage, encodePoisonMessage } from "../../domain/poison-message.ts";
import {
  type ImportMessage,
  parseQueueMessage,
  type QueueItem,
  type QueueMessage,
} from "../../domain/queue-message.ts";
import { readableTarget } from "../../domain/readable-target.ts";
import type { RejectRequest } from "../../domain/rejected-import.ts";
import { decodeBase64Object } from "../../domain/without-passwords.ts";
import { type ErrorCode, ImportError, toImportError, unreachable } from "../../errors.ts";
import type { Queue } from "../../store/queues.ts";
import type { DurablePort } from "../durable-port.ts";
import type { Log } from "../log.ts";
import type { StartItem, StartPromotion } from "../promotions/ports.ts";
import type { RestartImport } from "../restart-import.ts";
import type { StartImport } from "../start-import.ts";

export interface OnImportMessageDeps {
  readonly settings: RequestSettings;
  /** Throws HOST_NOT_ALLOWED. */
  readonly assertAllowed: (spec: ImportSpec) => void;
  readonly startImport: Pick<StartImport, "accept">;
  readonly restartImport: RestartImport;
  readonly startPromotion: StartPromotion;
  readonly startItem: StartItem;
  readonly reject: (request: RejectRequest) => Promise<unknown>;
  /** Queue `imports-poison`. */
  readonly poison: Pick<Queue, "send">;
  readonly log: Log;
  readonly now: () => Date;
}

/** How often the host delivers a message: `maxDequeueCount` of host.json. */
export const maxDeliveries = 5;

/** Handles one message of queue `imports`. `message` is as the library hands it out: parsed where it is JSON. */
export type OnImportMessage = (message: unknown, metadata: unknown, durable: DurablePort) => Promise<void>;

/**
 * Queue `imports`: begins what a message asks for. One that can never be valid goes to `imports-poison` at once, with a
 * `Failed` record that says why. Anything else that goes wrong is thrown, so that the host delivers the message again;
 * at its last delivery it goes to `imports-poison` from here, since the host would forget id and reason.
 */
export function createOnImportMessage(deps: OnImportMessageDeps): OnImportMessage {
  return async (message, metadata, durable) => {
    const delivery = readDelivery(deps, message, metadata);
    try {
      const parsed = parseQueueMessage(hinted(message));
      delivery.take(parsed);
      await begin(deps, parsed, delivery, durable);
    } catch (thrown) {
      const error = toImportError(thrown);
      if (isPermanent(error)) return await giveUp(deps, delivery, error, message);
      const { dequeueCount } = delivery.facts;
      if (dequeueCount === undefined || dequeueCount < maxDeliveries) throw error;
      await poisonAsItIs(deps, delivery, error);
    }
  };
}

/** The text of a message, which the library has parsed where it is JSON; the same for each delivery. */
export function messageText(message: unknown): string {
  if (typeof message === "string") return message;
  try {
    return JSON.stringify(message) ?? "";
  } catch {
    return "(nested too deeply to be written down)"; // the parser knows no depth limit, the writer does
  }
}

interface Delivery {
  readonly text: string;
  readonly facts: MessageFacts;
  readonly causedAt: Date;
  readonly trigger: Trigger;
  id: ImportId;
  item: QueueItem | undefined;
  spec: ImportSpec | undefined;
  readonly take: (message: QueueMessage) => void;
}

function readDelivery({ now }: OnImportMessageDeps, message: unknown, metadata: unknown): Delivery {
  const text = messageText(message);
  const facts = readMessageFacts(metadata, message);
  const { messageId } = facts;
  const delivery: Delivery = {
    text,
    facts,
    causedAt: messageTime(facts, now()),
    trigger: { kind: "queue", ...(messageId !== undefined && { ref: messageId.slice(0, 200) }) },
    id: messageImportId(facts, text, now()),
    item: undefined,
    spec: undefined,
    take: (parsed) => {
      delivery.id = (parsed.kind === "promotion" ? parsed.promotionId : parsed.importId) ?? delivery.id;
      delivery.item = parsed.kind === "item" ? parsed.item : undefined;
    },
  };
  return delivery;
}

async function begin(
  deps: OnImportMessageDeps,
  message: QueueMessage,
  delivery: Delivery,
  durable: DurablePort,
): Promise<void> {
  const { id, trigger, causedAt } = delivery;
  switch (message.kind) {
    case "import":
      return await beginImport(deps, message, delivery, durable);
    case "promotion":
      await deps.startPromotion(message.promotion, { id, trigger, causedAt }, durable);
      return;
    case "item":
      return await deps.startItem({ ...message.item, importId: message.importId }, durable);
    default:
      return unreachable(message);
  }
}

async function beginImport(
  { settings, assertAllowed, startImport, restartImport, log }: OnImportMessageDeps,
  message: ImportMessage,
  delivery: Delivery,
  durable: DurablePort,
): Promise<void> {
  const request = parseImportRequest(message.import, settings);
  delivery.spec = request.spec;
  assertFitForQueue(request);
  assertAllowed(request.spec);
  const { id, trigger, causedAt } = delivery;
  const { record, isNew } = await startImport.accept({ id, trigger, request, causedAt }, durable);
  if (isNew || message.attempt === undefined) {
    log("message-accepted", { importId: id, isNew, state: record.state });
    return;
  }
  const outcome = await restartImport(id, message.attempt, request.spec, durable);
  log("message-accepted", { importId: id, isNew, attempt: message.attempt, outcome });
}

function assertFitForQueue({ credentials, dryRun }: ParsedImportRequest): void {
  if (credentials !== undefined) {
    throw new ImportError({
      ...{ code: "INVALID_REQUEST", stage: "accept", property: "import.source.credentials.password" },
      what: "import.source.credentials.password: a queue message must hold no password",
      hint: "name the registry in REGISTRIES, or start the import over HTTP",
    });
  }
  if (dryRun) {
    throw new ImportError({
      ...{ code: "INVALID_REQUEST", stage: "accept", property: "import.dryRun" },
      what: "import.dryRun: nobody waits for the answer to a queue message",
      hint: "plan it over HTTP",
    });
  }
}

/** Refusals that stay the same until the message or the settings change. */
const permanentCodes: ReadonlySet<ErrorCode> = new Set([
  "INVALID_REQUEST",
  "INVALID_REFERENCE",
  "NOT_SUPPORTED",
  "HOST_NOT_ALLOWED",
  "CREDENTIALS_REQUIRED",
]);

function isPermanent({ code, retryable }: ImportError): boolean {
  return !retryable && permanentCodes.has(code);
}

/** The record comes first: a crash between the two brings the message again. */
async function giveUp(
  deps: OnImportMessageDeps,
  delivery: Delivery,
  error: ImportError,
  message: unknown,
): Promise<void> {
  const { id, trigger, spec, causedAt, item } = delivery;
  const reason = error.toWire();
  await deps.reject({
    ...{ id, trigger, spec, causedAt, error: reason },
    ...(spec === undefined && { target: readableTarget(message, deps.settings) }),
    ...(item && { promotion: { id: item.promotion, item: item.key, attempt: item.attempt } }),
  });
  const given = { id, reason, dequeueCount: delivery.facts.dequeueCount ?? 1, text: delivery.text };
  await deps.poison.send(encodePoisonMessage(given) ?? encodeCutPoisonMessage(given));
  deps.log("message-rejected", { importId: id, code: reason.code, property: reason.property });
}

async function poisonAsItIs(deps: OnImportMessageDeps, delivery: Delivery, error: ImportError): Promise<void> {
  const { id, facts, text } = delivery;
  const reason = error.toWire();
  const encoded = encodePoisonMessage({ id, reason, dequeueCount: facts.dequeueCount ?? maxDeliveries, text });
  if (encoded === undefined) throw error; // the host moves it whole, so that it can be requeued
  await deps.poison.send(encoded);
  deps.log("message-given-up", { importId: id, code: reason.code });
}

/** Portals and older SDKs encode by default: that deserves a better answer than "no JSON object". */
function hinted(message: unknown): unknown {
  if (typeof message !== "string" || decodeBase64Object(message) === undefined) return message;
  throw new ImportError({
    ...{ code: "INVALID_REQUEST", stage: "accept", what: "queue message: the message is encoded in base64" },
    hint: "send it as plain text",
  });
}
