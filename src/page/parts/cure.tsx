import errorsDocument from "../../../docs/errors.md";
import { parseErrorRows, splitCode } from "../errors-page.ts";

/** Every error code with its cause and cure, as docs/errors.md has them. */
export const errorRows = parseErrorRows(errorsDocument);

/** Why an error happens and what to do about it, where it is shown: nobody has to leave what they were at. */
export function Cure({ code }: { readonly code: string }) {
  const row = errorRows.find((one) => one.code === code);
  if (row === undefined) return null;
  return (
    <>
      <p>
        <strong>Cause:</strong> <ErrorText text={row.cause} />
      </p>
      <p>
        <strong>Cure:</strong> <ErrorText text={row.cure} />
      </p>
    </>
  );
}

/** A cell of docs/errors.md. */
export function ErrorText({ text }: { readonly text: string }) {
  return <>{splitCode(text).map((piece) => (piece.kind === "code" ? <code>{piece.text}</code> : piece.text))}</>;
}
