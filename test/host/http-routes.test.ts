import { describe, expect, it } from "vitest";
import { createRouter } from "../../src/local/functions-host/routes.ts";

/** A router over these templates, all for GET; it answers with the template that matched and its values. */
function routerOf(...templates: string[]) {
  const find = createRouter(templates.map((template) => ({ template, methods: new Set(["GET"]), target: template })));
  return (path: string) => {
    const match = find("GET", path);
    return match && [match.target, match.params];
  };
}

const subscription = "subscriptions/{s}/resourceGroups/{g}/providers/Microsoft.ContainerRegistry/registries/{name}";

describe("routes", () => {
  it.each([
    ["api/imports/{id}", "/api/imports/01ab", { id: "01ab" }],
    ["api/imports/{id}", "/API/Imports/01aB/", { id: "01aB" }],
    ["api/imports/{id}", "/api/imports", undefined],
    ["api/imports/{id}", "/api/imports/a/b", undefined],
    ["api/imports/{id?}", "/api/imports", {}],
    ["api/rules/{name}/test", "/api/rules/team%20a/test", { name: "team a" }],
    ["api/rules/{name}", "/api/rules/a%2Fb", { name: "a%2Fb" }],
    ["api/rules/{name}", "/api/rules/%E0%A4%A", undefined],
    ["{ignored:maxlength(0)?}", "/", {}],
    ["{ignored:maxlength(0)?}", "/x", undefined],
    ["{id:int}", "/12", { id: "12" }],
    ["{id:int}", "/1.5", undefined],
    ["{id:int:min(5)}", "/4", undefined],
    ["{id:range(1,3)}", "/3", { id: "3" }],
    ["{id:guid}", "/7b1f0c1e-0f0d-4c0a-9d5e-1a2b3c4d5e6f", { id: "7b1f0c1e-0f0d-4c0a-9d5e-1a2b3c4d5e6f" }],
    ["{id:length(3)}", "/abcd", undefined],
    ["{id:alpha}", "/a1", undefined],
    ["{id:regex(^[a-z]+$)}", "/abc", { id: "abc" }],
    ["{id=latest}", "/", { id: "latest" }],
    ["files/{*path}", "/files/a/b", { path: "a/b" }],
    ["v{version}.json", "/v12.json", { version: "12" }],
    [
      `${subscription}/importImage`,
      "/subscriptions/1/resourcegroups/rg/providers/microsoft.containerregistry/registries/r/importimage",
      { s: "1", g: "rg", name: "r" },
    ],
  ])("%s on %s gives %j", (template, path, params) => {
    expect(routerOf(template)(path)).toEqual(params && [template, params]);
  });

  it("prefer literals to constraints, constraints to plain parameters, and these to catch-alls", () => {
    const find = routerOf("{*rest}", "a/{*rest}", "a/{id}", "a/{id:int}", "a/list");

    expect(["/a/list", "/a/1", "/a/x", "/a/x/y", "/b"].map((path) => find(path)?.[0])).toEqual([
      "a/list",
      "a/{id:int}",
      "a/{id}",
      "a/{*rest}",
      "{*rest}",
    ]);
  });

  it("leave other methods of the same path to other functions", () => {
    const find = createRouter([
      { template: "a", methods: new Set(["GET"]), target: "get" },
      { template: "a", methods: new Set(["POST", "PUT"]), target: "post" },
    ]);

    expect([find("GET", "/a")?.target, find("PUT", "/a")?.target, find("HEAD", "/a")]).toEqual([
      "get",
      "post",
      undefined,
    ]);
  });

  it("refuse a constraint that is not known, when the host starts", () => {
    expect(() => routerOf("{id:colour}")).toThrow('route constraint "colour" is not known');
  });
});
