import { useEffect, useRef } from "preact/hooks";
import type { ImportView as View } from "../../domain/import-view.ts";
import type { PartPage } from "../../domain/part-view.ts";
import { formatBytes, formatDuration } from "../../domain/quantities.ts";
import { formatCommand, formatCurl, requestLike } from "../commands.ts";
import { useChain, useResource } from "../data/use-resource.ts";
import { Badge } from "../parts/badge.tsx";
import { ByteBar, percentOf } from "../parts/byte-bar.tsx";
import { policyNames } from "../parts/conflict-choice.tsx";
import { Copyable } from "../parts/copyable.tsx";
import { ErrorCard } from "../parts/error-card.tsx";
import { Facts } from "../parts/facts.tsx";
import { FailedOutcome } from "../parts/failed-outcome.tsx";
import { Loading } from "../parts/loading.tsx";
import { Notice } from "../parts/notice.tsx";
import { PartsList } from "../parts/parts-list.tsx";
import { Time } from "../parts/time.tsx";
import { formatSource, targetPlaces } from "../places.ts";
import { formatHash } from "../routing.ts";
import { useServices } from "../services.ts";
import { importLookOf } from "../tones.ts";
import { useTitle } from "../use-title.ts";
import { ImportActions } from "./import-actions.tsx";
import { verifyNames } from "./import-fields.tsx";
import { StageTimeline } from "./stage-timeline.tsx";

/** One import: how far it is, what it consists of, what went wrong, and what can be done. */
export function ImportView({ id }: { readonly id: string }) {
  const path = `/api/imports/${encodeURIComponent(id)}`;
  const {
    value: view,
    isGone,
    refusal,
  } = useResource<View>(path, (known) => (known === undefined || importLookOf(known.state).hasEnded ? "idle" : "live"));
  useTitle(view?.source && formatSource(view.source));
  if (isGone) return <Gone id={id} wasShown={view !== undefined} />;
  if (view === undefined) {
    return (
      <>
        <h1>Import</h1>
        {refusal === undefined ? <Loading /> : <FailedOutcome what="Loading" outcome={refusal} />}
      </>
    );
  }
  return (
    <>
      <div class="title">
        <h1>{view.source === undefined ? "Import" : formatSource(view.source)}</h1>
        <span role="status">
          <Badge text={view.state} tone={importLookOf(view.state).tone} />
        </span>
      </div>
      <ImportActions view={view} />
      <div class="beside">
        <div>
          {view.error !== undefined && <ErrorCard error={view.error} />}
          {view.waiting !== undefined && (
            <Notice tone="neutral" title={`Waiting: ${view.waiting.code}`}>
              <p>
                <bdi>{view.waiting.message}</bdi> Next try: <Time at={view.waiting.until} />.
              </p>
            </Notice>
          )}
          {view.warnings.length > 0 && (
            <Notice tone="neutral" title={view.warnings.length === 1 ? "Warning" : "Warnings"}>
              <ul>
                {view.warnings.map((warning) => (
                  <li key={warning}>{warning}</li>
                ))}
              </ul>
            </Notice>
          )}
          <StageTimeline view={view} />
          <ImportProgress view={view} />
          <ImportParts path={path} view={view} />
        </div>
        <ImportFacts view={view} />
      </div>
      <Commands view={view} />
    </>
  );
}

function Gone({ id, wasShown }: { readonly id: string; readonly wasShown: boolean }) {
  return (
    <>
      <h1>{wasShown ? "This import was deleted" : "There is no such import"}</h1>
      <p role="status">
        {wasShown
          ? "It was deleted while you looked at it. What it copied stays."
          : `The service knows no import ${id}.`}
      </p>
      <p>
        <a href={formatHash("imports")}>All imports</a>
      </p>
    </>
  );
}

function ImportProgress({ view }: { readonly view: View }) {
  const { progress, state, verify } = view;
  if (progress === undefined) return null;
  const { bytes, blobs, manifests, verified, bytesPerSecond, etaSeconds } = progress;
  return (
    <section class="card" aria-labelledby="progress-title">
      <h2 id="progress-title">Progress</h2>
      <ByteBar progress={progress} label="Progress of this import" />
      <p class="legend">
        <strong>{percentOf(progress)} %</strong> of {formatBytes(bytes.total)}:{" "}
        <span class="way copied">{formatBytes(bytes.copied)} copied</span>{" "}
        <span class="way mounted">{formatBytes(bytes.mounted)} mounted</span>{" "}
        <span class="way skipped">{formatBytes(bytes.skipped)} skipped</span>
      </p>
      <p>
        {blobs.done} of {blobs.total} blobs, {manifests.done} of {manifests.total} manifests
        {bytesPerSecond > 0 && `, ${formatBytes(bytesPerSecond)}/s`}
        {etaSeconds !== undefined && !importLookOf(state).hasEnded && `, about ${formatDuration(etaSeconds)} left`}
        {tookText(view)}
      </p>
      {verify === "full" && (
        <p>
          {verified?.blobs ?? 0} of {blobs.total} blobs read back
          {verified !== undefined && `: ${formatBytes(verified.bytes)} of ${formatBytes(bytes.total)}`}
        </p>
      )}
    </section>
  );
}

/** From its first step to its end; before that it may have waited for its turn. */
function tookText({ startedAt, finishedAt, timeline }: View): string {
  if (startedAt === undefined || finishedAt === undefined) return "";
  const secondsBetween = (from: string, to: string) => (Date.parse(to) - Date.parse(from)) / 1_000;
  const waitedSeconds = secondsBetween(timeline[0]?.at ?? startedAt, startedAt);
  const waited = waitedSeconds >= 1 ? ` after ${formatDuration(waitedSeconds)} of waiting for its turn` : "";
  return `, took ${formatDuration(secondsBetween(startedAt, finishedAt))}${waited}`;
}

function ImportFacts({ view }: { readonly view: View }) {
  const { id, source, target, trigger, labels, attempt, conflict, platforms, referrers, verify, strategy } = view;
  const { foreignLayers, timeoutSeconds } = view;
  return (
    <section class="card" aria-labelledby="facts-title">
      <h2 id="facts-title">What is imported</h2>
      <Facts
        facts={[
          ["Source", source && formatSource(source)],
          ["Asked for by digest", source?.pinnedDigest && <code>{source.pinnedDigest}</code>],
          ["Source registry", source?.resourceId && <code>{source.resourceId}</code>],
          ["Signs in with", source && credentialsText(source)],
          ["Source digest", source?.digest && <code>{source.digest}</code>],
          ["Media type", source?.mediaType],
          ["Target", target && <Lines lines={targetPlaces(target)} />],
          ["Target digest", target?.digest && <code>{target.digest}</code>],
          ["Platforms", platforms?.join(", ")],
          ["If a tag exists", policyNames[conflict]],
          ["Read back", verify === "manifest" ? undefined : verifyNames[verify]],
          ["Foreign layers", foreignLayers === "skip" ? "left out" : undefined],
          ["Copied by", strategy && (strategy === "delegate" ? "ACR's own import" : "this service")],
          ["Time limit", formatDuration(timeoutSeconds)],
          ["Referrers", referrers && (referrers.artifactTypes?.join(", ") ?? "all of them")],
          ["Trigger", trigger.ref === undefined ? trigger.kind : `${trigger.kind}: ${trigger.ref}`],
          ["Labels", Object.keys(labels).length === 0 ? undefined : <Lines lines={formatLabels(labels)} />],
          ["Attempt", attempt],
          ["Id", <code key="id">{id}</code>],
        ]}
      />
    </section>
  );
}

function credentialsText({ secret, hasOwnCredentials }: NonNullable<View["source"]>): string | undefined {
  if (secret !== undefined) return `secret ${secret.secret} of the key vault`;
  return hasOwnCredentials && "credentials of its request";
}

function Lines({ lines }: { readonly lines: readonly string[] }) {
  return (
    <ul class="lines">
      {lines.map((line) => (
        <li key={line}>{line}</li>
      ))}
    </ul>
  );
}

function formatLabels(labels: View["labels"]): readonly string[] {
  return Object.entries(labels).map(([key, value]) => `${key} = ${value}`);
}

const partsPerRequest = 1_000;
const maxPartRequests = 5; // more rows than anybody reads, and than a browser likes

function ImportParts({ path, view }: { readonly path: string; readonly view: View }) {
  const { poller } = useServices();
  const { state, attempt } = view;
  const isRunning = !importLookOf(state).hasEnded;
  const pages = useChain<PartPage>({
    first: formatPartsPath(path, undefined),
    next: (found) => {
      const token = found.at(-1)?.continuationToken;
      return token === undefined || found.length >= maxPartRequests ? undefined : formatPartsPath(path, token);
    },
    tail: "followed", // they are sorted by digest: new ones come anywhere
    lead: "none",
    pace: () => (isRunning ? "live" : "still"),
  });
  // The last look at the parts may be from before the import's end.
  const lookedAt = useRef(`${state} ${attempt}`);
  useEffect(() => {
    const now = `${state} ${attempt}`;
    if (lookedAt.current !== now) poller.refresh();
    lookedAt.current = now;
  }, [poller, state, attempt]);
  const parts = pages.flatMap(({ value }) => value?.parts ?? []);
  const isCut = pages.at(-1)?.value?.continuationToken !== undefined;
  return (
    <section class="card" aria-labelledby="parts-title">
      <h2 id="parts-title">Manifests and blobs</h2>
      {parts.length === 0 && <p>{pages[0]?.value === undefined ? "Loading…" : noPartsText(view)}</p>}
      <PartsList parts={parts} fate={{ hasEnded: !isRunning, failedDigest: failedDigest(view) }} />
      {isCut && <p>There are more than {parts.length} parts; the API and the command line client list them all.</p>}
    </section>
  );
}

function noPartsText({ state }: View): string {
  if (!importLookOf(state).hasEnded) return "Not known yet.";
  if (state === "Failed") return "It failed before its parts were known.";
  if (state === "Cancelled") return "It was cancelled before its parts were known.";
  return "There was nothing to do.";
}

/** The part that a failed import failed at, if its error names one. */
function failedDigest({ state, error }: View): string | undefined {
  return state === "Failed" ? error?.digest : undefined;
}

function formatPartsPath(path: string, continuationToken: string | undefined): string {
  const token = continuationToken === undefined ? {} : { continuationToken };
  return `${path}/parts?${new URLSearchParams({ limit: String(partsPerRequest), ...token })}`;
}

function Commands({ view }: { readonly view: View }) {
  const { api } = useServices();
  const request = requestLike(view);
  if (request === undefined) return null;
  const command = formatCommand(request);
  return (
    <section class="card" aria-labelledby="commands-title">
      <h2 id="commands-title">Do it again</h2>
      {command !== undefined && <Copyable label="Command line" text={command} />}
      <Copyable label="curl" text={formatCurl(`${window.location.origin}/api/imports`, request, api.signIn())} />
      {view.source?.hasOwnCredentials && (
        <p class="help">The credentials that its request brought are not shown: add them.</p>
      )}
    </section>
  );
}
