import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { errorCodes } from "../../../src/errors.ts";
import { statusOf } from "../../../src/functions/triggers/http-answer.ts";

const page = readFileSync(new URL("../../../docs/errors.md", import.meta.url), "utf8");
const rows = page.split("\n").flatMap((line) => {
  const cells = line.split("|").map((cell) => cell.trim());
  const [, code = "", http = "", cause = "", cure = ""] = cells;
  return /^`[A-Z_]+`$/.test(code) ? [{ code: code.slice(1, -1), http, cause, cure }] : [];
});

describe("docs/errors.md", () => {
  it("has one row for every code, and no other", () => {
    expect(rows.map(({ code }) => code).sort()).toEqual([...errorCodes].sort());
  });

  it.each(errorCodes)("says cause, cure and status of %s", (code) => {
    const row = rows.find((one) => one.code === code);

    expect(row?.cause).toMatch(/\w.*\.$/);
    expect(row?.cure).toMatch(/\w.*\.$/);
    const statuses = row?.http.match(/\d+/g)?.map(Number) ?? [];
    const expected = [false, true].map((retryable) => statusOf({ code, retryable }));
    expect(expected.slice(0, statuses.length)).toEqual(statuses);
  });
});
