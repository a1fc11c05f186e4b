import { useEffect, useRef } from "preact/hooks";
import type { PromotionItemPage, PromotionItemView, PromotionView } from "../../domain/promotion-record.ts";
import { formatBytes } from "../../domain/quantities.ts";
import { useResource } from "../data/use-resource.ts";
import { useTurnedPage } from "../data/use-turned-page.ts";
import { withoutHint } from "../error-text.ts";
import { Badge } from "../parts/badge.tsx";
import { PagedList, pagesAt } from "../parts/pager.tsx";
import { Places } from "../parts/places.tsx";
import { RowsTable } from "../parts/rows-table.tsx";
import { SnapshotState } from "../parts/snapshot-state.tsx";
import { formatHash, navigate } from "../routing.ts";
import { useServices } from "../services.ts";
import { itemTones, promotionLookOf } from "../tones.ts";

export interface PromotionItemsProps {
  /** Of the promotion. */
  readonly path: string;
  readonly view: PromotionView;
  /** Only items in this state; empty: all. */
  readonly state: string;
  /** Token of the page; empty: the first. */
  readonly page: string;
}

/** The items of a promotion, by pages. */
export function PromotionItems({ path, view, state, page }: PromotionItemsProps) {
  return (
    <section aria-labelledby="items-title">
      <div class="title">
        <h2 id="items-title">Items</h2>
        <label class="theme">
          <span>Items in state</span>
          <select
            value={state}
            onChange={({ currentTarget }) => navigate(formatHash("promotion", view.id, { state: currentTarget.value }))}
          >
            <option value="">Any</option>
            {Object.keys(itemTones).map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
      </div>
      <ItemList key={state} {...{ path, view, state, page }} />
    </section>
  );
}

const perPage = "100";

function ItemList({ path, view, state, page: token }: PromotionItemsProps) {
  const { poller } = useServices();
  const pages = pagesAt(token, (page) => formatHash("promotion", view.id, { state, page }));
  const isRunning = !promotionLookOf(view.state).hasEnded;
  const query = {
    limit: perPage,
    ...(state !== "" && { state }),
    ...(token !== "" && { continuationToken: token }),
  };
  const shown = useTurnedPage(
    useResource<PromotionItemPage>(`${path}/items?${new URLSearchParams(query)}`, () => (isRunning ? "live" : "still")),
    token,
  );
  // The last look at the items may be from before the promotion's end.
  const lookedAt = useRef(`${view.state} ${view.attempt}`);
  useEffect(() => {
    const now = `${view.state} ${view.attempt}`;
    if (lookedAt.current !== now) poller.refresh();
    lookedAt.current = now;
  }, [poller, view.state, view.attempt]);
  const { value: page } = shown.snapshot;
  return (
    <PagedList
      pages={pages}
      shownToken={shown.token}
      continuationToken={page?.continuationToken}
      names={{ back: "Back", forth: "Further" }}
    >
      <SnapshotState snapshot={shown.snapshot} />
      {page !== undefined && page.items.length === 0 && <p>{emptyText(page)}</p>}
      {page !== undefined && page.items.length > 0 && <ItemTable items={page.items} />}
    </PagedList>
  );
}

/** A filtered page may be empty although more follow. */
function emptyText({ continuationToken }: PromotionItemPage): string {
  return continuationToken === undefined ? "There are no such items." : "None among these: look further.";
}

const columns = [
  { name: "State", look: "state" },
  { name: "Source → target", look: "places" },
  { name: "Copied", look: "short" },
] as const;

function ItemTable({ items }: { readonly items: readonly PromotionItemView[] }) {
  return (
    <RowsTable
      caption="Items of the promotion"
      columns={columns}
      rows={items.map(({ item, state, source, target, importId, bytesCopied, error }) => ({
        key: item,
        cells: [
          <Badge key="state" text={state} tone={itemTones[state] ?? "neutral"} />,
          <Places
            key="places"
            {...{ from: source, to: target, error: error === undefined ? undefined : withoutHint(error) }}
            href={state === "Pending" ? undefined : formatHash("import", importId)}
          />,
          bytesCopied === undefined ? "–" : formatBytes(bytesCopied),
        ],
      }))}
    />
  );
}
