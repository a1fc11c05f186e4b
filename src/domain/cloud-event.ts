import { z } from "zod";
import { definedOnly, importErrorWireSchema } from "../errors.ts";
import { importEventTypes, promotionEventType } from "./event-types.ts";
import { hasEnded, type ImportRecord, type ImportState } from "./import-record.ts";
import { formatImport, importViewSchema } from "./import-view.ts";
import { itemCountsSchema, type PromotionRecord, promotionRecordSchema } from "./promotion-record.ts";
import { formatQueueText, maxQueueTextBytes, queueTextBytes } from "./queue-text.ts";

/** Attributes of CloudEvents 1.0, structured JSON. */
const envelope = {
  specversion: z.literal("1.0"),
  id: z.string().describe("Of the import or promotion and its attempt: a repeat of the event has the same."),
  source: z.string().describe("Setting EVENT_SOURCE."),
  subject: z.string().describe("registry/repository:tag of the first target; promotions/{id}."),
  time: z.iso.datetime().describe("When it ended."),
  datacontenttype: z.literal("application/json"),
};

const omittedSchema = z
  .array(z.string())
  .optional()
  .describe("Members that are empty or cut because the event was too large; the API has them in full.");

/** What `GET /api/imports/{id}` answers, without links: an event does not know the service's address. */
const importEventDataSchema = importViewSchema.omit({ links: true }).extend({ omitted: omittedSchema });
export const importEventSchema = z
  .strictObject({ ...envelope, type: z.enum(importEventTypes), data: importEventDataSchema })
  .meta({ id: "ImportEvent", description: "An import has ended." });
export type ImportEvent = Readonly<z.infer<typeof importEventSchema>>;

const { id, state, trigger, attempt, createdAt, startedAt, finishedAt, warnings } = promotionRecordSchema.shape;
const promotionEventDataSchema = z.strictObject({
  ...{ id, state, trigger, attempt, createdAt, startedAt, finishedAt, warnings },
  error: importErrorWireSchema.optional(),
  counts: itemCountsSchema,
});
export const promotionEventSchema = z
  .strictObject({ ...envelope, type: z.literal(promotionEventType), data: promotionEventDataSchema })
  .meta({ id: "PromotionEvent", description: "A promotion has ended; data.state says how." });
export type PromotionEvent = Readonly<z.infer<typeof promotionEventSchema>>;

export type CloudEvent = ImportEvent | PromotionEvent;
export type ItemCounts = Readonly<z.infer<typeof itemCountsSchema>>;

/** Room for what a message says about the delivery of an event. */
const maxEventBytes = maxQueueTextBytes - 2 * 1024;

/** The event of an import's end, cut to fit a queue message; undefined while the import has not ended. */
export function importEvent(record: ImportRecord, source: string): ImportEvent | undefined {
  const type = typeOf(record.state);
  if (type === undefined) return undefined;
  const { links: _, ...data } = formatImport(record, undefined, "");
  return cutToSize({
    specversion: "1.0",
    id: `${record.id}-${record.attempt}`,
    source,
    type,
    subject: subjectOf(record),
    time: record.finishedAt ?? record.createdAt,
    datacontenttype: "application/json",
    data,
  });
}

/** The event of a promotion's end. Its request is left out: a plan may be long, and the API has it. */
export function promotionEvent(record: PromotionRecord, counts: ItemCounts, source: string): PromotionEvent {
  const { id, state, trigger, attempt, createdAt, startedAt, finishedAt, error, warnings } = record;
  return {
    specversion: "1.0",
    id: `${id}-${attempt}`,
    source,
    type: promotionEventType,
    subject: `promotions/${id}`,
    time: finishedAt ?? createdAt,
    datacontenttype: "application/json",
    data: {
      ...{ id, state, trigger, attempt, createdAt },
      ...definedOnly({ startedAt, finishedAt, error }),
      ...{ warnings, counts },
    },
  };
}

function typeOf(state: ImportState): ImportEvent["type"] | undefined {
  if (!hasEnded(state)) return undefined;
  return importEventTypes.find((type) => type === `drayage.import.${state.toLowerCase()}`);
}

function subjectOf({ id, isUnreadable, spec: { target } }: ImportRecord): string {
  if (isUnreadable) return `imports/${id}`;
  const [tag] = target.tags;
  const named = tag === undefined ? target.untaggedRepositories[0] : `${tag.repository}:${tag.tag}`;
  return `${target.registry}/${named ?? ""}`;
}

type Data = ImportEvent["data"];
const keptTargets = 40;

/** What may go, the least useful first. Only tags and repositories are cut rather than emptied. */
const cuts: readonly (readonly [string, (data: Data) => Data])[] = [
  ["error.upstream", ({ error, ...data }) => ({ ...data, ...(error && { error: { ...error, upstream: [] } }) })],
  ["warnings", (data) => ({ ...data, warnings: [] })],
  ["labels", (data) => ({ ...data, labels: {} })],
  [
    "target",
    ({ target, ...data }) => ({
      ...data,
      ...(target && {
        target: {
          ...target,
          tags: target.tags.slice(0, keptTargets),
          untaggedRepositories: target.untaggedRepositories.slice(0, keptTargets),
        },
      }),
    }),
  ],
];

function cutToSize(event: ImportEvent): ImportEvent {
  let fitted = event;
  for (const [member, cut] of cuts) {
    if (queueTextBytes(formatQueueText(fitted)) <= maxEventBytes) return fitted;
    const { omitted = [] } = fitted.data;
    fitted = { ...fitted, data: { ...cut(fitted.data), omitted: [...omitted, member] } };
  }
  return fitted;
}
