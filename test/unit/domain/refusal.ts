import { ImportError } from "../../../src/errors.ts";

/** The ImportError that `call` throws; anything else fails the test. */
export function refusal(call: () => unknown): ImportError {
  const result = attempt(call);
  if (result instanceof ImportError) return result;
  throw new Error(`not refused: ${JSON.stringify(result)}`);
}

/** What `call` returns, or the ImportError it throws; whatever else it throws fails the test. */
export function attempt<T>(call: () => T): T | ImportError {
  try {
    return call();
  } catch (thrown) {
    if (thrown instanceof ImportError) return thrown;
    throw thrown;
  }
}
