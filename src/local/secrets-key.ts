import { randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

const keyBytes = 32;

/** A new key for SECRETS_KEY. */
export function createSecretsKey(): string {
  return randomBytes(keyBytes).toString("base64");
}

/** The key in `file`, which is made, for its owner's eyes only, when it is missing. */
export async function readOrCreateSecretsKey(file: string): Promise<string> {
  await mkdir(dirname(file), { recursive: true });
  const key = createSecretsKey();
  try {
    await writeFile(file, `${key}\n`, { mode: 0o600, flag: "wx" }); // fails when it is there: never replace a key
    return key;
  } catch (thrown) {
    if (!isThereAlready(thrown)) throw thrown;
    return (await readFile(file, "utf8")).trim();
  }
}

function isThereAlready(thrown: unknown): boolean {
  return thrown instanceof Error && "code" in thrown && thrown.code === "EEXIST";
}
