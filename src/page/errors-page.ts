/** A row of docs/errors.md: cells as Markdown. */
export interface ErrorRow {
  /** The heading that it stands under. */
  readonly group: string;
  readonly code: string;
  readonly cause: string;
  readonly cure: string;
}

/** The rows of docs/errors.md, in its order. */
export function parseErrorRows(markdown: string): readonly ErrorRow[] {
  return markdown.split(/^## /m).flatMap((section) => {
    const [group = ""] = section.split("\n", 1);
    const rows = section.matchAll(/^\| `([A-Z_]+)` \| [^|]* \| ([^|]*) \| ([^|]*) \|$/gm);
    return [...rows].map(([, code = "", cause = "", cure = ""]) => ({ group, code, cause, cure }));
  });
}

/** A cell as text and code, without the links, which lead to other documents. */
export function splitCode(markdown: string): readonly { readonly kind: "text" | "code"; readonly text: string }[] {
  const plain = markdown.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1");
  return plain.split("`").map((text, at) => ({ kind: at % 2 === 0 ? "text" : "code", text }));
}
