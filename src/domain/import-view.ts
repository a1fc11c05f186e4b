import { z } from "zod";
import { digestSchema } from "../digest.ts";
import { definedOnly, importErrorWireSchema } from "../errors.ts";
import { importIdSchema } from "./import-id.ts";
import { type Progress, progressSchema } from "./import-plan.ts";
import { hasEnded, type ImportRecord, importStateSchema, triggerSchema, waitingSchema } from "./import-record.ts";
import { importSpecSchema } from "./import-spec.ts";
import { timelineEntrySchema, timelineOf } from "./import-timeline.ts";
import { formatPlatform } from "./platform.ts";
import { withRate } from "./progress.ts";
import { isUnreadablePlace } from "./rejected-import.ts";

const timeSchema = z.iso.datetime();

/** An import as the API answers it. */
export const importViewSchema = z
  .strictObject({
    id: importIdSchema.describe("Sorts newest first as text."),
    state: importStateSchema.describe("Succeeded, Skipped, Failed and Cancelled are final."),
    trigger: triggerSchema.describe("What began the import."),
    labels: z.record(z.string(), z.string()).describe("As given in the request."),
    source: z
      .strictObject({
        registry: z.string(),
        repository: z.string(),
        reference: z.string().describe("The tag that was asked for, else the digest."),
        digest: digestSchema.optional().describe("Known once resolved; every attempt copies this one."),
        mediaType: z.string().optional(),
        pinnedDigest: digestSchema.optional().describe("The digest that was asked for beside the tag."),
        resourceId: z.string().optional().describe("Azure's id of the registry, where it was asked for by that."),
        secret: importSpecSchema.shape.sourceSecret.describe("Secret of the key vault that signs in, and its user."),
        hasOwnCredentials: z.literal(true).optional().describe("The request brought some: they go when it has ended."),
      })
      .optional()
      .describe("Where it is copied from. Absent where what began the import could not be read."),
    target: z
      .strictObject({
        registry: z.string(),
        tags: z.array(z.string()).describe("repository:tag"),
        untaggedRepositories: z.array(z.string()).describe("Filled by digest only."),
        digest: digestSchema.optional().describe("Differs from the source's when platforms were left out of an index."),
      })
      .optional()
      .describe("Where it is copied to. Absent where what began the import could not be read."),
    conflict: importSpecSchema.shape.conflict.describe("What happens where a target tag exists."),
    platforms: z.array(z.string()).optional().describe("os/architecture[/variant][:os.version]. Absent: all."),
    sparseIndex: z.boolean().describe("The index keeps its bytes and digest although platforms are left out."),
    referrers: importSpecSchema.shape.referrers.describe(
      "Signatures, SBOMs and attestations travel along: all of them, or those of these types. Absent: they do not.",
    ),
    verify: importSpecSchema.shape.verify.describe(
      "What is read back: tags and digests (manifest), before that every blob too (full), or nothing (none).",
    ),
    foreignLayers: importSpecSchema.shape.foreignLayers.describe("Whether layers of other hosts are looked for."),
    strategy: importSpecSchema.shape.strategy.describe(
      "delegate: ACR's own import copies, because it was asked for or since only that can: the warnings say which. stream: this service was asked to.",
    ),
    timeoutSeconds: importSpecSchema.shape.timeoutSeconds.describe("Time for each attempt."),
    progress: progressSchema.optional().describe("Known once resolved."),
    attempt: z.int().min(1).describe("Counts retries, from 1."),
    createdAt: timeSchema,
    startedAt: timeSchema.optional(),
    finishedAt: timeSchema.optional(),
    timeline: z
      .array(timelineEntrySchema)
      .describe(
        "The states of this attempt so far, in their order. Records from before it was kept lack Copying to Publishing.",
      ),
    error: importErrorWireSchema.optional(),
    waiting: waitingSchema.optional().describe("Why nothing moves just now."),
    warnings: z.array(z.string()),
    links: z.strictObject({ self: z.url(), parts: z.url(), cancel: z.url(), retry: z.url() }),
  })
  .meta({ id: "Import", description: "An import." });
export type ImportView = Readonly<z.infer<typeof importViewSchema>>;

export const importPageSchema = z
  .strictObject({ imports: z.array(importViewSchema), continuationToken: z.string().optional() })
  .meta({ id: "ImportPage", description: "Newest first. A filtered page may be short or empty although more follow." });
export type ImportPage = Readonly<z.infer<typeof importPageSchema>>;

/**
 * What the API says of an import. `progress` is the one of this moment; without it, and once the import has ended, the
 * record's own stands. `baseUrl` is scheme and host of this service, without a trailing slash.
 */
export function formatImport(record: ImportRecord, progress: Progress | undefined, baseUrl: string): ImportView {
  const { spec } = record;
  const self = `${baseUrl}/api/imports/${record.id}`;
  return {
    id: record.id,
    state: record.state,
    trigger: record.trigger,
    labels: spec.labels,
    ...(record.isUnreadable ? formatReadable(record) : formatPlaces(record)),
    conflict: spec.conflict,
    ...definedOnly({ platforms: spec.platforms?.map(formatPlatform), referrers: spec.referrers }),
    sparseIndex: spec.sparseIndex,
    verify: spec.verify,
    foreignLayers: spec.foreignLayers,
    ...definedOnly({ strategy: record.delegation === undefined ? spec.strategy : ("delegate" as const) }),
    timeoutSeconds: spec.timeoutSeconds,
    ...definedOnly({ progress: hasEnded(record.state) ? finalProgress(record) : (progress ?? record.progress) }),
    attempt: record.attempt,
    createdAt: record.createdAt,
    ...definedOnly({
      startedAt: record.startedAt,
      finishedAt: record.finishedAt,
      error: record.error,
      waiting: record.waiting,
    }),
    timeline: [...timelineOf(record)],
    warnings: record.warnings,
    links: { self, parts: `${self}/parts`, cancel: `${self}/cancel`, retry: `${self}/retry` },
  };
}

function formatPlaces({ spec, source, targetDigest, hasCredentials }: ImportRecord) {
  const { resourceId } = spec.source;
  const pinnedDigest = spec.source.tag === undefined ? undefined : spec.source.digest;
  return {
    source: {
      registry: spec.source.registry,
      repository: spec.source.repository,
      reference: spec.source.tag ?? spec.source.digest ?? "latest",
      ...definedOnly({ digest: source?.digest ?? spec.source.digest, mediaType: source?.mediaType }),
      ...definedOnly({ pinnedDigest, resourceId, secret: spec.sourceSecret }),
      ...(hasCredentials && { hasOwnCredentials: true as const }),
    },
    target: {
      registry: spec.target.registry,
      tags: spec.target.tags.map(({ repository, tag }) => `${repository}:${tag}`),
      untaggedRepositories: spec.target.untaggedRepositories,
      ...definedOnly({ digest: targetDigest }),
    },
  };
}

/** Of what could not be read as a whole: where it was to go, if that much is known. */
function formatReadable(record: ImportRecord) {
  return isUnreadablePlace(record.spec.target) ? {} : { target: formatPlaces(record).target };
}

/** The counts at the end, with the average rate of the whole run and nothing left to wait for. */
function finalProgress({ progress, startedAt, finishedAt }: ImportRecord): Progress | undefined {
  if (progress === undefined || startedAt === undefined || finishedAt === undefined) return progress;
  const { etaSeconds: _, ...final } = withRate(progress, new Date(startedAt), new Date(finishedAt));
  return final;
}
