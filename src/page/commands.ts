import type { ImportRequest } from "../domain/import-request-schema.ts";
import type { ImportView } from "../domain/import-view.ts";
import type { SignIn } from "./data/api.ts";
import { formatSource } from "./places.ts";

/**
 * The request that would begin an import like this one; undefined for one that could not be read. Credentials that a
 * request brought are not kept.
 */
export function requestLike(view: ImportView): ImportRequest | undefined {
  const { source, target, labels, conflict, platforms, sparseIndex, referrers, verify, strategy } = view;
  if (source === undefined || target === undefined) return undefined;
  const { foreignLayers, timeoutSeconds } = view;
  const { tags, untaggedRepositories } = target;
  const { artifactTypes } = referrers ?? {};
  return {
    source: sourceLike(source),
    target: target.registry,
    ...(tags.length > 0 && { targetTags: [...tags] }),
    ...(untaggedRepositories.length > 0 && { untaggedTargetRepositories: [...untaggedRepositories] }),
    conflict,
    ...(platforms !== undefined && { platforms: [...platforms], sparseIndex }),
    ...(referrers !== undefined && { referrers: artifactTypes === undefined || { artifactTypes: [...artifactTypes] } }),
    ...(foreignLayers !== "auto" && { foreignLayers }),
    ...(verify !== "manifest" && { verify }),
    ...(strategy !== undefined && { strategy }),
    timeoutSeconds,
    ...(Object.keys(labels).length > 0 && { labels: { ...labels } }),
  };
}

function sourceLike(source: NonNullable<ImportView["source"]>): ImportRequest["source"] {
  const { resourceId, secret, pinnedDigest } = source;
  const pin = pinnedDigest === undefined ? "" : `@${pinnedDigest}`;
  const reference = `${formatSource(source)}${pin}`;
  const credentials = secret && { credentials: { ...secret } };
  if (resourceId !== undefined)
    return { resourceId, sourceImage: reference.slice(source.registry.length + 1), ...credentials };
  return credentials === undefined ? reference : { sourceImage: reference, ...credentials };
}

/** A request as a call of curl; what it signs in with, where anything is asked for, is for the reader to put in. */
export function formatCurl(url: string, request: object, signIn: SignIn): string {
  const headers = ["-H 'content-type: application/json'", ...signInHeaders[signIn]];
  return [`curl -X POST ${quote(url)}`, headers.join(" "), `-d ${quote(JSON.stringify(request))}`].join(" \\\n  ");
}

const signInHeaders: Readonly<Record<SignIn, readonly string[]>> = {
  key: ['-H "x-functions-key: $DRAYAGE_KEY"'],
  platform: ['-H "Authorization: Bearer $DRAYAGE_TOKEN"'],
  none: [],
};

/** The same as a call of the command line client; undefined for what that has no flag for. */
export function formatCommand(request: ImportRequest): string | undefined {
  const { target, conflict, targetTags = [], untaggedTargetRepositories = [], platforms = [] } = request;
  const { labels = {}, referrers, foreignLayers, verify, strategy, timeoutSeconds } = request;
  const source = typeof request.source === "string" ? { sourceImage: request.source } : request.source;
  if (source.credentials !== undefined || Object.keys(labels).some((key) => key.includes("="))) return undefined;
  const types = typeof referrers === "object" ? referrers.artifactTypes : undefined;
  const flags: readonly (readonly [string, string?])[] = [
    ...(source.resourceId === undefined ? [] : [["--registry", source.resourceId] as const]),
    ["--source", source.sourceImage],
    ...(target === undefined ? [] : [["--target", target] as const]),
    ...targetTags.map((tag) => ["--image", tag] as const),
    ...untaggedTargetRepositories.map((repository) => ["--repository", repository] as const),
    ...(conflict === undefined || conflict === "fail" ? [] : [["--conflict", conflict] as const]),
    ...platforms.map((platform) => ["--platform", platform] as const),
    ...(request.sparseIndex ? [["--sparse-index"] as const] : []),
    ...(referrers && types === undefined ? [["--referrers"] as const] : []),
    ...(types ?? []).map((type) => ["--artifact-type", type] as const),
    ...(foreignLayers === undefined ? [] : [["--foreign-layers", foreignLayers] as const]),
    ...(verify === undefined ? [] : [["--verify", verify] as const]),
    ...(strategy === undefined ? [] : [["--strategy", strategy] as const]),
    ...Object.entries(labels).map(([key, value]) => ["--label", `${key}=${value}`] as const),
    ...(timeoutSeconds === undefined ? [] : [["--timeout", String(timeoutSeconds)] as const]),
  ];
  const words = flags.map(([flag, value]) => (value === undefined ? flag : `${flag} ${quote(value)}`));
  return ["drayage import", ...words].join(" \\\n  ");
}

/** For a POSIX shell; what needs no quotes gets none. */
function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
