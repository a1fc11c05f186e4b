import { ErrorText, errorRows } from "../parts/cure.tsx";
import { arrivalMark, formatHash } from "../routing.ts";

/** Every error code with its cause and cure, as docs/errors.md has them; the one that led here in view. */
export function ErrorsView({ code }: { readonly code: string }) {
  return (
    <>
      <h1>Errors and cures</h1>
      <dl class="errors">
        {errorRows.map((row) => (
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
    </>
  );
}
