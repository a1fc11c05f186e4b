import { z } from "zod";
import { acceptedManifestTypes, isSchema1Type, MiB, mediaTypes } from "../descriptor.ts";
import { algorithmOf, type Digest, digestOf, parseDigest } from "../digest.ts";
import { ImportError } from "../errors.ts";
import { missingStatuses } from "./blobs.ts";
import { contentMismatch } from "./errors-from-response.ts";
import { sendHead } from "./head.ts";
import { placeOfAccess } from "./place-of-access.ts";
import type { AnswerHead, Repository } from "./registry.ts";
import { parseLength } from "./response.ts";

/** Registries must take manifests of up to 4 MiB; larger ones are refused. OCI distribution-spec 1.1, "Pushing manifests". */
export const maxManifestBytes = 4 * MiB;

export interface ManifestHead {
  /** The reference itself, where that is a digest. Undefined where the registry does not tell it. */
  readonly digest: Digest | undefined;
  readonly mediaType: string;
  readonly size: number | undefined;
  /** It is there, and a policy of the registry shows it to nobody: nothing else is known of it. */
  readonly isWithheld?: true;
}

export interface FetchedManifest {
  /** Exactly as the registry sent them. */
  readonly bytes: Uint8Array;
  readonly mediaType: string;
  /** Of `bytes`; the reference itself, where that is a digest. */
  readonly digest: Digest;
  /** What a PUT can name in `If-Match`. */
  readonly etag?: string;
}

export interface ManifestToPut {
  readonly bytes: Uint8Array;
  readonly mediaType: string;
  /** Put only while the tag holds that, or nothing. Many registries take no notice. */
  readonly onlyIf?: { readonly etag: string } | "absent";
}

/** `changed`: the tag does not hold what `onlyIf` says. */
export type PutManifestOutcome =
  | {
      readonly kind: "stored";
      /** The registry says that it keeps the list of this subject's referrers (OCI-Subject). */
      readonly listedFor: Digest | undefined;
    }
  | { readonly kind: "changed" };

/**
 * What a tag or digest stands for, without its bytes; undefined when it is not there. Docker Hub does not count it.
 * A digest stands for itself: told another one, this throws, or where the algorithms differ leaves it to a GET. What a target does not show is
 * there all the same; at a source that is an error.
 */
export async function headManifest(
  repository: Repository,
  reference: string,
  signal: AbortSignal,
): Promise<ManifestHead | undefined> {
  const { target, headers } = manifestRequest(reference);
  const accept = [200, ...missingStatuses(repository), ...withheldStatuses(repository)];
  const response = await sendHead(repository, { ...target, headers, accept }, signal);
  const asked = parseDigest(reference);
  if (response.status === withheld) return { digest: asked, mediaType: "", size: undefined, isWithheld: true };
  if (response.status !== 200) return undefined;
  const told = parseDigest(response.header("docker-content-digest") ?? "");
  const mayBeSame = asked === undefined || told === undefined || told === asked;
  if (!mayBeSame && algorithmOf(told) === algorithmOf(asked)) {
    throw contentMismatch(placeOfAccess(repository.registry.access), {
      what: `manifest ${asked} of ${repository.name} is ${told} by the registry's own words`,
      digest: asked,
    });
  }
  return {
    digest: mayBeSame ? (asked ?? told) : undefined,
    mediaType: mediaTypeOf(response),
    size: parseLength(response.header("content-length")),
  };
}

/** The manifest of a tag or digest, checked against every digest that is known for it; undefined when it is not there. */
export async function getManifest(
  repository: Repository,
  reference: string,
  signal: AbortSignal,
): Promise<FetchedManifest | undefined> {
  const request = { method: "GET", ...manifestRequest(reference), wholeBytes: maxManifestBytes } as const;
  await using response = await repository.send(request, signal);
  if (response.status === 404) return undefined;
  const bytes = await response.bytes(maxManifestBytes);
  const mediaType = specificTypes.test(mediaTypeOf(response)) ? mediaTypeOf(response) : declaredMediaType(bytes);
  const asked = parseDigest(reference);
  // The digest of a signed schema 1 manifest is that of its payload: whoever refuses those shall see what it is.
  const told = isSchema1Type(mediaType) ? undefined : parseDigest(response.header("docker-content-digest") ?? "");
  for (const want of [asked, told]) {
    if (want === undefined || (want === asked && isSchema1Type(mediaType)) || digestOf(bytes, want) === want) continue;
    throw contentMismatch(placeOfAccess(repository.registry.access), {
      what: `manifest ${reference} of ${repository.name} came as ${digestOf(bytes, want)} instead of ${want}`,
      digest: want,
    });
  }
  const etag = response.header("etag");
  return { bytes, mediaType, digest: asked ?? told ?? digestOf(bytes), ...(etag && { etag }) };
}

/** Puts a manifest under a tag or its digest, as these bytes. */
export async function putManifest(
  repository: Repository,
  reference: string,
  { bytes, mediaType, onlyIf }: ManifestToPut,
  signal: AbortSignal,
): Promise<PutManifestOutcome> {
  await using response = await repository.send(
    {
      method: "PUT",
      target: { path: `manifests/${reference}` },
      accept: onlyIf === undefined ? stored : [...stored, 412],
      headers: { "content-type": mediaType, ...conditionOf(onlyIf) },
      body: { lengthBytes: bytes.byteLength, content: bytes },
    },
    signal,
  );
  if (response.status === 412) return { kind: "changed" };
  const answered = parseDigest(response.header("docker-content-digest") ?? "");
  const listedFor = parseDigest(response.header("oci-subject") ?? "");
  if (answered === undefined || digestOf(bytes, answered) === answered) return { kind: "stored", listedFor };
  throw new ImportError({
    ...placeOfAccess(repository.registry.access),
    code: "TARGET_DIGEST_REJECTED",
    httpStatus: response.status,
    what: `manifest ${reference} of ${repository.name} was stored as ${answered} instead of ${digestOf(bytes, answered)}`,
    hint: "the registry or a proxy before it rewrites manifests",
    digest: digestOf(bytes, answered),
  });
}

/** Harbor refuses to show what has vulnerabilities or no signature, and takes pushes of it. goharbor/harbor#19408, #23638. */
const withheld = 412;

function withheldStatuses({ registry }: Repository): readonly number[] {
  return registry.access.side === "target" ? [withheld] : [];
}

const stored = [200, 201, 202]; // Quay used to answer 202

function conditionOf(onlyIf: ManifestToPut["onlyIf"]): Readonly<Record<string, string>> {
  if (onlyIf === undefined) return {};
  return onlyIf === "absent" ? { "if-none-match": "*" } : { "if-match": onlyIf.etag };
}

const specificTypes = /^application\/vnd\./;

function manifestRequest(reference: string) {
  const target = { path: `manifests/${reference}` };
  return { target, accept: [200, 404], headers: { accept: acceptedManifestTypes.join(", ") } };
}

function mediaTypeOf(response: AnswerHead): string {
  return (response.header("content-type") ?? "").split(";", 1).join("").trim().toLowerCase();
}

const shapeSchema = z.object({
  mediaType: z.string().optional().catch(undefined),
  manifests: z.array(z.unknown()).optional().catch(undefined),
  layers: z.array(z.unknown()).optional().catch(undefined),
});

/** What a manifest is by its own words or shape: for registries that answer `application/json` or `text/plain`. */
function declaredMediaType(bytes: Uint8Array): string {
  try {
    const { mediaType, manifests, layers } = shapeSchema.parse(JSON.parse(new TextDecoder().decode(bytes)));
    if (mediaType !== undefined) return mediaType;
    if (manifests !== undefined) return mediaTypes.ociIndex; // both may leave mediaType out. OCI image-spec 1.1
    return layers === undefined ? "" : mediaTypes.ociManifest;
  } catch {
    return ""; // no manifest at all: whoever reads it says so
  }
}
