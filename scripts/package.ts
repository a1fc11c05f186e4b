import { stat } from "node:fs/promises";
import { join } from "node:path";
import { formatBytes } from "../src/domain/quantities.ts";
import { type Duration, measureStart } from "./measure-start.ts";
import { RegistriesRefused } from "./no-passwords.ts";
import { packageApp, registriesFile } from "./package-app.ts";
import { packageProblems } from "./package-problems.ts";

const tries = 5;

const { directory, zipPath, zipBytes, files, modules } = await packageApp("dist").catch((thrown: unknown) => {
  if (!(thrown instanceof RegistriesRefused)) throw thrown;
  console.error(thrown.message);
  process.exit(1);
});
const appPath = join(directory, "dist/app.cjs");
const { size: appBytes } = await stat(appPath);
console.log(`${zipPath}: ${formatBytes(zipBytes)}, ${files.length} files, ${modules.length} modules`);
const hasRegistries = files.includes(registriesFile);
if (hasRegistries) console.log(`${registriesFile} is in the package, in place of the setting REGISTRIES`);
const { load, prepare, loaded } = measureStart(appPath, tries);
console.log(`a start loads ${formatBytes(appBytes)} in ${formatDuration(load)}, at best of ${tries}`);
console.log(`what the functions do follows in ${formatDuration(prepare)}, while the host prepares their triggers`);

const problems = packageProblems({ zipBytes, appBytes, loaded, hasRegistries });
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;

function formatDuration({ ms, processorMs }: Duration): string {
  return `${ms.toFixed(0)} ms (${processorMs.toFixed(0)} ms of processors)`;
}
