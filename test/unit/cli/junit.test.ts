import { readFile } from "node:fs/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatJunit } from "../../../src/cli/junit.ts";
import { promotionItemSchema, promotionViewSchema } from "../../../src/cli/promotion-records.ts";
import { startFakeApi } from "./fake-api.ts";
import {
  aFailedItem,
  anItem,
  answersFor,
  cancelledPromotion,
  failedPromotion,
  promotionId,
  someCounts,
} from "./fake-promotions.ts";
import { parseXml } from "./parse-xml.ts";
import { runCli } from "./run-cli.ts";
import { useFiles } from "./temporary-files.ts";

const format = (promotion: unknown, items: readonly unknown[]) =>
  parseXml(
    formatJunit(
      promotionViewSchema.parse(promotion),
      items.map((item) => promotionItemSchema.parse(item)),
    ),
  );
const files = useFiles();

describe("formatJunit", () => {
  it("has one test case per image: passed, skipped, failed, or an error where it did not end", () => {
    const items = [
      anItem(1),
      anItem(2, { state: "Skipped" }),
      aFailedItem(3),
      anItem(4, { state: "Cancelled" }),
      anItem(5, { state: "Pending" }),
    ];

    const error = { code: "PROMOTION_ITEMS_FAILED", message: "1 of 5 items failed" }; // no case of its own
    const root = format({ ...failedPromotion, error }, items);

    const totals = { tests: "5", failures: "1", errors: "2", skipped: "1", time: "4.200" };
    expect(root).toMatchObject({ name: "testsuites", attributes: { name: "drayage", ...totals } });
    const [suite] = root.children;
    expect(suite?.attributes).toEqual({
      name: `promotion ${promotionId}`,
      ...totals,
      timestamp: "2026-01-31T08:00:00.000Z",
    });
    expect(suite?.children.map(({ attributes }) => attributes.name)).toEqual(
      [1, 2, 3, 4, 5].map((at) => `dev.example/team/app:v${at} → prod.example/team/app:v${at}`),
    );
    expect(suite?.children.map(({ children }) => children[0]?.name)).toEqual([
      undefined,
      "skipped",
      "failure",
      "error",
      "error",
    ]);
    const failure = suite?.children[2]?.children[0];
    expect(failure?.attributes).toEqual({
      message: "source dev.example: team/app:v3 is not there",
      type: "SOURCE_NOT_FOUND",
    });
    expect(failure?.text).toContain("hint: check repository and tag\nimport: 01ARZ3NDEKTSV4RRFFQ69G5003");
    expect(suite?.children[3]?.children[0]?.attributes.message).toBe("cancelled");
  });

  it("says why the selection failed, when that is why", () => {
    const error = { code: "SOURCE_UNAUTHORIZED", message: "the catalog is refused" };

    const root = format({ ...failedPromotion, counts: someCounts(), error }, []);

    expect(root.attributes).toMatchObject({ tests: "1", errors: "1" });
    expect(root.children[0]?.children[0]?.children[0]?.attributes).toEqual({
      message: "the catalog is refused",
      type: "SOURCE_UNAUTHORIZED",
    });
  });

  it("is well-formed and keeps the text, whatever a registry says", () => {
    const anyText = fc.string({ unit: "binary" });
    fc.assert(
      fc.property(anyText, anyText, (message, source) => {
        const root = format(failedPromotion, [{ ...aFailedItem(1, { message }), source }]);

        const told = root.children[0]?.children[0]?.children[0]?.attributes.message;
        // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is replaced
        const unheld = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufffe\uffff]/gu;
        expect(told).toBe(message.toWellFormed().replace(unheld, "\ufffd"));
      }),
    );
  });

  it("escapes quotes, brackets, line ends, control characters and lone surrogates", () => {
    const message = `a<b> & "c" 'd' ]]>\n\u001b[2J\u0000\ud800`;

    const root = format(failedPromotion, [aFailedItem(1, { message })]);

    expect(root.children[0]?.children[0]?.children[0]?.attributes.message).toBe(
      `a<b> & "c" 'd' ]]>\n\ufffd[2J\ufffd\ufffd`,
    );
  });
});

describe("drayage promote --junit", () => {
  const args = ["promote", "--from", "dev.example", "--repository", "team/*", "--junit"];

  it("writes every page of the images, and prints the summary besides", async () => {
    const path = files.path("all.xml");
    const items = [anItem(1), aFailedItem(2), anItem(3), aFailedItem(4), anItem(5)];
    await using api = await startFakeApi(answersFor([failedPromotion], items));

    const run = await runCli([...args, path, "--endpoint", api.endpoint]);

    expect(run.exitCode).toBe(1);
    const root = parseXml(await readFile(path, "utf8"));
    expect(root.attributes).toMatchObject({ tests: "5", failures: "2" });
    expect(run.stderr).toContain("2 failed");
  });

  it("leaves no older result where the start is refused", async () => {
    const path = await files.write("old.xml", "<old/>");
    await using api = await startFakeApi(() => ({ status: 400, body: { code: "INVALID_REQUEST" } }));

    const run = await runCli([...args, path, "--endpoint", api.endpoint]);

    expect(run.exitCode).toBe(2);
    expect(await readFile(path, "utf8")).toBe("");
  });

  it("does the same for promotions retry", async () => {
    const path = files.path("retry.xml");
    await using api = await startFakeApi(answersFor([cancelledPromotion], [anItem(1, { state: "Cancelled" })]));

    const run = await runCli(["promotions", "retry", promotionId, "--junit", path, "--endpoint", api.endpoint]);

    expect(run.exitCode).toBe(3);
    expect(parseXml(await readFile(path, "utf8")).attributes).toMatchObject({ tests: "1", errors: "1" });
  });
});
