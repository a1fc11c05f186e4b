import { mkdir, open, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseJson } from "../../json.ts";
import { type CatalogChange, catalogChangeSchema, createCatalog, summarise } from "./catalog.ts";

/** Changes of the catalog in a file, one JSON document per line. */
export interface CatalogJournal {
  readonly history: readonly CatalogChange[];
  readonly store: (change: CatalogChange) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Reads `catalog.jsonl` of the directory, rewrites it in its shortest form and opens it for more. */
export async function openCatalogJournal(directory: string): Promise<CatalogJournal> {
  await mkdir(directory, { recursive: true });
  const path = join(directory, "catalog.jsonl");
  const history = summarise(createCatalog({ history: await readHistory(path), store: async () => undefined }));
  await writeFile(`${path}.new`, history.map(toLine).join(""));
  await rename(`${path}.new`, path);
  const file = await open(path, "a");
  return {
    history,
    store: async (change) => {
      await file.appendFile(toLine(change));
    },
    close: () => file.close(),
  };
}

function toLine(change: CatalogChange): string {
  return `${JSON.stringify(change)}\n`;
}

async function readHistory(path: string): Promise<CatalogChange[]> {
  const file = await open(path, "a+"); // makes it if it is not there
  await file.close();
  const lines = (await readFile(path, "utf8")).split("\n");
  lines.pop(); // empty, or half a line that a killed process has left
  return lines.map((line, at) => {
    const parsed = catalogChangeSchema.safeParse(parseJson(line));
    if (!parsed.success) throw new Error(`${path}: line ${at + 1} is not a change of the catalog`);
    return parsed.data;
  });
}
