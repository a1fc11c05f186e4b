/** A moment in the reader's zone; UTC on hover. */
export function Time({ at }: { readonly at: string | undefined }) {
  if (at === undefined) return <span>–</span>;
  return (
    <time dateTime={at} title={`${at.replace("T", " ").replace(/(\.\d+)?Z$/, "")} UTC`}>
      {formatter.format(new Date(at))}
    </time>
  );
}

const formatter = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
