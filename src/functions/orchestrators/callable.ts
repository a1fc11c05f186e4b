import { promotionSteps } from "../promotions/promotion-steps.ts";
import { steps } from "../steps.ts";
import { subOrchestrators } from "./import-image.ts";

/** Every name that an orchestrator of Drayage may call. */
export const callableNames: readonly string[] = [
  ...Object.values(steps).map(({ name }) => name),
  ...Object.values(promotionSteps).map(({ name }) => name),
  ...Object.values(subOrchestrators),
];

/** Throws when a name is not registered: its first call would leave an instance in Running for ever, without an error. */
export function assertCallable(registered: ReadonlySet<string>): void {
  const missing = callableNames.filter((name) => !registered.has(name));
  if (missing.length > 0) throw new Error(`orchestrators call what is not registered: ${missing.join(", ")}`);
}
