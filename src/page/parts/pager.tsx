import { useRef } from "preact/hooks";
import { turnBack, turnForth } from "../routing.ts";
import { ActionButton } from "./action-button.tsx";

/** How one gets on in a list that knows only its continuation tokens. */
export interface Pages {
  readonly isFirst: boolean;
  readonly back: () => void;
  readonly forth: (token: string) => void;
}

/** Pages whose token stands in the address, so that whoever comes back to it finds the page again. */
export function pagesAt(page: string, formatPage: (token: string) => string): Pages {
  return {
    isFirst: page === "",
    back: () => turnBack(formatPage("")),
    forth: (token) => turnForth(formatPage(token)),
  };
}

export interface PagerProps {
  readonly pages: Pages;
  /** Of the page that is shown. */
  readonly continuationToken: string | undefined;
  readonly names: { readonly back: string; readonly forth: string };
}

/** Nothing where one page is all. */
export function Pager({ pages, continuationToken, names }: PagerProps) {
  const hasMore = !pages.isFirst || continuationToken !== undefined;
  const wasNeeded = useRef(hasMore);
  wasNeeded.current ||= hasMore; // it stays for whoever has a finger on it, while pages come and go
  if (!wasNeeded.current) return null;
  return (
    <nav class="pages" aria-label="Pages">
      <ActionButton isBusy={pages.isFirst} onClick={pages.back}>
        {names.back}
      </ActionButton>
      <ActionButton
        isBusy={continuationToken === undefined}
        onClick={() => continuationToken !== undefined && pages.forth(continuationToken)}
      >
        {names.forth}
      </ActionButton>
    </nav>
  );
}
