import { z } from "zod";
import { definedOnly, type ErrorCode, type ImportErrorWire, importErrorWireSchema } from "../errors.ts";
import { failedOperation } from "./arm-operation.ts";
import type { RegistryResourceId } from "./arm-resource-id.ts";
import type { ImportRecord } from "./import-record.ts";

const detailSchema = z.strictObject({
  code: z.string().describe("Drayage's own code (docs/errors.md)."),
  message: z.string(),
  target: z.string().optional().describe("Property of the request, else the registry at fault."),
});

/** ARM's error body. Source: Azure resource-manager RPC, "Error response content". */
export const armErrorSchema = z
  .strictObject({
    error: z.strictObject({
      code: z.string().describe("ARM's word for it."),
      message: z.string(),
      target: z.string().optional(),
      details: z.array(detailSchema),
      additionalInfo: z.array(z.strictObject({ type: z.literal("DrayageError"), info: importErrorWireSchema })),
    }),
  })
  .meta({ id: "ArmError", description: "ARM's error body, with Drayage's own error in it." });

/** An answer of Azure's resource manager that tells of a failure. */
export interface ArmFailure {
  readonly status: number;
  readonly body: z.infer<typeof armErrorSchema>;
}

interface ArmWord {
  readonly status: number;
  readonly code: string;
}

/** ACR's word for nearly everything. */
const invalid: ArmWord = { status: 400, code: "InvalidParameters" };
const unavailable: ArmWord = { status: 503, code: "ServiceUnavailable" };

const words: Partial<Readonly<Record<ErrorCode, ArmWord>>> = {
  UNAUTHORIZED: { status: 401, code: "AuthenticationFailed" },
  CALLER_FORBIDDEN: { status: 403, code: "AuthorizationFailed" },
  SIGN_IN_UNAVAILABLE: unavailable,
  REGISTRY_NOT_FOUND: { status: 404, code: "ResourceNotFound" },
  IMPORT_NOT_FOUND: { status: 404, code: "NotFound" },
  HOST_NOT_ALLOWED: { status: 403, code: "RequestDisallowedByPolicy" },
  TARGET_TAG_EXISTS: { status: 409, code: "Conflict" },
  CANCELLED: { status: 409, code: "OperationCanceled" },
  STORAGE_UNAVAILABLE: unavailable,
  INTERNAL: { status: 500, code: "InternalServerError" },
};

/** The answer to a request that was refused or could not be worked on. */
export function requestFailure(error: ImportErrorWire): ArmFailure {
  const word = words[error.code] ?? (error.retryable ? unavailable : invalid);
  return failure(word, error.message, error);
}

/**
 * The answer to a question for an operation that failed. Its status is never one that clients repeat their question for
 * (5xx, 408, 429): the operation is over.
 */
export function operationFailure(record: ImportRecord, error: ImportErrorWire, target: RegistryResourceId): ArmFailure {
  const word = words[error.code] ?? invalid;
  const final = word.status < 500 ? word : { ...word, status: invalid.status };
  const text = error.code === "TARGET_TAG_EXISTS" ? `${conflict(record, error)} ${error.message}` : error.message;
  // The code once more: clients that poll show the message and drop the details.
  return failure(final, `${failedOperation(record, target)} ${text} (${error.code})`, error);
}

/** ACR's own sentence, which scripts look for. */
function conflict({ spec }: ImportRecord, { message }: ImportErrorWire): string {
  const names = spec.target.tags.map(({ repository, tag }) => `${repository}:${tag}`);
  const [first = names[0] ?? ""] = names.filter((name) => message.includes(`${name} (`));
  return `Tag ${first} already exists in target registry.`;
}

function failure({ status, code }: ArmWord, message: string, error: ImportErrorWire): ArmFailure {
  const target = error.property ?? error.registry;
  const detail = { code: error.code, message: error.message, ...definedOnly({ target }) };
  return {
    status,
    body: {
      error: {
        code,
        message,
        ...definedOnly({ target: error.property }),
        details: [detail],
        additionalInfo: [{ type: "DrayageError", info: error }],
      },
    },
  };
}
