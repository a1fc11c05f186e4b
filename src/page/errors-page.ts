/** A row of docs/errors.md: cells as Markdown. */
export interface ErrorRow {
  readonly code: string;
  readonly cause: string;
  readonly cure: string;
}

/** The rows of docs/errors.md, in its order. */
export function parseErrorRows(markdown: string): readonly ErrorRow[] {
  const rows = markdown.matchAll(/^\| `([A-Z_]+)` \| [^|]* \| ([^|]*) \| ([^|]*) \|$/gm);
  return [...rows].map(([, code = "", cause = "", cure = ""]) => ({ code, cause, cure }));
}

/** A cell as text and code, without the links, which lead to other documents. */
export function splitCode(markdown: string): readonly { readonly kind: "text" | "code"; readonly text: string }[] {
  const plain = markdown.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1");
  return plain.split("`").map((text, at) => ({ kind: at % 2 === 0 ? "text" : "code", text }));
}
