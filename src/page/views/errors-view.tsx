import { useEffect } from "preact/hooks";
import errorsDocument from "../../../docs/errors.md";
import { parseErrorRows, splitCode } from "../errors-page.ts";
import { formatHash } from "../routing.ts";

const rows = parseErrorRows(errorsDocument);

/** Every error code with its cause and cure, as docs/errors.md has them; the one that led here first. */
export function ErrorsView({ code }: { readonly code: string }) {
  useEffect(() => document.getElementById(`error-${code}`)?.scrollIntoView(), [code]);
  return (
    <>
      <h1>Errors and cures</h1>
      <dl class="errors">
        {rows.map((row) => (
          <div key={row.code} id={`error-${row.code}`} class={row.code === code ? "wanted" : undefined}>
            <dt>
              <a href={formatHash("errors", row.code)}>
                <code>{row.code}</code>
              </a>
            </dt>
            <dd>
              <Cell text={row.cause} />
            </dd>
            <dd>
              <strong>Cure:</strong> <Cell text={row.cure} />
            </dd>
          </div>
        ))}
      </dl>
    </>
  );
}

function Cell({ text }: { readonly text: string }) {
  return <>{splitCode(text).map((piece) => (piece.kind === "code" ? <code>{piece.text}</code> : piece.text))}</>;
}
