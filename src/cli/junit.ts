import type { ErrorView } from "./api-records.ts";
import { formatItem } from "./format-promotion.ts";
import { secondsTaken } from "./progress-display.ts";
import { ownErrorOf, type PromotionItem, type PromotionView } from "./promotion-records.ts";

/**
 * A promotion as JUnit XML: one test case per image. Failed images are failures with message and code, skipped ones are
 * skipped; what was cancelled or has not ended is an error, so that nothing counts as imported that is not. A promotion
 * that failed on its own (its selection cannot be read) has a test case for that.
 */
export function formatJunit(promotion: PromotionView, items: readonly PromotionItem[]): string {
  const cases = items.map(toCase);
  const ownError = ownErrorOf(promotion);
  if (ownError !== undefined) cases.push(selectionCase(ownError));
  const countOf = (kind: Case["kind"]) => cases.filter((one) => one.kind === kind).length;
  const seconds = secondsTaken(promotion);
  const totals: Attributes = {
    tests: cases.length,
    failures: countOf("failure"),
    errors: countOf("error"),
    skipped: countOf("skipped"),
    ...(seconds === undefined ? {} : { time: seconds.toFixed(3) }),
  };
  const suite: Attributes = { name: `promotion ${promotion.id}`, ...totals, timestamp: promotion.createdAt };
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites${formatAttributes({ name: "drayage", ...totals })}>`,
    `  <testsuite${formatAttributes(suite)}>`,
    ...cases.flatMap(({ lines }) => lines.map((line) => `    ${line}`)),
    "  </testsuite>",
    "</testsuites>",
    "",
  ].join("\n");
}

/** Text for an element or a quoted attribute. What XML 1.0 cannot hold becomes U+FFFD; line ends stay in attributes too. */
function escapeXml(text: string): string {
  return text.toWellFormed().replace(/[&<>"'\p{Cc}\ufffe\uffff]/gu, (character) => {
    if (/[\t\n\r]/.test(character)) return `&#${character.charCodeAt(0)};`;
    return entities[character] ?? "\ufffd";
  });
}

type Attributes = Readonly<Record<string, string | number>>;

interface Case {
  readonly kind: "passed" | "skipped" | "failure" | "error";
  readonly lines: readonly string[];
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
};

function toCase(item: PromotionItem): Case {
  const named = `testcase${formatAttributes({ classname: "drayage.promotion", name: formatItem(item) })}`;
  const inside = insideOf(item);
  if (inside === undefined) return { kind: "passed", lines: [`<${named}/>`] };
  return { kind: inside.kind, lines: [`<${named}>`, `  ${inside.element}`, "</testcase>"] };
}

function insideOf(
  item: PromotionItem,
): { readonly kind: Exclude<Case["kind"], "passed">; readonly element: string } | undefined {
  switch (item.state) {
    case "Succeeded":
      return undefined;
    case "Skipped":
      return { kind: "skipped", element: `<skipped message="the target holds this digest already"/>` };
    case "Failed":
      return { kind: "failure", element: formatFailure(item) };
    default: {
      const message = item.state === "Cancelled" ? "cancelled" : `not ended: ${item.state}`;
      return { kind: "error", element: `<error${formatAttributes({ message, type: item.state })}/>` };
    }
  }
}

function formatFailure({ error, importId }: PromotionItem): string {
  const message = error?.message ?? "no reason given";
  const lines = [
    message,
    ...(error?.upstream ?? []).map((said) => `registry said: ${said.code} ${said.message}`),
    ...(error?.hint === undefined ? [] : [`hint: ${error.hint}`]),
    ...(importId === undefined ? [] : [`import: ${importId}`]),
  ];
  const attributes = formatAttributes({ message, type: error?.code ?? "UNKNOWN" });
  return `<failure${attributes}>${escapeXml(lines.join("\n"))}</failure>`;
}

function selectionCase(error: ErrorView): Case {
  const attributes = formatAttributes({ message: error.message, type: error.code });
  const lines = [`<testcase classname="drayage.promotion" name="selection">`, `  <error${attributes}/>`, "</testcase>"];
  return { kind: "error", lines };
}

function formatAttributes(attributes: Attributes): string {
  return Object.entries(attributes)
    .map(([name, value]) => ` ${name}="${escapeXml(String(value))}"`)
    .join("");
}
