import type { ImportRequest } from "../domain/import-request-schema.ts";
import type { ImportView } from "../domain/import-view.ts";
import { formatSource } from "./places.ts";

/**
 * The request that would begin an import like this one. A record does not tell everything that its request said: which
 * platforms, what about tags that exist, whether signatures travel along.
 */
export function requestLike({ source, target, labels }: ImportView): ImportRequest | undefined {
  if (source === undefined || target === undefined) return undefined;
  const { tags, untaggedRepositories } = target;
  return {
    source: formatSource(source),
    target: target.registry,
    ...(tags.length > 0 && { targetTags: [...tags] }),
    ...(untaggedRepositories.length > 0 && { untaggedTargetRepositories: [...untaggedRepositories] }),
    ...(Object.keys(labels).length > 0 && { labels: { ...labels } }),
  };
}

/** A request as a call of curl; the key, where one is needed, is for the reader to put in. */
export function formatCurl(request: ImportRequest, origin: string): string {
  const url = `${origin}/api/imports`;
  return [
    `curl -X POST ${quote(url)}`,
    `-H 'content-type: application/json' -H "x-functions-key: $DRAYAGE_KEY"`,
    `-d ${quote(JSON.stringify(request))}`,
  ].join(" \\\n  ");
}

/** The same as a call of the command line client. */
export function formatCommand({
  source,
  target,
  targetTags = [],
  untaggedTargetRepositories = [],
}: ImportRequest): string {
  const flags = [
    ["--source", typeof source === "string" ? source : source.sourceImage],
    ...(target === undefined ? [] : [["--target", target]]),
    ...targetTags.map((tag) => ["--image", tag]),
    ...untaggedTargetRepositories.map((repository) => ["--repository", repository]),
  ];
  return ["drayage import", ...flags.map(([flag, value = ""]) => `${flag} ${quote(value)}`)].join(" \\\n  ");
}

/** For a POSIX shell; what needs no quotes gets none. */
function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
