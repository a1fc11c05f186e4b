import { z } from "zod";
import { definedOnly } from "../errors.ts";
import { parseImportRequest, type RequestSettings, refuse } from "./import-request.ts";
import { importRequestSchema, problemsOf, sourceObjectSchema } from "./import-request-schema.ts";
import type { ImportSpec, Platform } from "./import-spec.ts";
import { aliasIn } from "./import-target.ts";
import { parseReference, type Reference } from "./reference.ts";
import type { SourceCredentials } from "./sign-in.ts";

const referenceSchema = z
  .string()
  .min(1)
  .max(1_000)
  .describe("host/repository[:tag][@digest]; the host may be an alias of the service's settings");

/** Body of `POST /api/verify`. */
export const verifyRequestSchema = z
  .strictObject({
    source: z
      .union([referenceSchema, sourceObjectSchema.omit({ resourceId: true })])
      .describe("What to compare. Its credentials are used for this request and not stored."),
    target: referenceSchema.describe(
      "host/repository[:tag][@digest] of what it is compared with; the host may be an alias.",
    ),
    platforms: importRequestSchema.shape.platforms.describe(
      "Compare these platforms only: the digests of the indexes may differ then. Default: all.",
    ),
    full: z
      .boolean()
      .optional()
      .describe(
        "Read every blob on both sides and hash it. Default: false, the registries are asked whether they have it.",
      ),
    referrers: z
      .boolean()
      .optional()
      .describe("Also look for the source's signatures, SBOMs and attestations at the target. Default: false."),
  })
  .meta({ id: "VerifyRequest", description: "Two images or artifacts to compare." });

export type VerifyRequest = Readonly<z.infer<typeof verifyRequestSchema>>;

/** A comparison as it was asked for, all names being read. */
export interface ParsedVerifyRequest {
  readonly source: Reference;
  readonly target: Reference;
  readonly credentials?: SourceCredentials;
  readonly sourceSecret?: NonNullable<ImportSpec["sourceSecret"]>;
  readonly platforms?: readonly Platform[];
  /** `content`: blobs are read and hashed; `presence`: the registries are asked whether they have them. */
  readonly blobs: "content" | "presence";
  readonly referrers: "compared" | "ignored";
}

/**
 * Reads a request to compare; source, credentials and platforms are what they are of an import. Throws INVALID_REQUEST
 * or INVALID_REFERENCE with the property at fault.
 */
export function parseVerifyRequest(body: unknown, settings: RequestSettings): ParsedVerifyRequest {
  refuse("INVALID_REQUEST", problemsOf(verifyRequestSchema, body));
  const request = verifyRequestSchema.parse(body);
  const target = parseReference(withHost(request.target, settings), "target");
  const { spec, credentials } = parseImportRequest(
    {
      source: sourceWithHost(request.source, settings),
      target: target.registry,
      untaggedTargetRepositories: [target.repository],
      ...definedOnly({ platforms: request.platforms }),
    },
    settings,
  );
  const { source, sourceSecret, platforms } = spec;
  const { registry, repository, tag, digest } = source;
  return {
    source: { registry, repository, ...definedOnly({ tag, digest }) },
    target,
    ...definedOnly({ credentials, sourceSecret, platforms }),
    blobs: request.full === true ? "content" : "presence",
    referrers: request.referrers === true ? "compared" : "ignored",
  };
}

/** A reference whose registry may go by its alias. */
function withHost(text: string, settings: RequestSettings): string {
  const { rest, host } = aliasIn(text, settings);
  return host === undefined ? text : `${host}/${rest}`;
}

function sourceWithHost(source: VerifyRequest["source"], settings: RequestSettings): VerifyRequest["source"] {
  if (typeof source === "string") return withHost(source, settings);
  if (source.registryUri !== undefined) return source;
  return { ...source, sourceImage: withHost(source.sourceImage, settings) };
}

/** Tag or digest that is asked for: with both, the digest counts. */
export function referenceOf({ tag, digest }: Reference): string {
  return digest ?? tag ?? "latest";
}
