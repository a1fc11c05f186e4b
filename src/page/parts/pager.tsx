import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { turnBack, turnForth } from "../routing.ts";
import { ActionButton } from "./action-button.tsx";

/** How one gets on in a list that knows only its continuation tokens. */
export interface Pages {
  /** Token of the page that the address names; empty: the first. */
  readonly token: string;
  readonly back: () => void;
  readonly forth: (token: string) => void;
}

/** Pages whose token stands in the address, so that whoever comes back to it finds the page again. */
export function pagesAt(token: string, formatPage: (token: string) => string): Pages {
  return {
    token,
    back: () => turnBack(formatPage("")),
    forth: (next) => turnForth(formatPage(next)),
  };
}

export interface PagedListProps {
  readonly pages: Pages;
  /** Token of the page that is shown: the one before stays until the one that was turned to has come. */
  readonly shownToken: string;
  /** Of the page that is shown. */
  readonly continuationToken: string | undefined;
  readonly names: { readonly back: string; readonly forth: string };
  readonly children: ComponentChildren;
}

/** A page of a list and the buttons to turn it; whoever turns it goes on reading at its head. */
export function PagedList({ pages, shownToken, continuationToken, names, children }: PagedListProps) {
  const head = useRef<HTMLDivElement>(null);
  const isTurning = useRef(false);
  const turn = (go: () => void) => {
    isTurning.current = true;
    go();
  };
  useEffect(() => {
    if (!isTurning.current) return;
    isTurning.current = false;
    head.current?.focus({ preventScroll: true });
    head.current?.scrollIntoView();
  }, [shownToken]);
  const isFirst = pages.token === "";
  const isOther = shownToken !== pages.token;
  const hasMore = !isFirst || continuationToken !== undefined;
  const wasNeeded = useRef(hasMore);
  wasNeeded.current ||= hasMore; // the buttons stay for whoever has a finger on them, while pages come and go
  return (
    <>
      <div ref={head} class="paged" tabIndex={-1} aria-busy={isOther}>
        {children}
      </div>
      {wasNeeded.current && (
        <nav class="pages" aria-label="Pages">
          <ActionButton isBusy={isFirst || isOther} onClick={() => turn(pages.back)}>
            {names.back}
          </ActionButton>
          <ActionButton
            isBusy={continuationToken === undefined || isOther}
            onClick={() => continuationToken !== undefined && turn(() => pages.forth(continuationToken))}
          >
            {names.forth}
          </ActionButton>
        </nav>
      )}
    </>
  );
}
