import { spawnSync } from "node:child_process";
import { join, resolve } from "node:path";
import { z } from "zod";
import { formatBytes } from "../src/domain/quantities.ts";
import { packageApp } from "./package-app.ts";

const maxZipBytes = 5 * 1024 ** 2;
const tries = 5;
const loadSchema = z.strictObject({ ms: z.number(), processorMs: z.number() });

const { directory, zipPath, zipBytes, files, modules } = await packageApp("dist");
console.log(`${zipPath}: ${formatBytes(zipBytes)}, ${files.length} files, ${modules.length} modules`);
const { ms, processorMs } = fastestLoad(join(directory, "dist/app.cjs"));
console.log(`the app loads in ${ms.toFixed(0)} ms (${processorMs.toFixed(0)} ms of processors), at best of ${tries}`);
if (zipBytes > maxZipBytes) {
  console.error(`the package is larger than ${formatBytes(maxZipBytes)}: what has become part of it?`);
  process.exitCode = 1;
}

/** How long a fresh process needs to load the app: part of every cold start. */
function fastestLoad(path: string): { readonly ms: number; readonly processorMs: number } {
  const script = `const from = performance.now(); const used = process.cpuUsage(); require(${JSON.stringify(resolve(path))});
    const { user, system } = process.cpuUsage(used);
    console.log(JSON.stringify({ ms: performance.now() - from, processorMs: (user + system) / 1000 })); process.exit()`;
  const env = { PATH: process.env.PATH, AzureWebJobsStorage: "UseDevelopmentStorage=true" };
  const loads = Array.from({ length: tries }, () => {
    const { stdout, stderr, status } = spawnSync(process.execPath, ["-e", script], { env, encoding: "utf8" });
    if (status !== 0) throw new Error(`the packaged app does not load: ${stderr}`);
    return loadSchema.parse(JSON.parse(stdout));
  });
  return loads.reduce((best, load) => (load.ms < best.ms ? load : best));
}
