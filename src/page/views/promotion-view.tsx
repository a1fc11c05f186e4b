import type { PromotionView as View } from "../../domain/promotion-record.ts";
import { formatBytes, formatDuration } from "../../domain/quantities.ts";
import { useAttempt } from "../data/use-attempt.ts";
import { useResource } from "../data/use-resource.ts";
import { ActionButton } from "../parts/action-button.tsx";
import { Badge } from "../parts/badge.tsx";
import { ConfirmButton } from "../parts/confirm-button.tsx";
import { ErrorCard } from "../parts/error-card.tsx";
import { Facts } from "../parts/facts.tsx";
import { FailedOutcome } from "../parts/failed-outcome.tsx";
import { Notice } from "../parts/notice.tsx";
import { ShareBar } from "../parts/share-bar.tsx";
import { SnapshotState } from "../parts/snapshot-state.tsx";
import { Time } from "../parts/time.tsx";
import { describePromotion, groupByCode, sharesOf } from "../promotions.ts";
import { formatHash } from "../routing.ts";
import { promotionLookOf } from "../tones.ts";
import { useTitle } from "../use-title.ts";
import { PromotionItems } from "./promotion-items.tsx";

export interface PromotionViewProps {
  readonly id: string;
  readonly query: URLSearchParams;
}

/** One promotion: how far its items are, what went wrong, and what can be done. */
export function PromotionView({ id, query }: PromotionViewProps) {
  const path = `/api/promotions/${encodeURIComponent(id)}`;
  const snapshot = useResource<View>(path, (known) =>
    known === undefined || promotionLookOf(known.state).hasEnded ? "idle" : "live",
  );
  const { value: view } = snapshot;
  useTitle(view && describePromotion(view));
  if (snapshot.isGone) {
    return (
      <>
        <h1>There is no such promotion</h1>
        <p role="status">The service knows no promotion {id}.</p>
        <p>
          <a href={formatHash("promotions")}>All promotions</a>
        </p>
      </>
    );
  }
  return (
    <>
      <div class="title">
        <h1>{view === undefined ? "Promotion" : describePromotion(view)}</h1>
        {view !== undefined && (
          <span role="status">
            <Badge text={view.state} tone={promotionLookOf(view.state).tone} />
          </span>
        )}
      </div>
      <SnapshotState snapshot={snapshot} />
      {view !== undefined && (
        <>
          {view.error !== undefined && view.error.code !== "PROMOTION_ITEMS_FAILED" && <ErrorCard error={view.error} />}
          {view.warnings.length > 0 && (
            <Notice tone="neutral" title={view.warnings.length === 1 ? "Warning" : "Warnings"}>
              <ul>
                {view.warnings.map((warning) => (
                  <li key={warning}>{warning}</li>
                ))}
              </ul>
            </Notice>
          )}
          <div class="beside">
            <div>
              <Progress view={view} />
              <Actions view={view} path={path} />
              <FirstErrors view={view} />
            </div>
            <PromotionFacts view={view} />
          </div>
          <PromotionItems path={path} view={view} state={query.get("state") ?? ""} page={query.get("page") ?? ""} />
        </>
      )}
    </>
  );
}

function Actions({ view: { state, counts }, path }: { readonly view: View; readonly path: string }) {
  const { isBusy, attempt, run } = useAttempt();
  const { hasEnded } = promotionLookOf(state);
  const again = counts.failed + counts.cancelled;
  const post = (what: string, to: string) => run(what, { method: "POST", path: `${path}/${to}` }).catch(reportError);
  return (
    <div class="actions">
      {!hasEnded && (
        <ConfirmButton
          label="Cancel"
          question={`${countItems(counts.pending + counts.queued)} will not be imported; what has been stays.`}
          isBusy={isBusy}
          onConfirm={() => post("Cancelling", "cancel")}
        />
      )}
      {(state === "Failed" || state === "Cancelled") && (
        <ActionButton class="primary" isBusy={isBusy} onClick={() => post("Retrying", "retry")}>
          {again === 0 ? "Retry" : `Retry ${countItems(again)}`}
        </ActionButton>
      )}
      {attempt !== undefined && <FailedOutcome {...attempt} />}
    </div>
  );
}

function Progress({ view }: { readonly view: View }) {
  const { counts, bytes, itemsPerSecond, etaSeconds, state, startedAt, finishedAt } = view;
  const ended = counts.total - counts.pending - counts.queued;
  const tookMs = startedAt !== undefined && finishedAt !== undefined && Date.parse(finishedAt) - Date.parse(startedAt);
  return (
    <section class="card" aria-labelledby="progress-title">
      <h2 id="progress-title">
        {ended} of {counts.total} items
      </h2>
      <ShareBar label="Items by state" shares={sharesOf(view)} />
      <p>
        {formatBytes(bytes.copied)} copied, {formatBytes(bytes.mounted)} mounted, {formatBytes(bytes.skipped)} skipped
        {itemsPerSecond > 0 && `, ${itemsPerSecond.toPrecision(3)} items/s`}
        {etaSeconds !== undefined && !promotionLookOf(state).hasEnded && `, about ${formatDuration(etaSeconds)} left`}
        {tookMs !== false && `, took ${formatDuration(tookMs / 1_000)}`}
      </p>
      {state === "Expanding" && <p class="help">Still looking for images that are meant: their number grows.</p>}
    </section>
  );
}

function FirstErrors({ view: { firstErrors, counts } }: { readonly view: View }) {
  if (firstErrors.length === 0) return null;
  return (
    <section class="card bad" aria-labelledby="first-errors-title">
      <h2 id="first-errors-title">
        {counts.failed > firstErrors.length
          ? `The first ${firstErrors.length} of ${counts.failed} failures`
          : "Failures"}
      </h2>
      {groupByCode(firstErrors).map(({ code, hint, failures }) => (
        <section key={code}>
          <h3>
            <a href={formatHash("errors", code)}>{code}</a>
          </h3>
          {hint !== undefined && (
            <p>
              <strong>What to do:</strong> {hint}
            </p>
          )}
          <ul class="lines">
            {failures.map(({ item, importId, text }) => (
              <li key={item}>
                <bdi>{text}</bdi> <a href={formatHash("import", importId)}>The import of item {item}</a>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </section>
  );
}

function countItems(count: number): string {
  return count === 1 ? "1 item" : `${count} items`;
}

function PromotionFacts({ view: { id, trigger, labels, attempt, createdAt, finishedAt } }: { readonly view: View }) {
  const labelLines = Object.entries(labels).map(([key, value]) => `${key} = ${value}`);
  return (
    <section class="card" aria-labelledby="facts-title">
      <h2 id="facts-title">About it</h2>
      <Facts
        facts={[
          ["Trigger", trigger.ref === undefined ? trigger.kind : `${trigger.kind}: ${trigger.ref}`],
          ["Labels", labelLines.length === 0 ? undefined : labelLines.join(", ")],
          ["Attempt", attempt],
          ["Created", <Time key="created" at={createdAt} />],
          ["Ended", finishedAt === undefined ? undefined : <Time at={finishedAt} />],
          ["Id", <code key="id">{id}</code>],
        ]}
      />
    </section>
  );
}
