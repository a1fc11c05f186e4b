import { formatRegistryResourceId, type RegistryResourceId } from "./arm-resource-id.ts";
import { type ImportId, importIdSchema } from "./import-id.ts";
import type { Part } from "./import-plan.ts";
import { hasEnded, type ImportRecord } from "./import-record.ts";
import { targetRepositories } from "./import-spec.ts";

/** Where the operations of this service are, in Azure's words. */
export const armLocation = "drayage";

/** The most manifests that an answer tells of. */
export const maxShownManifests = 500;

/** Path of an operation's result, without leading host. */
export function operationPath(subscription: string, id: ImportId, apiVersion: string): string {
  const version = encodeURIComponent(apiVersion);
  const provider = `/subscriptions/${encodeURIComponent(subscription)}/providers/Microsoft.ContainerRegistry`;
  return `${provider}/locations/${armLocation}/operationResults/registries-${id}?api-version=${version}`;
}

/** The import of an operation's id; undefined: it is none. */
export function parseOperationId(id: string): ImportId | undefined {
  return importIdSchema.safeParse(id.toUpperCase()).data;
}

/**
 * What ACR answers of an operation: `status`, and each manifest that is known by now as `repository@digest` with its own.
 * Observed at ACR while an operation runs: `{"app@sha256:…":"Pending","status":"Accepted"}`.
 */
export function operationBody(record: ImportRecord, manifests: readonly Part[]): Readonly<Record<string, string>> {
  const repositories = targetRepositories(record.spec);
  const isDone = hasEnded(record.state);
  const states = manifests.map(({ target, digest, state }) => {
    const name = `${repositories[target] ?? ""}@${digest}`;
    return [name, isDone || state === "done" ? "Succeeded" : "Pending"] as const;
  });
  return { ...Object.fromEntries(states), status: isDone ? "Succeeded" : "Accepted" };
}

/** Seconds until a client should look again: soon at first, then the 10 that ACR says. */
export function retryAfterSeconds(record: ImportRecord, now: Date): number {
  const ageSeconds = (now.getTime() - Date.parse(record.createdAt)) / 1_000;
  if (ageSeconds < 30) return 1;
  return ageSeconds < 300 ? 5 : 10;
}

/** How an operation that failed is introduced, as ACR does: the resource is the target's, the fault may be elsewhere. */
export function failedOperation(record: ImportRecord, target: RegistryResourceId): string {
  return `Operation registries-${record.id} failed. Resource ${formatRegistryResourceId(target)}`;
}
