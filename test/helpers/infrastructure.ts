import { readFileSync } from "node:fs";
import { z } from "zod";
import { type Bicep, findBicep } from "../../scripts/bicep.ts";
import type { parameterSets } from "../../scripts/infrastructure.ts";

/** What the exporters of OTLP read by themselves, as OpenTelemetry names it; others of its names are for special cases. */
export const telemetrySettings = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_HEADERS"] as const;

const resourceSchema = z.object({
  id: z.string(),
  type: z.string(),
  name: z.string(),
  properties: z.record(z.string(), z.unknown()).default({}),
});

const snapshotSchema = z.object({ predictedResources: z.array(resourceSchema) });

/** A resource that would be deployed. What is known only then is text in brackets, as in ARM templates. */
export type PredictedResource = z.infer<typeof resourceSchema>;

export type ParameterSet = (typeof parameterSets)[number];

/** What the parameter set would deploy, from its snapshot. */
export function readSnapshot(name: ParameterSet): readonly PredictedResource[] {
  const text = readFileSync(new URL(`../../infra/parameters/${name}.snapshot.json`, import.meta.url), "utf8");
  return snapshotSchema.parse(JSON.parse(text)).predictedResources;
}

/** The one resource of that type. */
export function onlyOne(resources: readonly PredictedResource[], type: string): PredictedResource {
  const [found, ...others] = resources.filter((resource) => resource.type === type);
  if (found === undefined || others.length > 0) throw new Error(`expected one ${type}, found ${others.length + 1}`);
  return found;
}

/** A part of the app's configuration, by its name in Azure. */
export function siteConfig(resources: readonly PredictedResource[], name: string): PredictedResource | undefined {
  return resources.find((one) => one.type === "Microsoft.Web/sites/config" && one.id.endsWith(`/config/${name}`));
}

/** The app's application settings. */
export function appSettings(resources: readonly PredictedResource[]): Readonly<Record<string, string>> {
  return z.record(z.string(), z.string()).parse(siteConfig(resources, "appsettings")?.properties);
}

/** As `needs` does for programs: says what is missing, and throws where a run counts. */
export async function needsBicep(): Promise<Bicep | undefined> {
  const bicep = await findBicep();
  if (bicep !== undefined) return bicep;
  const message = "missing on this machine: the Bicep CLI (az bicep install, or the .NET SDK on linux-x64)";
  if (process.env.E2E_REQUIRED === "1" || process.env.CI === "true") throw new Error(message);
  process.stderr.write(`tests are left out: ${message}\n`);
  return undefined;
}
