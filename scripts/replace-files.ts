import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";

/**
 * Has `write` fill a new folder, then moves its files into `target`, each at once: what runs from there meanwhile finds
 * every file whole, and two writers do not break each other. Folders that were written hold nothing else afterwards; what
 * else stands in `target` itself stays, and where `write` fails, all of it. The new folder is beside `target`, as deep as
 * that, for the sake of the paths in source maps.
 */
export async function replaceFiles<T>(target: string, write: (directory: string) => Promise<T>): Promise<T> {
  mkdirSync(target, { recursive: true });
  const directory = mkdtempSync(join(dirname(target), `.${basename(target)}-`));
  const remove = () => rmSync(directory, { recursive: true, force: true });
  const stop = () => {
    remove();
    process.exit(130);
  };
  process.once("SIGINT", stop);
  try {
    const written = await write(directory);
    moveFiles(directory, target);
    return written;
  } finally {
    process.off("SIGINT", stop);
    remove();
  }
}

/** First the files whose names are new, which nothing names yet, then those that may name them; at last the old ones go. */
function moveFiles(from: string, to: string): void {
  const { files, folders } = entriesIn(from);
  const before = entriesIn(to);
  for (const folder of folders) mkdirSync(join(to, folder), { recursive: true });
  const isNew = (file: string) => !before.files.includes(file);
  for (const file of [...files.filter(isNew), ...files.filter((file) => !isNew(file))])
    renameSync(join(from, file), join(to, file));
  const isLeft = (path: string) => folders.includes(dirname(path)) && !files.includes(path) && !folders.includes(path);
  for (const path of [...before.files, ...before.folders].filter(isLeft))
    rmSync(join(to, path), { recursive: true, force: true });
}

/** Paths below `directory`. */
function entriesIn(directory: string) {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  const pathsOf = (wanted: typeof entries) =>
    wanted.map(({ parentPath, name }) => relative(directory, join(parentPath, name)));
  return {
    files: pathsOf(entries.filter((entry) => !entry.isDirectory())),
    folders: pathsOf(entries.filter((entry) => entry.isDirectory())),
  };
}
