import type { ImportRecord } from "../domain/import-record.ts";
import { formatReference } from "../domain/reference.ts";
import type { Repository } from "../registry/registry.ts";
import { readTag } from "../transfer/read-tag.ts";

/**
 * The warning of an import whose source tag has moved on since the push that caused it, or is gone: a later event brings
 * what it names now. Undefined: the tag still names the digest, or the import does not depend on it.
 */
export async function findSuperseded(
  { spec, source: found }: ImportRecord,
  source: Repository,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { tag, digest: asked, registry, repository } = spec.source;
  const digest = found?.digest ?? asked;
  if (spec.whileTagged !== true || tag === undefined || digest === undefined) return undefined;
  const current = await readTag(source, tag, digest, signal);
  if (current === digest) return undefined;
  const reference = formatReference({ registry, repository, tag });
  return `SUPERSEDED: ${reference} is ${current ?? "gone"} by now, no longer ${digest}: nothing was tagged`;
}
