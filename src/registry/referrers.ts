import { z } from "zod";
import { type Descriptor, isIndexType, mediaTypes } from "../descriptor.ts";
import { type Digest, digestOf, digestSchema } from "../digest.ts";
import { ImportError } from "../errors.ts";
import { parseJsonBytes } from "../json.ts";
import { codeOf } from "./errors-from-response.ts";
import { nextLink } from "./list-pages.ts";
import { getManifest, headManifest, maxManifestBytes } from "./manifests.ts";
import { placeOfAccess } from "./place-of-access.ts";
import { redirectStatuses } from "./redirects.ts";
import type { AnswerHead, RegistryRequest, RegistryResponse, Repository } from "./registry.ts";

/** What a list of referrers says of one of them. */
export interface ReferrerDescriptor extends Descriptor {
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface ReferrersQuestion {
  readonly subject: Digest;
  /** Only those of this type, where the registry filters; whoever asks looks at the types all the same. */
  readonly artifactType?: string | undefined;
}

/** `missing`: the registry has no referrers API. One that has it answers an empty list where there are none. */
export type ReferrersAnswer =
  | { readonly kind: "listed"; readonly referrers: readonly ReferrerDescriptor[] }
  | { readonly kind: "missing" };

const maxPages = 100;

/**
 * Asks the referrers API, all pages. A refusal for another reason than a missing API (401, 403, 429) is thrown: unknown
 * is not none. Source: OCI distribution-spec 1.1, "Listing Referrers".
 */
export async function listReferrers(
  repository: Repository,
  { subject, artifactType }: ReferrersQuestion,
  signal: AbortSignal,
): Promise<ReferrersAnswer> {
  const query = artifactType === undefined ? "" : `?${new URLSearchParams({ artifactType })}`;
  let target: RegistryRequest["target"] | undefined = { path: `referrers/${subject}${query}` };
  const found = new Map<Digest, ReferrerDescriptor>();
  const visited = new Set<string>();
  for (let page = 0; target !== undefined; page += 1) {
    if (page === maxPages) throw malformed(repository, subject, `has more than ${maxPages} pages`);
    const first = {
      accept: (answer: AnswerHead) => answer.status === 200 || saysNoApi(answer),
      redirects: "own",
    } as const;
    const sent = { method: "GET", target, headers, wholeBytes: maxManifestBytes } as const;
    const request = { ...sent, ...(page === 0 ? first : { accept: [200] }) };
    await using response: RegistryResponse = await repository.send(request, signal);
    if (page === 0 && (response.status !== 200 || !isJson(response))) return { kind: "missing" };
    const entries = parseReferrers(await response.bytes(maxManifestBytes));
    if (entries === undefined) throw malformed(repository, subject, "is none");
    for (const entry of entries) found.set(entry.digest, entry);
    const link = nextLink(response);
    target = link === undefined || visited.has(link) ? undefined : { url: link }; // never follow a Link for ever
    if (link !== undefined) visited.add(link);
  }
  return { kind: "listed", referrers: [...found.values()] };
}

/**
 * The tag under which clients keep the list where the registry has no referrers API, for any algorithm.
 * Source: OCI distribution-spec 1.1, "Referrers Tag Schema".
 */
export function referrersTag(subject: Digest): string {
  const [algorithm = "", hex = ""] = subject.split(":");
  return `${algorithm.slice(0, 32)}-${hex.slice(0, 64)}`;
}

/**
 * What the fallback tag lists; undefined: the tag holds something that is no list. Looked for by HEAD, since Docker Hub
 * counts only GETs as pulls. GitLab takes the tag for the digest of the subject, which then comes itself: there is no such
 * tag (oras-project/oras-go#1396).
 */
export async function getTaggedReferrers(
  repository: Repository,
  subject: Digest,
  signal: AbortSignal,
): Promise<readonly ReferrerDescriptor[] | undefined> {
  const tag = referrersTag(subject);
  const head = await headManifest(repository, tag, signal);
  if (head === undefined || head.digest === subject) return [];
  const manifest = await getManifest(repository, tag, signal);
  if (manifest === undefined || digestOf(manifest.bytes, subject) === subject) return [];
  return isIndexType(manifest.mediaType) ? parseReferrers(manifest.bytes) : undefined;
}

/** The entries of an index of referrers; those that cannot be understood are left out. Undefined: it is no index. */
function parseReferrers(bytes: Uint8Array): readonly ReferrerDescriptor[] | undefined {
  const index = indexSchema.safeParse(parseJsonBytes(bytes));
  if (!index.success) return undefined;
  return (index.data.manifests ?? []).flatMap((entry) => {
    const parsed = descriptorSchema.safeParse(entry);
    if (!parsed.success) return [];
    const { artifactType, annotations, ...descriptor } = parsed.data;
    return [{ ...descriptor, ...(artifactType && { artifactType }), ...(annotations && { annotations }) }];
  });
}

const headers = { accept: mediaTypes.ociIndex };

/**
 * What registries answer at a path they do not know: distribution 404, Artifactory 406
 * (google/go-containerregistry#1962), others "unsupported" in several ways; Harbor up to 2.7 a 401 that says not how to
 * sign in (goharbor/harbor#18305); GHCR a redirect to a web page (artifacthub/hub#4785).
 */
function saysNoApi({ status, header }: AnswerHead): boolean {
  if (status === 401) return header("www-authenticate") === undefined;
  return [400, 404, 405, 406, 501].includes(status) || redirectStatuses.includes(status);
}

const indexSchema = z.object({ schemaVersion: z.literal(2), manifests: z.array(z.unknown()).nullish() });
const descriptorSchema = z.object({
  mediaType: z.string().min(1),
  digest: digestSchema,
  size: z.int().min(0),
  artifactType: z.string().nullish(),
  annotations: z.record(z.string(), z.string()).nullish(),
});

/** A start page that answers every path is no list. */
function isJson(response: RegistryResponse): boolean {
  return /json/i.test(response.header("content-type") ?? "json");
}

function malformed({ registry: { access } }: Repository, subject: Digest, what: string): ImportError {
  return new ImportError({
    ...placeOfAccess(access),
    code: codeOf(access, "UNAVAILABLE"),
    digest: subject,
    what: `the list of referrers of ${subject} ${what}`,
  });
}
