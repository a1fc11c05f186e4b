import type { Digest } from "../../digest.ts";
import type { ImportRecord } from "../../domain/import-record.ts";
import { ImportError } from "../../errors.ts";
import { getManifest } from "../../registry/manifests.ts";
import type { Repository } from "../../registry/registry.ts";
import type { Parts, StoredContent } from "../../store/parts.ts";
import type { ManifestContent } from "../../transfer/publish-manifests.ts";

/** The exact bytes that resolve has stored; what was too large for a row comes from the source again, by digest. */
export async function loadManifests(
  parts: Pick<Parts, "readManifests">,
  { record, source, digests }: ManifestsToLoad,
  signal: AbortSignal,
): Promise<readonly ManifestContent[]> {
  const stored = await parts.readManifests(record.id, digests);
  const loaded: ManifestContent[] = [];
  for (const digest of digests) {
    const row = stored.get(digest);
    const manifest = toContent(digest, row) ?? (await fetchAgain(source, digest, signal));
    loaded.push({ ...manifest, ...(row?.tags && { tags: row.tags }) });
  }
  return loaded;
}

export interface ManifestsToLoad {
  readonly record: ImportRecord;
  readonly source: Repository;
  readonly digests: readonly Digest[];
}

function toContent(digest: Digest, stored: StoredContent | undefined): ManifestContent | undefined {
  if (stored?.content === undefined) return undefined;
  return { digest, mediaType: stored.mediaType, bytes: stored.content };
}

async function fetchAgain(source: Repository, digest: Digest, signal: AbortSignal): Promise<ManifestContent> {
  const manifest = await getManifest(source, digest, signal);
  if (manifest !== undefined) return manifest;
  const { side, registry } = source.registry.access;
  throw new ImportError({
    code: "SOURCE_NOT_FOUND",
    side,
    registry,
    stage: "publish",
    digest,
    what: `manifest ${digest} of ${source.name} is not there any more`,
    hint: "it was deleted while its image was copied",
  });
}
