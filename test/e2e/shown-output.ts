/** Ids of imports, promotions and messages. */
export const idPattern = /\b[0-9A-HJKMNP-TV-Z]{26}\b/g;

const bytes = String.raw`\d+(?:\.\d+)? (?:[KMGT]i)?B`;
const rate = String.raw`(?:\d+(?:\.\d+)? (?:[KMGT]i)?B/s)`;
const duration = String.raw`\d+(?:\.\d+)?(?:ms|s|m|h)(?: \d+s)?`;

/** What differs from run to run, and what stands for it. How bytes came over depends on what was there before. */
const variable: readonly (readonly [RegExp, string])[] = [
  [/^\s*(Accepted|Expanding|Resolving|Copying|Verifying|Publishing|Running)\b.*\n?/gm, ""], // printed as often as time allows
  [idPattern, "ID"],
  [/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, "UUID"],
  [/\b\d{4}-\d\d-\d\dT[\d:.]+Z/g, "DATE"],
  [/\b\w{3}, \d\d \w{3} \d{4} [\d:]+ GMT/g, "DATE"],
  [/^etag: .*$/gim, "etag: TAG"],
  [/^content-length: .*$/gim, "content-length: N"],
  [
    new RegExp(
      `${bytes} (?:copied|mounted|already there)(?:, ${bytes} (?:copied|mounted|already there))*(?: +${rate})?`,
      "g",
    ),
    "BYTES",
  ],
  [/"(copied|mounted|skipped|bytesPerSecond|ms|attempts|etaSeconds|seconds)": ?\d+(?:\.\d+)?/g, '"$1":N'],
  [/"via":"\w+"/g, '"via":"VIA"'],
  [new RegExp(`\\b(in|after|took|TOOK|Succeeded +DATE) ${duration}`, "g"), "$1 TIME"],
  [new RegExp(`(DATE +)${duration}( )`, "g"), "$1TIME$2"],
];

/**
 * What stays the same of a command's output from run to run, without white space: documents break long lines, and
 * columns are as wide as what is in them.
 */
export function shapeOf(output: string): string {
  const masked = variable.reduce((text, [pattern, name]) => text.replace(pattern, name), output);
  return masked.replaceAll(/\s+/g, "");
}

/** A pattern of the shape that a document shows; `…` in it stands for anything. */
export function shapePattern(shown: string): RegExp {
  const parts = shapeOf(shown)
    .split("…")
    .map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*?")}$`);
}

/** Ids as they follow each other: those of the document and what they are called in this run. */
export function pairIds(shown: string, actual: string): readonly (readonly [string, string])[] {
  const actualIds = actual.match(idPattern) ?? [];
  return (shown.match(idPattern) ?? []).flatMap((id, at): (readonly [string, string])[] => {
    const found = actualIds[at];
    return found === undefined ? [] : [[id, found]];
  });
}
