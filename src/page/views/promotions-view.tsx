import type { PromotionPage, PromotionSummary } from "../../domain/promotion-record.ts";
import { useResource } from "../data/use-resource.ts";
import { useTurnedPage } from "../data/use-turned-page.ts";
import { withoutHint } from "../error-text.ts";
import { Badge } from "../parts/badge.tsx";
import { Empty } from "../parts/empty.tsx";
import { PagedList, pagesAt } from "../parts/pager.tsx";
import { RowsTable } from "../parts/rows-table.tsx";
import { SnapshotState } from "../parts/snapshot-state.tsx";
import { Time } from "../parts/time.tsx";
import { describePromotion } from "../promotions.ts";
import { formatHash } from "../routing.ts";
import { promotionLookOf } from "../tones.ts";

const perPage = "50";

/** The promotions that there are, newest first. */
export function PromotionsView({ query }: { readonly query: URLSearchParams }) {
  const token = query.get("page") ?? "";
  const pages = pagesAt(token, (page) => formatHash("promotions", "", { page }));
  const start = token === "" ? {} : { continuationToken: token };
  const shown = useTurnedPage(
    useResource<PromotionPage>(`/api/promotions?${new URLSearchParams({ limit: perPage, ...start })}`, (page) =>
      page?.promotions.some(({ state }) => !promotionLookOf(state).hasEnded) ? "live" : "idle",
    ),
    token,
  );
  const { value: page } = shown.snapshot;
  return (
    <>
      <div class="title">
        <h1>Promotions</h1>
        <a class="button primary" href={formatHash("promote")}>
          Start a promotion
        </a>
      </div>
      <PagedList
        pages={pages}
        shownToken={shown.token}
        continuationToken={page?.continuationToken}
        names={{ back: "Newer", forth: "Older" }}
      >
        <SnapshotState snapshot={shown.snapshot} />
        {page?.promotions.length === 0 && shown.token === "" && (
          <Empty title="No promotion yet.">
            A promotion imports many images as one. <a href={formatHash("promote")}>Start one</a>, or have{" "}
            <code>drayage promote</code> and <code>POST /api/promotions</code> begin them, or{" "}
            <a href={formatHash("schedules")}>schedules</a> at set times.
          </Empty>
        )}
        {page !== undefined && page.promotions.length > 0 && <PromotionTable promotions={page.promotions} />}
      </PagedList>
    </>
  );
}

const columns = [
  { name: "State", look: "state" },
  { name: "What", look: "places" },
  { name: "Created", look: "when" },
  { name: "Ended", look: "when" },
] as const;

function PromotionTable({ promotions }: { readonly promotions: readonly PromotionSummary[] }) {
  return (
    <RowsTable
      caption="Promotions, newest first"
      columns={columns}
      rows={promotions.map((promotion) => ({
        key: promotion.id,
        cells: [
          <Badge key="state" text={promotion.state} tone={promotionLookOf(promotion.state).tone} />,
          <>
            <a class="clamped" href={formatHash("promotion", promotion.id)}>
              {describePromotion(promotion)}
            </a>
            {promotion.error !== undefined && (
              <span class="row-error clamped">
                <bdi>{withoutHint(promotion.error)}</bdi>
              </span>
            )}
          </>,
          <Time key="created" at={promotion.createdAt} />,
          <Time key="ended" at={promotion.finishedAt} />,
        ],
      }))}
    />
  );
}
