import { z } from "zod";
import { type Digest, digestSchema } from "../digest.ts";
import { parseJsonBytes } from "../json.ts";

/** What makes a manifest a referrer, and what it is one of. */
export interface ReferrerFacts {
  /** The manifest that it says it is about. */
  readonly subject?: Digest;
  /** Its own word, else the type of its config. OCI image-spec 1.1, "Guidelines for Artifact Usage". */
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly layerTypes: readonly string[];
}

const descriptorSchema = z.object({ mediaType: z.string().optional() });
const documentSchema = z.object({
  subject: z.object({ digest: digestSchema }).nullish().catch(undefined),
  artifactType: z.string().nullish().catch(undefined),
  annotations: z.record(z.string(), z.string()).nullish().catch(undefined),
  config: descriptorSchema.nullish().catch(undefined),
  layers: z.array(descriptorSchema).nullish().catch(undefined),
});

/** Reads a manifest; what cannot be understood says nothing. */
export function readReferrer(bytes: Uint8Array): ReferrerFacts {
  const { subject, artifactType, annotations, config, layers } = parseDocument(bytes);
  const type = artifactType || config?.mediaType;
  return {
    ...(subject && { subject: subject.digest }),
    ...(type && { artifactType: type }),
    ...(annotations && { annotations }),
    layerTypes: (layers ?? []).flatMap(({ mediaType }) => mediaType ?? []),
  };
}

function parseDocument(bytes: Uint8Array): z.infer<typeof documentSchema> {
  return documentSchema.safeParse(parseJsonBytes(bytes)).data ?? {};
}

/** Whether the filter of a request wants it. A signature under a cosign tag says by its layers what it is. */
export function isWantedType(
  { artifactType, layerTypes }: Pick<ReferrerFacts, "artifactType" | "layerTypes">,
  wanted: readonly string[] | undefined,
): boolean {
  if (wanted === undefined) return true;
  return [artifactType, ...layerTypes].some((type) => type !== undefined && wanted.includes(type));
}
