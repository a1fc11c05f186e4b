import type { Digest } from "../../digest.ts";
import type { DelegatedPlaces } from "../../domain/arm-refusal.ts";
import { decideTag } from "../../domain/conflict.ts";
import { toImportParameters } from "../../domain/delegation.ts";
import {
  delegationVerified,
  operationAsked,
  operationGone,
  operationStarted,
} from "../../domain/delegation-transitions.ts";
import type { ImportId } from "../../domain/import-id.ts";
import type { ImportRecord } from "../../domain/import-record.ts";
import { type ImportSpec, targetRepositories } from "../../domain/import-spec.ts";
import { pinned } from "../../domain/import-transitions.ts";
import type { ManifestState } from "../../domain/operation-status.ts";
import { ImportError } from "../../errors.ts";
import type { Imports } from "../../store/imports.ts";
import type { Parts } from "../../store/parts.ts";
import type { DelegatedSides } from "../../transfer/delegated-facts.ts";
import { learnSource, learnTags } from "../../transfer/delegated-facts.ts";
import { placeOf } from "../../transfer/place-of.ts";
import type { createVerifyDelegated } from "../../transfer/verify-delegated.ts";
import type { ArmClient, OperationAnswer } from "../delegation/arm-client.ts";
import { credentialsForAcr } from "../delegation/credentials-for-acr.ts";
import type { FindRegistries } from "../delegation/find-registries.ts";
import { type HeldRow, holdRow } from "../held-row.ts";
import type { OpenRepositories } from "../open-repositories.ts";
import { type DelegateInput, delegateInputSchema, type StepOutcome } from "../steps.ts";
import type { Activity } from "./activity-frame.ts";

export interface DelegateImportDeps {
  readonly imports: Pick<Imports, "replace" | "update">;
  readonly parts: Pick<Parts, "insertPlanned" | "listManifests">;
  readonly repositories: Pick<OpenRepositories, "ofImport" | "refreshToken">;
  readonly arm: Pick<ArmClient, "startImport" | "readOperation">;
  readonly findRegistries: FindRegistries;
  readonly verify: ReturnType<typeof createVerifyDelegated>;
  readonly now: () => Date;
  /** For URLs that hold a signature: sealed for one import, opened for no other. Undefined: not to be opened any more. */
  readonly sealUrl: (importId: ImportId, url: string) => string;
  readonly openUrl: (importId: ImportId, sealed: string) => string | undefined;
}

/** After so many starts whose operations were lost or ran into limits, another one is not tried. */
const maxStarts = 30;
const firstPollSeconds = 5;
const shortestPollSeconds = 1;
const longestPollSeconds = 30;

/**
 * Has ACR import, and asks once how far that is: called again until it is over. Starting twice is safe: what is under
 * its tag already is left out, and where the source shows its digest, every start asks for the same one.
 */
export function createDelegateImport(deps: DelegateImportDeps): Activity<DelegateInput, StepOutcome> {
  const { imports, repositories, arm, openUrl, sealUrl } = deps;
  return {
    name: "delegateImport",
    input: delegateInputSchema,
    role: "worker",
    work: async ({ importId, round }, { row, signal }) => {
      const held = holdRow(imports, row);
      const { source, targets } = await repositories.ofImport(row.record, "copy");
      const [target] = targets;
      if (target === undefined) throw new Error("an import without a target repository was left to ACR");
      const places = { source: placeOf(source), target: placeOf(target) };
      const sides = { spec: row.record.spec, source, targets, pinned: row.record.source };
      const sealed = row.record.delegation?.operation;
      const url = sealed === undefined ? undefined : openUrl(importId, sealed);
      const answer =
        url === undefined
          ? await start(deps, { held, sides, places }, signal)
          : await arm.readOperation(url, places, signal);
      return await settle(answer);

      async function settle(told: OperationAnswer): Promise<StepOutcome> {
        const known = { ...sides, pinned: held.record().source };
        switch (told.kind) {
          case "running": {
            await storeManifests(deps, held.record(), told.manifests);
            if (told.url !== undefined && told.url !== url) {
              const operation = sealUrl(importId, told.url);
              await held.change((record) => operationStarted(record, operation));
            }
            return { kind: "wait", retryAfterSeconds: pollSeconds(told.retryAfterSeconds, round) };
          }
          case "lost":
            await held.change(operationGone);
            return { kind: "wait", retryAfterSeconds: firstPollSeconds };
          case "done": {
            const verified = await deps.verify(known, signal);
            const digest = verified.digest ?? onlyDigest(told.manifests);
            await storeManifests(deps, held.record(), told.manifests);
            await markAllDone(deps, held.record(), digest);
            await held.change((record) => delegationVerified(record, { ...verified, digest }));
            return { kind: "done" };
          }
          case "failed": {
            await held.change(operationGone);
            if (!(await isOurs(told.error, known, signal))) throw told.error;
            return await settle({ kind: "done", manifests: [] });
          }
        }
      }
    },
  };
}

interface StartContext {
  readonly held: HeldRow;
  readonly sides: DelegatedSides;
  readonly places: DelegatedPlaces;
}

/**
 * Asks ACR to begin. The record says so first: a process that dies before it has stored the answer leaves an import that
 * may have begun.
 */
async function start(
  deps: DelegateImportDeps,
  { held, sides, places }: StartContext,
  signal: AbortSignal,
): Promise<OperationAnswer> {
  const { arm, findRegistries } = deps;
  const { spec } = sides;
  const { starts = 0 } = held.record().delegation ?? {};
  if (starts >= maxStarts) throw gaveUp(places, starts);
  const targetId = await findRegistries.targetId(places.target, signal);
  const found = await learnSource(sides, signal);
  const digest = found?.digest ?? spec.source.digest;
  const tags = await tagsToPut(sides, digest, signal);
  if (tags.length + spec.target.untaggedRepositories.length === 0) return { kind: "done", manifests: [] };
  const { hasCredentials } = held.record();
  const sourceId = hasCredentials ? undefined : await findRegistries.sourceId(spec, places.source, signal);
  const credentials = sourceId === undefined ? await credentialsForAcr(deps, sides.source, signal) : undefined;
  const parameters = toImportParameters({
    spec,
    readFrom: places.source.registry,
    digest,
    tags,
    sourceId,
    credentials,
  });
  await held.change((record) => operationAsked(found === undefined ? record : pinned(record, found)));
  return await arm.startImport(targetId, parameters, places, signal);
}

/** Without those that hold the digest by now: they are this import's, of a start whose answer was lost. */
async function tagsToPut(
  sides: DelegatedSides,
  digest: Digest | undefined,
  signal: AbortSignal,
): Promise<ImportSpec["target"]["tags"]> {
  const { spec, targets } = sides;
  const { tags } = spec.target;
  const [first] = targets;
  if (spec.conflict === "overwrite" || digest === undefined || first === undefined) return tags;
  const learned = await learnTags(sides, signal);
  if (!("fact" in learned)) return tags;
  return learned.fact.flatMap((target) => {
    const decision = decideTag({ policy: spec.conflict, plannedDigest: digest, target, at: placeOf(first) });
    if (decision.kind === "failed") throw decision.error;
    return decision.kind === "done" ? [] : [{ repository: target.repository, tag: target.tag }];
  });
}

/** ACR refuses a tag that exists, whatever it holds: one that holds the digest was put by a start whose answer was lost. */
async function isOurs(error: ImportError, sides: DelegatedSides, signal: AbortSignal): Promise<boolean> {
  const digest = sides.pinned?.digest ?? sides.spec.source.digest;
  if (error.code !== "TARGET_TAG_EXISTS" || digest === undefined) return false;
  const learned = await learnTags(sides, signal);
  return "fact" in learned && learned.fact.every((tag) => tag.digest === digest);
}

/** What ACR tells of manifests, as parts; their types and sizes it does not tell. */
async function storeManifests(
  { parts }: Pick<DelegateImportDeps, "parts">,
  { id, spec }: ImportRecord,
  manifests: readonly ManifestState[],
): Promise<void> {
  const names = targetRepositories(spec);
  const rows = manifests.map(({ repository, digest, state }) => ({
    kind: "manifest" as const,
    target: Math.max(0, names.indexOf(repository)),
    ...{ digest, mediaType: "", sizeBytes: 0, state },
    ...(state === "done" && { via: "copied" as const }),
  }));
  if (rows.length > 0) await parts.insertPlanned(id, rows);
}

/** ACR is done: what it has told of, and the manifest that was asked for, which it need not have told of. */
async function markAllDone(
  { parts }: Pick<DelegateImportDeps, "parts">,
  { id, spec, source }: ImportRecord,
  digest: Digest | undefined,
): Promise<void> {
  const told = await parts.listManifests(id, maxManifests);
  const root = digest && ({ kind: "manifest", digest, mediaType: source?.mediaType ?? "", sizeBytes: 0 } as const);
  const roots = root ? targetRepositories(spec).map((_, target) => ({ ...root, target })) : [];
  const rows = [...told.filter((part) => part.digest !== digest), ...roots];
  await parts.insertPlanned(
    id,
    rows.map((part) => ({ ...part, state: "done", via: "copied" })),
  );
}

/** ACR imports images of 50 manifests at most. */
const maxManifests = 1_000;

/** Of an image with one manifest its digest, which nobody but ACR has seen. */
function onlyDigest(manifests: readonly ManifestState[]): Digest | undefined {
  const [first, ...others] = new Set(manifests.map(({ digest }) => digest));
  return others.length === 0 ? first : undefined;
}

/** As long as ACR says, else longer each time. */
function pollSeconds(toldSeconds: number | undefined, round: number): number {
  if (toldSeconds !== undefined) return Math.max(shortestPollSeconds, toldSeconds);
  return Math.min(longestPollSeconds, firstPollSeconds * 1.5 ** Math.min(round, 10));
}

function gaveUp({ target }: DelegatedPlaces, starts: number): ImportError {
  return new ImportError({
    ...target,
    code: "TARGET_IMPORT_FAILED",
    what: `ACR was asked ${starts} times to import, and no answer led to an end`,
    hint: `try strategy "stream"`,
  });
}
