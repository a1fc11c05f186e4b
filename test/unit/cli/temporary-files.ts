import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";

export interface TemporaryFiles {
  /** Where a file of that name would be. */
  readonly path: (name: string) => string;
  /** Writes a file and answers its path. */
  readonly write: (name: string, text: string) => Promise<string>;
}

/** A directory that is gone after the tests of the file that calls this. */
export function useFiles(): TemporaryFiles {
  let directory = "";
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "cli-"));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));
  const path = (name: string) => join(directory, name);
  return {
    path,
    write: async (name, text) => {
      await writeFile(path(name), text);
      return path(name);
    },
  };
}
