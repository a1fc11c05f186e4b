import type { Digest } from "../../digest.ts";
import type { RegistryNames } from "../../domain/import-target.ts";
import { headManifest } from "../../registry/manifests.ts";
import type { Registry } from "../../registry/registry.ts";
import type { ScheduleTags } from "../../store/schedule-tags.ts";
import { mapConcurrently } from "../../transfer/map-concurrently.ts";
import { headsAtOnce } from "../promotions/selected-tags.ts";
import type { OnlyChanged, SelectedImage } from "../promotions/selection-page.ts";
import { tagOfImage } from "./scheduled-tag.ts";

export interface OnlyChangedDeps {
  readonly sourceOf: (host: string) => Registry;
  readonly scheduleTags: Pick<ScheduleTags, "readRepository">;
  readonly names: RegistryNames;
}

/** See {@link OnlyChanged}. */
export function createOnlyChanged({ sourceOf, scheduleTags, names }: OnlyChangedDeps): OnlyChanged {
  const changed = async (
    scheduled: Parameters<OnlyChanged>[0],
    image: SelectedImage,
    imported: Imported,
    signal: AbortSignal,
  ): Promise<SelectedImage | undefined> => {
    const { source } = image;
    const row = tagOfImage(scheduled, image, names);
    if (source.tag === undefined || row === undefined) return image;
    const found = await digestOf(sourceOf(source.registry), source, signal);
    if (found === "gone") return undefined;
    if (found === "untold") return image; // the registry tells digests with the manifest only: the import finds out
    const known = (await imported(row.repository)).get(row.key);
    return known === found ? undefined : { ...image, source: { ...source, digest: found } };
  };

  return async (scheduled, images, signal) => {
    const read = new Map<string, ReturnType<Imported>>();
    const imported: Imported = (repository) => {
      const reading = read.get(repository) ?? scheduleTags.readRepository(scheduled.schedule, repository, signal);
      read.set(repository, reading);
      return reading;
    };
    const all = await mapConcurrently(images, headsAtOnce, (image) => changed(scheduled, image, imported, signal));
    return all.filter((image) => image !== undefined);
  };
}

/** What was imported of a repository; read once per page, however many tags of it are asked for. */
type Imported = (repository: string) => Promise<ReadonlyMap<string, Digest>>;

async function digestOf(
  registry: Registry,
  { repository, tag, digest }: SelectedImage["source"],
  signal: AbortSignal,
): Promise<Digest | "gone" | "untold"> {
  if (digest !== undefined) return digest; // it was selected by what its tag names now
  const head = await headManifest(registry.repository(repository, ["pull"]), tag ?? "", signal);
  return head === undefined ? "gone" : (head.digest ?? "untold");
}
