import { execFile } from "node:child_process";
import { accessSync, constants, globSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";

/** What a run of the Bicep CLI ended with. Warnings and errors are in `diagnostics`, one a line. */
export interface BicepRun {
  readonly exitCode: number;
  readonly output: string;
  readonly diagnostics: string;
}

export type Bicep = (...args: readonly string[]) => Promise<BicepRun>;

const cache = join("node_modules", ".cache", "bicep");
const restoredPath = join(cache, "azure.bicep.commandline.linux-x64", "*", "tools", "bicep");

/**
 * The Bicep CLI: the one on PATH, else that of `az bicep install`, else the one that scripts/bicep.csproj names, restored
 * from NuGet into node_modules/.cache (linux-x64, where dotnet is installed). Undefined: there is none to be had.
 */
export async function findBicep(): Promise<Bicep | undefined> {
  const installed = (process.env.PATH ?? "").split(delimiter).map((directory) => join(directory, "bicep"));
  const ofAzureCli = join(process.env.AZURE_CONFIG_DIR ?? join(homedir(), ".azure"), "bin", "bicep");
  const found = [...installed, ofAzureCli, ...globSync(restoredPath)].find(isExecutable) ?? (await restore());
  return found === undefined ? undefined : (...args) => run(found, args);
}

async function restore(): Promise<string | undefined> {
  if (process.platform !== "linux" || process.arch !== "x64") return undefined;
  const intermediates = `-p:MSBuildProjectExtensionsPath=${join(process.cwd(), cache, "obj")}/`; // else obj/ in scripts
  const { exitCode, output } = await run("dotnet", [
    "restore",
    "scripts/bicep.csproj",
    "--packages",
    cache,
    intermediates,
  ]);
  if (exitCode !== 0) process.stderr.write(`the Bicep CLI could not be restored: ${output}\n`);
  return globSync(restoredPath).find(isExecutable);
}

/** What infra/main.bicepparam asks the environment for. */
const parameters = {
  DRAYAGE_REGISTRY_ID:
    "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/registries/providers/Microsoft.ContainerRegistry/registries/prod",
};

/** A program that cannot be started counts as one that failed. */
function run(program: string, args: readonly string[]): Promise<BicepRun> {
  return new Promise((resolve) => {
    execFile(
      program,
      args,
      { maxBuffer: 64 * 1024 * 1024, env: { ...process.env, ...parameters } },
      (error, output, diagnostics) => {
        const exitCode = typeof error?.code === "number" ? error.code : error === null ? 0 : 1;
        resolve({ exitCode, output: output || (error?.message ?? ""), diagnostics: diagnostics.trim() });
      },
    );
  });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
