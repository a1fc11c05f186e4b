import { z } from "zod";
import { type ImportId, importIdSchema } from "../../domain/import-id.ts";
import { hasEnded, type ImportRecord, importStateSchema, triggerSchema } from "../../domain/import-record.ts";
import { parseRegistry, type RegistryNames } from "../../domain/import-target.ts";
import { formatImport } from "../../domain/import-view.ts";
import { errorCodes, ImportError } from "../../errors.ts";
import type { Imports } from "../../store/imports.ts";
import type { Open } from "../../store/open.ts";
import type { PromotionItems } from "../../store/promotion-items.ts";
import { mapConcurrently } from "../../transfer/map-concurrently.ts";
import { baseUrlOf } from "../base-url.ts";
import type { ViewImport } from "../import-answer.ts";
import { answerTagged } from "../tagged-answer.ts";
import type { HttpHandler } from "./http-answer.ts";
import { readQuery } from "./read-query.ts";

export interface ListImportsDeps {
  readonly imports: Pick<Imports, "list" | "readMany">;
  readonly open: Pick<Open, "list">;
  readonly items: Pick<PromotionItems, "list">;
  readonly view: ViewImport;
  readonly names: RegistryNames;
}

const registrySchema = z.string().min(1).max(300);

export const listQuerySchema = z.strictObject({
  state: importStateSchema.optional(),
  target: registrySchema.optional().describe("Host, alias or bare name of the target registry, as in requests."),
  source: registrySchema.optional().describe("The same of the source registry."),
  repository: z.string().min(1).max(300).optional().describe("Repository at the source, or one at the target."),
  trigger: triggerSchema.shape.kind.optional(),
  error: z.enum(errorCodes).optional().describe("Code of the error that it ended with."),
  promotion: importIdSchema.optional().describe("Id of a promotion: the imports of its items, in their order."),
  label: z.string().min(1).max(320).optional().describe("KEY or KEY=VALUE of a label."),
  since: z.iso.datetime({ offset: true }).optional().describe("Created at or after."),
  until: z.iso.datetime({ offset: true }).optional().describe("Created before."),
  endedSince: z.iso.datetime({ offset: true }).optional().describe("Ended at or after."),
  progress: z
    .enum(["stored", "now"])
    .default("stored")
    .describe("now: imports that copy come with their progress of this moment, which takes a query for each."),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  continuationToken: z.string().max(4_000).optional().describe("From the page before."),
});
type ListQuery = z.infer<typeof listQuerySchema>;

/** `GET /api/imports`. Unfinished states are few and are read from `Open`; everything else from the newest on. */
export function createListImports(deps: ListImportsDeps): HttpHandler {
  return async (request) => {
    const query = withHosts(readQuery(request, listQuerySchema), deps.names);
    const page = await list(deps, query);
    const imports =
      query.progress === "now"
        ? await mapConcurrently(page.records, sumsAtOnce, (record) => deps.view(record, request))
        : page.records.map((record) => formatImport(record, undefined, baseUrlOf(request)));
    return answerTagged({ imports, continuationToken: page.continuationToken }, request);
  };
}

const sumsAtOnce = 8;

/** Records hold registries by host. Throws INVALID_REFERENCE. */
function withHosts(query: ListQuery, names: RegistryNames): ListQuery {
  const { source, target } = query;
  return {
    ...query,
    ...(source !== undefined && { source: parseRegistry(source, "source", names) }),
    ...(target !== undefined && { target: parseRegistry(target, "target", names) }),
  };
}

interface Page {
  readonly records: readonly ImportRecord[];
  readonly continuationToken: string | undefined;
}

async function list(deps: ListImportsDeps, query: ListQuery): Promise<Page> {
  if (query.promotion !== undefined) return await listOfPromotion(deps, query, query.promotion);
  const isOpen = query.state !== undefined && !hasEnded(query.state);
  return isOpen ? await listOpen(deps, query) : await listAll(deps, query);
}

/** In the order of the promotion's items; those that were not begun yet have no import. */
async function listOfPromotion(
  { imports, items }: ListImportsDeps,
  query: ListQuery,
  promotion: ImportId,
): Promise<Page> {
  const { limit, continuationToken: token } = query;
  const page = await items.list(promotion, { limit, ...(token !== undefined && { continuationToken: token }) });
  const records = await imports.readMany(page.items.map(({ importId }) => importId));
  return { records: records.filter((record) => matches(record, query)), continuationToken: page.continuationToken };
}

async function listAll({ imports }: ListImportsDeps, query: ListQuery): Promise<Page> {
  const { since, until, endedSince, state, source, target, trigger, error, limit, continuationToken } = query;
  const page = await imports.list({
    limit,
    ...(since === undefined ? {} : { since: new Date(since) }),
    ...(until === undefined ? {} : { until: new Date(until) }),
    ...(endedSince === undefined ? {} : { endedSince: new Date(endedSince) }),
    ...(state && { state }),
    ...(source && { source }),
    ...(target && { target }),
    ...(trigger && { trigger }),
    ...(error && { error }),
    ...(continuationToken && { continuationToken }),
  });
  const isOf = (record: ImportRecord) => hasLabel(record, query.label) && hasRepository(record, query.repository);
  return { ...page, records: page.records.filter(isOf) }; // no column has them
}

/** Pages by id: the token is the last id of the page before. */
async function listOpen({ imports, open }: ListImportsDeps, query: ListQuery): Promise<Page> {
  const { continuationToken, limit } = query;
  const after = continuationToken === undefined ? "" : readOpenToken(continuationToken);
  const ids = (await open.list()).map(({ id }) => id).filter((id) => id > after);
  const asked = ids.sort().slice(0, limit * 4); // some of them are in other states or of other registries
  const records = (await imports.readMany(asked)).filter((record) => matches(record, query));
  const found = records.toSorted((one, other) => (one.id < other.id ? -1 : 1)).slice(0, limit);
  const isCut = found.length < records.length;
  const last = isCut ? found.at(-1)?.id : asked.length < ids.length ? asked.at(-1) : undefined;
  return { records: found, continuationToken: last };
}

function readOpenToken(token: string): ImportId {
  const parsed = importIdSchema.safeParse(token);
  if (parsed.success) return parsed.data;
  throw new ImportError({
    code: "INVALID_REQUEST",
    stage: "accept",
    what: "continuationToken is not one of this list",
    property: "continuationToken",
  });
}

function matches(record: ImportRecord, query: ListQuery): boolean {
  const createdMs = Date.parse(record.createdAt);
  return (
    (query.state === undefined || record.state === query.state) &&
    (query.source === undefined || record.spec.source.registry === query.source) &&
    (query.target === undefined || record.spec.target.registry === query.target) &&
    (query.trigger === undefined || record.trigger.kind === query.trigger) &&
    (query.error === undefined || (hasEnded(record.state) && record.error?.code === query.error)) &&
    hasLabel(record, query.label) &&
    hasRepository(record, query.repository) &&
    (query.endedSince === undefined || endedAtOrAfter(record, query.endedSince)) &&
    (query.since === undefined || createdMs >= Date.parse(query.since)) &&
    (query.until === undefined || createdMs < Date.parse(query.until))
  );
}

/** `key` or `key=value`; keys may have a `=` themselves. */
function hasLabel({ spec: { labels } }: ImportRecord, wanted: string | undefined): boolean {
  if (wanted === undefined || Object.hasOwn(labels, wanted)) return true;
  return Object.entries(labels).some(([key, value]) => `${key}=${value}` === wanted);
}

/** Docker Hub's official images are found without `library/` too, as they are asked for. */
function hasRepository({ spec: { source, target } }: ImportRecord, wanted: string | undefined): boolean {
  if (wanted === undefined || source.repository === wanted) return true;
  if (source.registry === "docker.io" && source.repository === `library/${wanted}`) return true;
  return target.untaggedRepositories.includes(wanted) || target.tags.some(({ repository }) => repository === wanted);
}

function endedAtOrAfter({ state, finishedAt }: ImportRecord, time: string): boolean {
  return hasEnded(state) && finishedAt !== undefined && Date.parse(finishedAt) >= Date.parse(time);
}
