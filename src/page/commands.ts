import type { ImportRequest } from "../domain/import-request-schema.ts";
import type { ImportView } from "../domain/import-view.ts";
import { formatSource } from "./places.ts";

/** The request that would begin an import like this one; undefined for one that could not be read. */
export function requestLike(view: ImportView): ImportRequest | undefined {
  const { source, target, labels, conflict, platforms, sparseIndex, referrers, verify, strategy } = view;
  if (source === undefined || target === undefined) return undefined;
  const { tags, untaggedRepositories } = target;
  const { artifactTypes } = referrers ?? {};
  return {
    source: formatSource(source),
    target: target.registry,
    ...(tags.length > 0 && { targetTags: [...tags] }),
    ...(untaggedRepositories.length > 0 && { untaggedTargetRepositories: [...untaggedRepositories] }),
    conflict,
    ...(platforms !== undefined && { platforms: [...platforms], sparseIndex }),
    ...(referrers !== undefined && { referrers: artifactTypes === undefined || { artifactTypes: [...artifactTypes] } }),
    ...(verify !== "manifest" && { verify }),
    ...(strategy !== undefined && { strategy }),
    ...(Object.keys(labels).length > 0 && { labels: { ...labels } }),
  };
}

/** A request as a call of curl; the key, where one is needed, is for the reader to put in. */
export function formatCurl(url: string, request: object): string {
  return [
    `curl -X POST ${quote(url)}`,
    `-H 'content-type: application/json' -H "x-functions-key: $DRAYAGE_KEY"`,
    `-d ${quote(JSON.stringify(request))}`,
  ].join(" \\\n  ");
}

/** The same as a call of the command line client. */
export function formatCommand(request: ImportRequest): string {
  const { source, target, conflict, targetTags = [], untaggedTargetRepositories = [], platforms = [] } = request;
  const { labels = {}, referrers, verify, strategy } = request;
  const types = typeof referrers === "object" ? referrers.artifactTypes : undefined;
  const flags: readonly (readonly [string, string?])[] = [
    ["--source", typeof source === "string" ? source : source.sourceImage],
    ...(target === undefined ? [] : [["--target", target] as const]),
    ...targetTags.map((tag) => ["--image", tag] as const),
    ...untaggedTargetRepositories.map((repository) => ["--repository", repository] as const),
    ...(conflict === undefined || conflict === "fail" ? [] : [["--conflict", conflict] as const]),
    ...platforms.map((platform) => ["--platform", platform] as const),
    ...(request.sparseIndex ? [["--sparse-index"] as const] : []),
    ...(referrers && types === undefined ? [["--referrers"] as const] : []),
    ...(types ?? []).map((type) => ["--artifact-type", type] as const),
    ...(verify === undefined ? [] : [["--verify", verify] as const]),
    ...(strategy === undefined ? [] : [["--strategy", strategy] as const]),
    ...Object.entries(labels).map(([key, value]) => ["--label", `${key}=${value}`] as const),
  ];
  const words = flags.map(([flag, value]) => (value === undefined ? flag : `${flag} ${quote(value)}`));
  return ["drayage import", ...words].join(" \\\n  ");
}

/** For a POSIX shell; what needs no quotes gets none. */
function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
