import type { ProblemView } from "../../../src/domain/problem-view.ts";

/** What the service says of a request that it refuses. */
export function aProblem({ status, code }: Pick<ProblemView, "status" | "code">): ProblemView {
  return {
    ...{ type: `urn:drayage:error:${code}`, title: "No", status, detail: "no" },
    ...{ code, retryable: false },
  };
}
