import { z } from "zod";
import { type Descriptor, isIndexType, isManifestType, isSchema1Type, KiB, mediaTypes } from "../descriptor.ts";
import { type Digest, digestOf, digestSchema } from "../digest.ts";
import { type ErrorPlace, ImportError } from "../errors.ts";
import type { Platform } from "./import-spec.ts";

/** What an index says about one of its manifests. */
export interface ChildDescriptor extends Descriptor {
  readonly platform?: Platform;
  /** The manifest that this one attests to (BuildKit's `vnd.docker.reference.digest`): it follows that manifest. */
  readonly attests?: Digest;
}

/** Content that a manifest refers to: config, layers, artifact blobs. */
export interface BlobDescriptor extends Descriptor {
  /** Of a media type whose content registries need not hold ("foreign", "nondistributable"). */
  readonly isForeign: boolean;
  /** Its bytes, where they are known without asking a registry: inline `data`, `{}` and nothing. */
  readonly inline?: Uint8Array;
}

/** A manifest reduced to what copying needs. `subject` is not followed: a referrer does not pull its subject along. */
export interface ParsedManifest {
  readonly kind: "index" | "image" | "artifact";
  /** The type to publish it under: as served, or as the document says where a registry serves a generic one. */
  readonly mediaType: string;
  readonly children: readonly ChildDescriptor[];
  readonly blobs: readonly BlobDescriptor[];
}

/**
 * Reads a manifest of any kind, ignoring what it does not know. `at` is the registry that served it.
 *
 * Throws `SOURCE_CONTENT_CORRUPT` for what no registry should have taken and `UNSUPPORTED_MEDIA_TYPE` for schema 1
 * and for documents that are no manifest.
 */
export function parseManifest(bytes: Uint8Array, mediaType: string, at: ErrorPlace): ParsedManifest {
  if (isSchema1Type(mediaType)) throw unsupported(mediaType, at);
  const document = readDocument(bytes, at);
  if (document.schemaVersion === 1) throw unsupported(mediaTypes.dockerSchema1, at);
  const served = isManifestType(mediaType) ? mediaType : (document.mediaType ?? mediaType);
  const kind = kindOf(served, document, at);
  const { config, layers = [], blobs = [], manifests = [] } = document;
  switch (kind) {
    case "index":
      return {
        kind,
        mediaType: isIndexType(served) ? served : mediaTypes.ociIndex,
        children: manifests.filter((entry) => !isContent(entry.mediaType)).map((entry) => toChild(entry, at)),
        blobs: manifests.filter((entry) => isContent(entry.mediaType)).map((entry) => toBlob(entry, at)),
      };
    case "image": {
      const content = config === undefined ? layers : [config, ...layers];
      return {
        kind,
        mediaType: isManifestType(served) ? served : mediaTypes.ociManifest,
        children: [],
        blobs: content.map((entry) => toBlob(entry, at)),
      };
    }
    case "artifact":
      return { kind, mediaType: served, children: [], blobs: blobs.map((entry) => toBlob(entry, at)) };
  }
}

const maxInlineBytes = 64 * KiB; // a row property holds it; more is fetched like any blob
const base64Pattern = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

const descriptorSchema = z.object({
  mediaType: z.string().min(1),
  digest: digestSchema,
  size: z.int().min(0),
  data: z.string().optional(),
  annotations: z.record(z.string(), z.string()).nullish(),
  platform: z
    .object({
      os: z.string().default(""),
      architecture: z.string().default(""),
      variant: z.string().optional(),
      "os.version": z.string().optional(),
    })
    .nullish(),
});
type DescriptorDocument = z.infer<typeof descriptorSchema>;

/** `null` stands for an empty list in what Go programs write. */
const listSchema = z
  .array(descriptorSchema)
  .nullish()
  .transform((list) => list ?? undefined);

const documentSchema = z.object({
  schemaVersion: z.int().optional(),
  mediaType: z.string().optional(),
  config: descriptorSchema.optional(),
  layers: listSchema,
  manifests: listSchema,
  blobs: listSchema,
});
type ManifestDocument = z.infer<typeof documentSchema>;

function readDocument(bytes: Uint8Array, at: ErrorPlace): ManifestDocument {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw corrupt("is not JSON", at, digestOf(bytes), cause);
  }
  const parsed = documentSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw corrupt(`is malformed at "${issue?.path.join(".") ?? ""}": ${issue?.message ?? ""}`, at, digestOf(bytes));
}

/**
 * A document that could be read as two kinds is refused: whoever checked it may have read the other one
 * (CVE-2021-41190, OCI image-spec 1.0.2).
 */
function kindOf(mediaType: string, document: ManifestDocument, at: ErrorPlace): ParsedManifest["kind"] {
  const isImage = document.layers !== undefined || document.config !== undefined;
  const isIndex = document.manifests !== undefined;
  if (isImage && isIndex) throw corrupt("is both an index and an image", at);
  if (mediaType === mediaTypes.ociArtifactManifest) return "artifact";
  if (isIndexType(mediaType)) {
    if (isImage) throw corrupt("has an index's media type and is none", at);
    return "index";
  }
  if (isManifestType(mediaType)) {
    if (isIndex) throw corrupt("has an image's media type and is an index", at);
    return "image";
  }
  if (isIndex) return "index";
  if (isImage) return "image";
  throw unsupported(mediaType, at);
}

/** An entry of an index that is no manifest (BuildKit's cache lists layers there) is content like any blob. */
function isContent(mediaType: string): boolean {
  return !isManifestType(mediaType) && !isSchema1Type(mediaType);
}

function toChild(entry: DescriptorDocument, at: ErrorPlace): ChildDescriptor {
  const { mediaType, digest, size, platform, annotations } = entry;
  if (isSchema1Type(mediaType)) throw unsupported(mediaType, at);
  const attested = digestSchema.safeParse(annotations?.["vnd.docker.reference.digest"]);
  return {
    mediaType,
    digest,
    size,
    ...(platform ? { platform: toPlatform(platform) } : {}),
    ...(attested.success ? { attests: attested.data } : {}),
  };
}

function toPlatform(platform: NonNullable<DescriptorDocument["platform"]>): Platform {
  const { os, architecture, variant, "os.version": osVersion } = platform;
  return {
    os,
    architecture,
    ...(variant === undefined ? {} : { variant }),
    ...(osVersion === undefined ? {} : { osVersion }),
  };
}

function toBlob(entry: DescriptorDocument, at: ErrorPlace): BlobDescriptor {
  const { mediaType, digest, size } = entry;
  const inline = inlineContent(entry, at);
  const isForeign = /\.(foreign|nondistributable)\./.test(mediaType);
  return { mediaType, digest, size, isForeign, ...(inline === undefined ? {} : { inline }) };
}

const knownContent = ["{}", ""].map((text) => new TextEncoder().encode(text)); // OCI's empty descriptor, and nothing

function inlineContent({ digest, size, data }: DescriptorDocument, at: ErrorPlace): Uint8Array | undefined {
  const known = knownContent.find((bytes) => digestOf(bytes, digest) === digest);
  if (known !== undefined) {
    if (known.byteLength !== size) throw corrupt(`gives ${digest} a size of ${size}`, at);
    return known;
  }
  if (data === undefined || size > maxInlineBytes) return undefined;
  const bytes = base64Pattern.test(data) ? Buffer.from(data, "base64") : undefined;
  if (bytes?.byteLength === size && digestOf(bytes, digest) === digest) return bytes;
  throw corrupt(`has inline data that is not ${digest}`, at);
}

function corrupt(what: string, at: ErrorPlace, digest?: Digest, cause?: unknown): ImportError {
  return new ImportError({
    ...at,
    code: at.side === "source" ? "SOURCE_CONTENT_CORRUPT" : "TARGET_CONTENT_CORRUPT",
    what: `the manifest ${what}`,
    ...(digest === undefined ? {} : { digest }),
    cause,
  });
}

function unsupported(mediaType: string, at: ErrorPlace): ImportError {
  const isOld = isSchema1Type(mediaType);
  return new ImportError({
    ...at,
    code: "UNSUPPORTED_MEDIA_TYPE",
    what: isOld ? "the image is of the old schema 1" : `${mediaType} is no manifest`,
    hint: isOld
      ? "pull it and push it again with a current tool"
      : "the reference must name an image, index or artifact",
  });
}
