import { readFile } from "node:fs/promises";
import { z } from "zod";

/** What the build writes beside the page's files: `file` is relative to the manifest. */
export const pageManifestSchema = z.strictObject({
  v: z.literal(1),
  /** The document, by the same rules as any other file. */
  document: z.string(),
  files: z.array(
    z.strictObject({
      /** As in `/assets/NAME`; the document's own is its file name. */
      name: z.string(),
      contentType: z.string(),
      /** Hash of the content: names hold it, too. */
      etag: z.string(),
    }),
  ),
});
export type PageManifest = Readonly<z.infer<typeof pageManifestSchema>>;

/** Content codings that the build has made, the smallest first, and how their files end. */
export const codings = { br: ".br", gzip: ".gz" } as const;
export type Coding = keyof typeof codings;

/** A file of the page in every coding that there is of it. */
export interface PageFile {
  readonly name: string;
  readonly contentType: string;
  readonly etag: string;
  readonly identity: Uint8Array;
  readonly coded: Readonly<Record<Coding, Uint8Array>>;
}

export interface PageFiles {
  readonly document: PageFile;
  readonly assets: ReadonlyMap<string, PageFile>;
}

/** Name of the manifest in the page's folder. */
export const pageManifestName = "manifest.json";

/** Reads the built page, some hundred KiB, from its folder. */
export async function readPageFiles(directory: URL): Promise<PageFiles> {
  const read = (name: string) => readFile(new URL(name, directory));
  const manifest = pageManifestSchema.parse(JSON.parse((await read(pageManifestName)).toString()));
  const files = await Promise.all(
    manifest.files.map(async ({ name, contentType, etag }): Promise<PageFile> => {
      const [identity, br, gzip] = await Promise.all(
        [name, `${name}${codings.br}`, `${name}${codings.gzip}`].map(read),
      );
      if (identity === undefined || br === undefined || gzip === undefined) throw new Error(`${name} is incomplete`);
      return { name, contentType, etag: `"${etag}"`, identity, coded: { br, gzip } };
    }),
  );
  const document = files.find(({ name }) => name === manifest.document);
  if (document === undefined) throw new Error("the page has no document");
  return { document, assets: new Map(files.filter((file) => file !== document).map((file) => [file.name, file])) };
}
