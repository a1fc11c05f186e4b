import { z } from "zod";
import type { ArmRegistries } from "./arm-registries.ts";
import { parseRegistryResourceId } from "./arm-resource-id.ts";
import { type ParsedImportRequest, parseImportRequest, type RequestSettings, refuse } from "./import-request.ts";
import { importRequestSchema, problemsOf } from "./import-request-schema.ts";

/** Body of ARM's `importImage`. The target is in the path; what else Drayage's own requests may have is taken here too. */
export const importImageParametersSchema = importRequestSchema
  .omit({ target: true, dryRun: true })
  .meta({ id: "ImportImageParameters", description: "ARM's ImportImageParameters, and Drayage's additions." });

/**
 * Reads the body of `importImage` for the registry `host`. Like ARM it takes null for what is not given and the words of
 * an enumeration in any case. Throws what `parseImportRequest` throws.
 */
export function parseImportImage(
  body: unknown,
  host: string,
  settings: RequestSettings,
  known: Pick<ArmRegistries, "all" | "find">,
): ParsedImportRequest {
  const given = normalised(body);
  refuse("INVALID_REQUEST", problemsOf(importImageParametersSchema, given));
  const request = importImageParametersSchema.parse(given);
  return parseImportRequest({ ...request, source: withHost(request.source, known), target: host }, settings);
}

type Source = z.infer<typeof importImageParametersSchema>["source"];

/**
 * A resource id that this service itself has given out: the Azure CLI sends one in place of a host that it finds in the
 * list of registries. Credentials beside it are left for the parser to refuse.
 */
function withHost(source: Source, known: Pick<ArmRegistries, "all" | "find">): Source {
  if (typeof source === "string" || source.credentials !== undefined || source.registryUri !== undefined) return source;
  const { resourceId, ...rest } = source;
  const id = resourceId === undefined ? undefined : parseRegistryResourceId(resourceId);
  const found = id && known.find(id);
  const registry = known.all.find(({ host }) => host === found?.host); // what is only guessed is the parser's to warn of
  return registry === undefined ? source : { ...rest, registryUri: registry.host };
}

const modes: Readonly<Record<string, string>> = { force: "Force", noforce: "NoForce" };
const withModeSchema = z.looseObject({ mode: z.string() });

function normalised(body: unknown): unknown {
  const given = withoutNulls(body);
  const withMode = withModeSchema.safeParse(given);
  if (!withMode.success) return given;
  const { mode } = withMode.data;
  return { ...withMode.data, mode: modes[mode.toLowerCase()] ?? mode };
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== null);
  return Object.fromEntries(entries.map(([key, inner]) => [key, withoutNulls(inner)]));
}
