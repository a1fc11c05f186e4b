import { z } from "zod";
import { ImportError } from "../errors.ts";
import { parseImportRequest, type RequestSettings } from "./import-request.ts";
import { importRequestSchema } from "./import-request-schema.ts";
import type { ImportSpec } from "./import-spec.ts";

const { target, targetTags, untaggedTargetRepositories } = importRequestSchema.shape;
const messageSchema = z.looseObject({ import: z.object({ target, targetTags, untaggedTargetRepositories }) });

/** No request can name it (RFC 6761): what it gives defaults for is not known. */
const unknownSource = "unknown.invalid/unknown";

/**
 * Where a message of queue `imports` wants something imported to that is wrong in another place; undefined where that
 * cannot be read either, or is not said.
 */
export function readableTarget(message: unknown, settings: RequestSettings): ImportSpec["target"] | undefined {
  const parsed = messageSchema.safeParse(message);
  if (!parsed.success) return undefined;
  const { import: request } = parsed.data;
  try {
    const { registry, ...places } = parseImportRequest({ source: unknownSource, ...request }, settings).spec.target;
    const isNamed = [...(request.targetTags ?? []), ...(request.untaggedTargetRepositories ?? [])].length > 0;
    return { registry, ...(isNamed ? places : { tags: [], untaggedRepositories: [] }) };
  } catch (thrown) {
    if (!(thrown instanceof ImportError)) throw thrown;
    return undefined;
  }
}
