/** The SDK's own executor, which the package has without types. Source: durable-functions 3.5, util/testingUtils. */
declare module "durable-functions/lib/src/util/testingUtils.js" {
  import type { InvocationContext } from "@azure/functions";
  import type { OrchestrationHandler } from "durable-functions";

  export class DummyOrchestrationContext extends InvocationContext {
    constructor(functionName?: string, invocationId?: string, logHandler?: (...args: unknown[]) => void);
  }
  /** Runs one episode over the history in `trigger` and resolves to the state that goes to the host. */
  export function createOrchestrator(
    handler: OrchestrationHandler,
  ): (trigger: unknown, context: DummyOrchestrationContext) => Promise<unknown>;
}
