import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/**
 * Whether these programs are on this machine, for `describe.runIf`. Where one is missing it says which, and with
 * E2E_REQUIRED=1 it throws: a run that counts must not pass by leaving tests out.
 */
export function needs(...programs: readonly string[]): boolean {
  const missing = programs.filter((program) => !isInstalled(program));
  if (missing.length === 0) return true;
  const message = `missing on this machine: ${missing.join(", ")}`;
  if (process.env.E2E_REQUIRED === "1") throw new Error(message);
  process.stderr.write(`tests are left out: ${message}\n`);
  return false;
}

function isInstalled(program: string): boolean {
  return (process.env.PATH ?? "").split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
