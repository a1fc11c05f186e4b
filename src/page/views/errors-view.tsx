import { useState } from "preact/hooks";
import type { ErrorRow } from "../errors-page.ts";
import { ErrorText, errorRows } from "../parts/cure.tsx";
import { arrivalMark, formatHash } from "../routing.ts";

/** Every error code with its cause and cure, as docs/errors.md has them; the one that led here in view. */
export function ErrorsView({ code }: { readonly code: string }) {
  const [words, setWords] = useState("");
  const rows = errorRows.filter((row) => isMeant(row, words));
  const groups = [...new Set(rows.map(({ group }) => group))];
  return (
    <>
      <div class="title">
        <h1>Errors and cures</h1>
        <search>
          <label class="finder">
            <span class="unseen">Find an error</span>
            <input
              type="search"
              value={words}
              placeholder="Find an error"
              autocapitalize="off"
              spellcheck={false}
              onInput={({ currentTarget }) => setWords(currentTarget.value)}
            />
          </label>
        </search>
      </div>
      <p class="unseen" role="status">
        {words !== "" && `${rows.length} of ${errorRows.length} errors`}
      </p>
      {rows.length === 0 && <p>No error has these words.</p>}
      {groups.map((group) => (
        <section key={group} class="card">
          <h2>{group}</h2>
          <dl class="errors">
            {rows
              .filter((row) => row.group === group)
              .map((row) => (
                <div key={row.code} {...(row.code === code && { class: "wanted", ...arrivalMark })}>
                  <dt>
                    <a href={formatHash("errors", row.code)}>
                      <code>{row.code}</code>
                    </a>
                  </dt>
                  <dd>
                    <ErrorText text={row.cause} />
                  </dd>
                  <dd>
                    <strong>Cure:</strong> <ErrorText text={row.cure} />
                  </dd>
                </div>
              ))}
          </dl>
        </section>
      ))}
    </>
  );
}

/** Has each of these words somewhere. */
function isMeant({ code, cause, cure }: ErrorRow, words: string): boolean {
  const text = `${code} ${cause} ${cure}`.toLowerCase();
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}
