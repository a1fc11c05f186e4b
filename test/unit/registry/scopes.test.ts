import { describe, expect, it } from "vitest";
import { mergeScopes, repositoryScope } from "../../../src/registry/scopes.ts";

describe("mergeScopes", () => {
  it("sorts scopes and joins the actions of one repository", () => {
    const scopes = mergeScopes([
      "repository:b:pull",
      repositoryScope("a", ["push", "pull"]),
      "repository:b:push",
      "registry:catalog:*",
    ]);

    expect(scopes).toEqual(["registry:catalog:*", "repository:a:pull,push", "repository:b:pull,push"]);
  });

  it("drops what is no scope", () => {
    expect(mergeScopes(["", "nonsense"])).toEqual([]);
  });
});
