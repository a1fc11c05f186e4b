import { useState } from "preact/hooks";

/** Where a page of a list begins; undefined: at its first entry. */
type Start = string | undefined;

/** Turns pages of a list that knows only its continuation tokens. */
export function usePages() {
  const [starts, setStarts] = useState<readonly Start[]>([undefined]);
  return {
    start: starts.at(-1),
    isFirst: starts.length === 1,
    forth: (token: string) => setStarts([...starts, token]),
    back: () => setStarts(starts.slice(0, -1)),
    reset: () => setStarts([undefined]),
  };
}

export interface PagerProps {
  readonly pages: ReturnType<typeof usePages>;
  /** Of the page that is shown. */
  readonly continuationToken: string | undefined;
  readonly names: { readonly back: string; readonly forth: string };
}

/** Nothing where one page is all. */
export function Pager({ pages, continuationToken, names }: PagerProps) {
  if (pages.isFirst && continuationToken === undefined) return null;
  return (
    <nav class="pages" aria-label="Pages">
      <button type="button" disabled={pages.isFirst} onClick={pages.back}>
        {names.back}
      </button>
      <button
        type="button"
        disabled={continuationToken === undefined}
        onClick={() => continuationToken !== undefined && pages.forth(continuationToken)}
      >
        {names.forth}
      </button>
    </nav>
  );
}
