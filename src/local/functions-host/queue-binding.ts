import type { DequeuedMessageItem } from "@azure/storage-queue";
import type { RpcTypedData } from "./rpc.ts";

/**
 * The text of a message as the function gets it, or undefined when it cannot be decoded: a producer that does not
 * encode, with `messageEncoding` base64, is the usual cause, and such a message goes to the poison queue at once.
 */
export function decodeMessage(messageText: string, encoding: "none" | "base64"): string | undefined {
  if (encoding === "none") return messageText;
  const bytes = Buffer.from(messageText, "base64");
  return bytes.toString("base64").replace(/=+$/, "") === messageText.replace(/=+$/, "")
    ? bytes.toString("utf8")
    : undefined;
}

export type MessageFacts = Pick<
  DequeuedMessageItem,
  "messageId" | "popReceipt" | "dequeueCount" | "insertedOn" | "expiresOn" | "nextVisibleOn"
>;

/**
 * The trigger metadata of a queue message. Top-level properties of a JSON object are binding data too and shadow the
 * message's own: `{"id":"2"}` overwrites the message id, whatever the case of its letters.
 * Source: azure-functions-host, Utility.ApplyBindingData; recorded in test/host/golden-http/queue-metadata.json.
 */
export function queueMetadata(message: MessageFacts, text: string): Record<string, RpcTypedData> {
  const metadata: Record<string, RpcTypedData> = {
    QueueTrigger: { string: text },
    DequeueCount: { json: String(message.dequeueCount) },
    ExpirationTime: timeJson(message.expiresOn),
    Id: { string: message.messageId },
    InsertionTime: timeJson(message.insertedOn),
    NextVisibleTime: timeJson(message.nextVisibleOn),
    PopReceipt: { string: message.popReceipt },
  };
  const keyOf = new Map(Object.keys(metadata).map((key) => [key.toLowerCase(), key]));
  for (const [name, value] of Object.entries(topLevelProperties(text))) {
    const shown = showProperty(value);
    if (!shown) continue;
    const key = keyOf.get(name.toLowerCase()) ?? name;
    keyOf.set(name.toLowerCase(), key);
    metadata[key] = shown;
  }
  return metadata;
}

function topLevelProperties(text: string): object {
  if (!/^\s*\{/.test(text)) return {};
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === "object" && parsed !== null ? parsed : {};
  } catch {
    return {}; // no JSON: no binding data
  }
}

/** Newtonsoft's text of a value; arrays and null are no binding data. */
function showProperty(value: unknown): RpcTypedData | undefined {
  switch (typeof value) {
    case "string":
      return { string: value };
    case "boolean":
      return { string: value ? "True" : "False" };
    case "number":
      return { string: String(value) };
    case "object":
      return value === null || Array.isArray(value) ? undefined : showObject(value);
    default:
      return undefined;
  }
}

/** Undefined for what is nested too deeply to be written: it is no binding data then. */
function showObject(value: object): RpcTypedData | undefined {
  try {
    return { json: JSON.stringify(value) };
  } catch {
    return undefined;
  }
}

/** .NET's DateTimeOffset in JSON, whole seconds as the service reports them. */
function timeJson(time: Date): RpcTypedData {
  return { json: JSON.stringify(`${time.toISOString().slice(0, 19)}+00:00`) };
}
