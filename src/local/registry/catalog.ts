import { z } from "zod";
import { type Digest, digestSchema } from "../../digest.ts";

const storedManifestSchema = z.strictObject({
  digest: digestSchema,
  mediaType: z.string(),
  sizeBytes: z.int(),
  subject: digestSchema.optional(),
  artifactType: z.string().optional(),
  annotations: z.record(z.string(), z.string()).optional(),
});
/** What is known of a manifest without reading it. */
export type StoredManifest = Readonly<z.infer<typeof storedManifestSchema>>;

const repository = z.string();
/** One change of what the registry holds: what a catalog is rebuilt from. */
export const catalogChangeSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("blob"), repository, digest: digestSchema }),
  z.strictObject({ kind: z.literal("blob-gone"), repository, digest: digestSchema }),
  z.strictObject({ kind: z.literal("manifest"), repository, manifest: storedManifestSchema }),
  z.strictObject({ kind: z.literal("manifest-gone"), repository, digest: digestSchema }),
  z.strictObject({ kind: z.literal("tag"), repository, tag: z.string(), digest: digestSchema }),
  z.strictObject({ kind: z.literal("tag-gone"), repository, tag: z.string() }),
  z.strictObject({ kind: z.literal("session"), repository, id: z.string() }),
  z.strictObject({ kind: z.literal("session-gone"), id: z.string() }),
]);
export type CatalogChange = Readonly<z.infer<typeof catalogChangeSchema>>;

/** What one repository holds. */
export interface RepositoryContent {
  readonly blobs: ReadonlySet<Digest>;
  readonly manifests: ReadonlyMap<Digest, StoredManifest>;
  readonly tags: ReadonlyMap<string, Digest>;
}

/** Which repository holds what, and which uploads are open (id → repository). */
export interface Catalog {
  readonly repositories: ReadonlyMap<string, RepositoryContent>;
  readonly sessions: ReadonlyMap<string, string>;
  /** Applies the change at once, and is done when it is stored. */
  readonly change: (change: CatalogChange) => Promise<void>;
}

export interface CatalogDeps {
  /** Changes of former runs, oldest first. */
  readonly history: readonly CatalogChange[];
  readonly store: (change: CatalogChange) => Promise<void>;
}

export function createCatalog({ history, store }: CatalogDeps): Catalog {
  const state: MutableCatalog = { repositories: new Map(), sessions: new Map() };
  for (const change of history) apply(state, change);
  return {
    repositories: state.repositories,
    sessions: state.sessions,
    change: async (change) => {
      apply(state, change);
      await store(change);
    },
  };
}

/** The shortest list of changes that leads to what the catalog holds now. */
export function summarise(catalog: Pick<Catalog, "repositories" | "sessions">): CatalogChange[] {
  const changes: CatalogChange[] = [];
  for (const [repository, { blobs, manifests, tags }] of catalog.repositories) {
    for (const digest of blobs) changes.push({ kind: "blob", repository, digest });
    for (const manifest of manifests.values()) changes.push({ kind: "manifest", repository, manifest });
    for (const [tag, digest] of tags) changes.push({ kind: "tag", repository, tag, digest });
  }
  for (const [id, repository] of catalog.sessions) changes.push({ kind: "session", repository, id });
  return changes;
}

interface MutableRepository {
  readonly blobs: Set<Digest>;
  readonly manifests: Map<Digest, StoredManifest>;
  readonly tags: Map<string, Digest>;
}

interface MutableCatalog {
  readonly repositories: Map<string, MutableRepository>;
  readonly sessions: Map<string, string>;
}

function apply(state: MutableCatalog, change: CatalogChange): void {
  switch (change.kind) {
    case "session":
      state.sessions.set(change.id, change.repository);
      return;
    case "session-gone":
      state.sessions.delete(change.id);
      return;
    default:
      applyToRepository(repositoryIn(state, change.repository), change);
  }
}

function repositoryIn(state: MutableCatalog, name: string): MutableRepository {
  const found = state.repositories.get(name) ?? { blobs: new Set(), manifests: new Map(), tags: new Map() };
  state.repositories.set(name, found);
  return found;
}

function applyToRepository(
  content: MutableRepository,
  change: Exclude<CatalogChange, { kind: "session" | "session-gone" }>,
): void {
  switch (change.kind) {
    case "blob":
      content.blobs.add(change.digest);
      return;
    case "blob-gone":
      content.blobs.delete(change.digest);
      return;
    case "manifest":
      content.manifests.set(change.manifest.digest, change.manifest);
      return;
    case "manifest-gone":
      content.manifests.delete(change.digest);
      for (const [tag, digest] of content.tags) if (digest === change.digest) content.tags.delete(tag);
      return;
    case "tag":
      content.tags.set(change.tag, change.digest);
      return;
    case "tag-gone":
      content.tags.delete(change.tag);
  }
}
