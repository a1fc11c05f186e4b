import { z } from "zod";
import type { Bicep } from "./bicep.ts";

/** What Bicep makes of infra/main.bicep. */
export interface CompiledTemplate {
  /** The template as JSON; empty if it does not compile. */
  readonly json: string;
  /** Warnings count: one line each. */
  readonly problems: readonly string[];
}

/** Parameter sets whose deployments are written down beside them, as `NAME.snapshot.json`. */
export const parameterSets = ["public", "private-network", "existing-network", "abac"] as const;

/** Values that a snapshot would else take from whoever is signed in. */
const deployment = [
  ...["--subscription-id", "00000000-0000-0000-0000-000000000001"],
  ...["--tenant-id", "00000000-0000-0000-0000-000000000002"],
  ...["--resource-group", "drayage", "--location", "westeurope", "--deployment-name", "drayage"],
];

const compiledSchema = z.object({ templateJson: z.string() });

/** Compiles and lints the template, its modules, and the parameters that azd deploys with. */
export async function compileTemplate(bicep: Bicep): Promise<CompiledTemplate> {
  const { exitCode, output, diagnostics } = await bicep("build-params", "infra/main.bicepparam", "--stdout");
  const json = exitCode === 0 ? compiledSchema.parse(JSON.parse(output)).templateJson : "";
  return { json, problems: toLines(diagnostics) };
}

/** Compares what each parameter set deploys with its snapshot. */
export async function compareSnapshots(bicep: Bicep): Promise<readonly string[]> {
  const compare = async (name: string): Promise<readonly string[]> => {
    const { exitCode, output, diagnostics } = await snapshot(bicep, name, "validate");
    if (exitCode === 0 && diagnostics === "") return [];
    const advice = `infra/parameters/${name}.snapshot.json: differs; npm run infra:snapshot writes it anew`;
    return [advice, ...toLines(diagnostics), ...toLines(output)];
  };
  return (await Promise.all(parameterSets.map(compare))).flat();
}

/** Writes the snapshot of each parameter set. */
export async function writeSnapshots(bicep: Bicep): Promise<readonly string[]> {
  const runs = await Promise.all(parameterSets.map((name) => snapshot(bicep, name, "overwrite")));
  return runs.flatMap(({ diagnostics }) => toLines(diagnostics));
}

function snapshot(bicep: Bicep, name: string, mode: "validate" | "overwrite") {
  return bicep("snapshot", `infra/parameters/${name}.bicepparam`, "--mode", mode, ...deployment);
}

function toLines(text: string): readonly string[] {
  return text.split("\n").filter((line) => line.trim() !== "");
}
