import { describe, expect, it } from "vitest";
import type { Outcome } from "../../../src/page/data/api.ts";
import { createResource } from "../../../src/page/data/resource.ts";
import { aProblem } from "./problems.ts";

const missing = { kind: "refused", status: 404, retryAfterSeconds: undefined } as const;

describe("what the page knows of an import", () => {
  it.each([
    ["the service says so", { ...missing, problem: aProblem({ status: 404, code: "IMPORT_NOT_FOUND" }) }, true],
    ["a host that starts, or a proxy, answers 404", { ...missing, problem: undefined }, false],
    ["the service does not know the path", { ...missing, problem: aProblem({ status: 404, code: "INTERNAL" }) }, false],
  ])("is gone, or not, when %s", async (_name, outcome, isGone) => {
    const answers: Outcome<never>[] = [outcome];
    const resource = createResource<{ readonly id: string }>({
      api: { get: async () => answers.pop() ?? { kind: "unreachable" } },
      ...{ path: "/api/imports/1", isLead: true, pace: () => "live", onChange: () => {} },
    });

    await resource.load();

    expect(resource.snapshot()).toMatchObject({ isGone, refusal: { status: 404 } });
    expect(resource.pace()).toBe(isGone ? "still" : "live");
  });
});
