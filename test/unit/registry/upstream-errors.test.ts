import { describe, expect, it } from "vitest";
import { parseUpstreamErrors } from "../../../src/registry/upstream-errors.ts";

describe("parseUpstreamErrors", () => {
  it.each([
    [
      '{"errors":[{"code":"A","message":"a"},{"code":"b"}]}',
      [
        { code: "A", message: "a" },
        { code: "B", message: "" },
      ],
    ],
    ['{"details":"incorrect username or password"}', [{ code: "", message: "incorrect username or password" }]],
    ['{"error":"invalid_grant","error_description":"no"}', [{ code: "invalid_grant", message: "no" }]],
    ["<html><head><title>502 Bad Gateway</title></head><body>nginx</body>", [{ code: "", message: "502 Bad Gateway" }]],
    ["<p>too\n many</p>", [{ code: "", message: "too many" }]],
    ["404 page not found\n", [{ code: "", message: "404 page not found" }]],
    [
      `{"errors":[{"code":"A","detail":"sha256:${"a".repeat(64)}"},{"code":"A","detail":{"digest":"sha256:${"b".repeat(64)}"}}]}`,
      [
        { code: "A", message: "", digest: `sha256:${"a".repeat(64)}` },
        { code: "A", message: "", digest: `sha256:${"b".repeat(64)}` },
      ],
    ],
    ["", []],
    ["{}", []],
    ['{"errors":[]}', []],
  ])("reads %s", (body, errors) => {
    expect(parseUpstreamErrors(body)).toEqual(errors);
  });
});

describe("the words of a page", () => {
  it.each(["<", "<title", "< title>"])("are looked for in no time: many %s", (piece) => {
    const beganAt = performance.now();

    const [error] = parseUpstreamErrors(piece.repeat(Math.floor(64_000 / piece.length)));

    expect(error?.message.length ?? 0).toBeLessThanOrEqual(200);
    expect(performance.now() - beganAt).toBeLessThan(300);
  });
});
