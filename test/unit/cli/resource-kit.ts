import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import type { SeenRequest } from "./fake-api.ts";

/** What rules and schedules of these tests select, and where it goes. */
export const selection = {
  source: { registry: "dev.example", repositories: ["team/*"] },
  target: { registry: "prod.example", repository: "mirror/{basename}", tag: "{tag}" },
};
/** Without the target's templates. */
export const selectionFlags = ["--from", "dev.example", "--repository", "team/*", "--to", "prod.example"];

/** An API that keeps what it is sent. */
export const echo =
  (status: number) =>
  ({ body }: SeenRequest) => ({ status, body });

/** Writes files that are gone after the tests of the file that calls it. */
export function openFiles(): (name: string, text: string) => Promise<string> {
  let directory = "";
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "resources-"));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));
  return async (name, text) => {
    const path = join(directory, name);
    await writeFile(path, text);
    return path;
  };
}
