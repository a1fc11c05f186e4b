import { z } from "zod";
import { MiB, mediaTypes } from "../../descriptor.ts";
import { type Digest, digestOf, digestSchema, parseDigest } from "../../digest.ts";
import type { RegistryBehaviour } from "./behaviour.ts";
import { type Answer, answer, type Call, Refusal } from "./call.ts";
import type { Catalog, RepositoryContent, StoredManifest } from "./catalog.ts";
import type { Content } from "./content.ts";

export interface ManifestsDeps {
  readonly catalog: Catalog;
  readonly content: Content;
  readonly behaviour: RegistryBehaviour;
}

const maxManifestBytes = 4 * MiB; // OCI distribution-spec 1.1, "Pushing Manifests"
const tagPattern = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;

const descriptorSchema = z.looseObject({
  mediaType: z.string().optional(),
  digest: digestSchema,
  urls: z.array(z.string()).optional(),
});
const manifestSchema = z.looseObject({
  mediaType: z.string().optional(),
  artifactType: z.string().optional(),
  config: descriptorSchema.optional(),
  layers: z.array(descriptorSchema).optional(),
  blobs: z.array(descriptorSchema).optional(),
  manifests: z.array(descriptorSchema).optional(),
  subject: descriptorSchema.optional(),
  annotations: z.record(z.string(), z.string()).optional(),
});
type ManifestDocument = z.infer<typeof manifestSchema>;

/** Manifests by tag and digest: GET, HEAD, PUT and DELETE. Bytes and Content-Type are kept as they came. */
export function createManifests({ catalog, content, behaviour }: ManifestsDeps) {
  const get = async (call: Call, repository: string, reference: string): Promise<Answer> => {
    const found = lookUp(catalog.repositories.get(repository), reference);
    if (found === undefined || !isAccepted(call, found.mediaType))
      throw new Refusal(404, "MANIFEST_UNKNOWN", `manifest ${reference} is not in ${repository}`);
    return {
      kind: "answer",
      status: 200,
      headers: {
        "content-type": found.mediaType,
        "content-length": String(found.sizeBytes),
        "docker-content-digest": found.digest,
        etag: `"${found.digest}"`,
      },
      body: content.read(found.digest, { startBytes: 0, endBytes: found.sizeBytes }),
    };
  };

  const put = async (call: Call, repository: string, reference: string): Promise<Answer> => {
    const wanted = parseDigest(reference);
    if (wanted === undefined && !tagPattern.test(reference))
      throw new Refusal(400, "MANIFEST_INVALID", `${reference} is neither a tag nor a digest`);
    const bytes = await readManifest(call);
    const digest = digestOf(bytes, wanted);
    if (wanted !== undefined && wanted !== digest)
      throw new Refusal(400, "DIGEST_INVALID", `the manifest is ${digest}, not ${wanted}`);
    const document = parseManifest(bytes);
    const mediaType = mediaTypeOf(call, document);
    checkContent(document, catalog.repositories.get(repository), behaviour);

    await content.write(digest, bytes);
    const manifest = describeDocument(document, { digest, mediaType, sizeBytes: bytes.byteLength });
    await catalog.change({ kind: "manifest", repository, manifest });
    // Right before the tag changes, so that nobody comes in between.
    if (behaviour.conditionalPuts === "heeded" && wanted === undefined)
      checkCondition(call, catalog.repositories.get(repository)?.tags.get(reference));
    const tags = wanted === undefined ? [reference] : call.query.getAll("tag").filter((tag) => tagPattern.test(tag));
    for (const tag of tags) await catalog.change({ kind: "tag", repository, tag, digest });
    return answer(201, {
      location: `/v2/${repository}/manifests/${digest}`,
      "docker-content-digest": digest,
      ...(manifest.subject !== undefined && behaviour.referrers === "served"
        ? { "oci-subject": manifest.subject }
        : {}),
      ...(wanted !== undefined && tags.length > 0 ? { "oci-tag": tags.join(", ") } : {}),
    });
  };

  const remove = async (repository: string, reference: string): Promise<Answer> => {
    const found = lookUp(catalog.repositories.get(repository), reference);
    if (found === undefined) throw new Refusal(404, "MANIFEST_UNKNOWN", `${reference} is not in ${repository}`);
    if (parseDigest(reference) === undefined) await catalog.change({ kind: "tag-gone", repository, tag: reference });
    else await catalog.change({ kind: "manifest-gone", repository, digest: found.digest });
    return answer(202);
  };

  return async (call: Call, repository: string, reference: string): Promise<Answer> => {
    switch (call.method) {
      case "GET":
      case "HEAD":
        return await get(call, repository, reference);
      case "PUT":
        return await put(call, repository, reference);
      case "DELETE":
        return await remove(repository, reference);
      default:
        throw new Refusal(405, "UNSUPPORTED", "not supported");
    }
  };
}

function lookUp(repository: RepositoryContent | undefined, reference: string): StoredManifest | undefined {
  const digest = parseDigest(reference) ?? repository?.tags.get(reference);
  return digest === undefined ? undefined : repository?.manifests.get(digest);
}

/** Like ACR and distribution: a type that the client does not accept is not there (azure-cli#25280). */
function isAccepted(call: Call, mediaType: string): boolean {
  const accept = call.headers.accept;
  if (accept === undefined) return true;
  const types = accept.split(",").map((entry) => entry.split(";", 1)[0]?.trim());
  return types.includes("*/*") || types.includes("application/*") || types.includes(mediaType);
}

/** RFC 9110, 13.1.1 and 13.1.2, of a tag. */
function checkCondition({ headers }: Call, current: Digest | undefined): void {
  const want = headers["if-match"];
  const isMet = want === undefined || (current !== undefined && (want === "*" || want.includes(`"${current}"`)));
  if (isMet && (headers["if-none-match"] !== "*" || current === undefined)) return;
  throw new Refusal(412, "PRECONDITION_FAILED", "the tag holds something else");
}

async function readManifest(call: Call): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of call.content) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > maxManifestBytes) throw new Refusal(413, "SIZE_INVALID", "the manifest is larger than 4 MiB");
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

function parseManifest(bytes: Uint8Array): ManifestDocument {
  try {
    return manifestSchema.parse(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)));
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? z.prettifyError(cause) : "it is not JSON";
    throw new Refusal(400, "MANIFEST_INVALID", `the manifest is not valid: ${reason}`);
  }
}

function mediaTypeOf(call: Call, document: ManifestDocument): string {
  const announced = call.headers["content-type"]?.split(";", 1)[0]?.trim();
  const mediaType = announced ?? document.mediaType;
  if (mediaType === undefined) throw new Refusal(400, "MANIFEST_INVALID", "Content-Type is missing");
  if (document.mediaType !== undefined && document.mediaType !== mediaType)
    throw new Refusal(400, "MANIFEST_INVALID", `Content-Type is ${mediaType}, the manifest says ${document.mediaType}`);
  return mediaType;
}

function checkContent(
  document: ManifestDocument,
  repository: RepositoryContent | undefined,
  { missingBlobs, missingChildren }: RegistryBehaviour,
): void {
  const descriptors = [document.config ?? [], document.layers ?? [], document.blobs ?? []].flat();
  // A layer with urls lives elsewhere; it may be missing (image-spec, "Non-distributable layers").
  const blobs = descriptors.filter(({ urls }) => (urls ?? []).length === 0).map(({ digest }) => digest);
  const children = (document.manifests ?? []).map(({ digest }) => digest);
  refuseMissing(blobs, repository?.blobs, missingBlobs);
  refuseMissing(children, repository?.manifests, missingChildren);
}

function refuseMissing(
  digests: readonly Digest[],
  held: { readonly has: (digest: Digest) => boolean } | undefined,
  verdict: "400" | "404" | "accepted",
): void {
  const missing = verdict === "accepted" ? undefined : digests.find((digest) => !held?.has(digest));
  if (missing !== undefined) throw new Refusal(Number(verdict), "MANIFEST_BLOB_UNKNOWN", `${missing} is not there`);
}

/** A whole manifest with its type and digest. */
export interface ManifestBytes {
  readonly bytes: Uint8Array;
  readonly mediaType: string;
  readonly digest: Digest;
}

/** What the catalog keeps of a manifest; throws a {@link Refusal} when the bytes are none. */
export function describeManifest(
  bytes: Uint8Array,
  stored: Pick<StoredManifest, "digest" | "mediaType" | "sizeBytes">,
): StoredManifest {
  return describeDocument(parseManifest(bytes), stored);
}

function describeDocument(
  document: ManifestDocument,
  stored: Pick<StoredManifest, "digest" | "mediaType" | "sizeBytes">,
): StoredManifest {
  const isManifest = stored.mediaType === mediaTypes.ociManifest;
  const artifactType = document.artifactType ?? (isManifest ? document.config?.mediaType : undefined);
  return {
    ...stored,
    ...(document.subject === undefined ? {} : { subject: document.subject.digest }),
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(document.annotations === undefined ? {} : { annotations: document.annotations }),
  };
}
