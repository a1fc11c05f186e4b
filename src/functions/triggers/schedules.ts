import type { HttpRequest, HttpResponseInit } from "@azure/functions";
import { z } from "zod";
import type { PromotionRecord, PromotionView } from "../../domain/promotion-record.ts";
import { ruleNameSchema } from "../../domain/rule-schema.ts";
import {
  formatSchedule,
  newSchedule,
  redefined,
  type ScheduleRecord,
  type ScheduleView,
  scheduleViewSchema,
} from "../../domain/schedule-record.ts";
import { type Schedule, scheduleBodySchema } from "../../domain/schedule-schema.ts";
import { ImportError } from "../../errors.ts";
import type { ScheduleTags } from "../../store/schedule-tags.ts";
import type { FoundSchedule, Schedules } from "../../store/schedules.ts";
import { baseUrlOf } from "../base-url.ts";
import { formatScheduleEtag, isDefinedAs } from "../schedules/schedule-etag.ts";
import type { StartRun, StartRunDeps } from "../schedules/start-run.ts";
import { answerTagged, isKnown, validators } from "../tagged-answer.ts";
import { type DurableHttpHandler, type HttpHandler, json } from "./http-answer.ts";
import { readJsonBody } from "./read-body.ts";
import { type Condition, readCondition } from "./read-condition.ts";
import { readShape } from "./read-shape.ts";

export interface ScheduleHandlersDeps {
  readonly schedules: Schedules;
  readonly scheduleTags: Pick<ScheduleTags, "deleteAll">;
  readonly startRun: StartRun;
  readonly promotionState: StartRunDeps["promotionState"];
  readonly viewPromotion: (record: PromotionRecord, request: HttpRequest) => Promise<PromotionView>;
  /** Throws what is wrong with the schedule beyond its shape: HOST_NOT_ALLOWED, NOT_SUPPORTED, INVALID_REQUEST. */
  readonly assertSchedulable: (schedule: Schedule) => void;
  readonly now: () => Date;
}

/** Body of `PUT /api/schedules/{name}`; what GET answers may be sent back but for what the service has added. */
export const putScheduleBodySchema = scheduleBodySchema.extend({
  name: ruleNameSchema.optional().describe("As in the route."),
});

export const scheduleListSchema = z
  .strictObject({ schedules: z.array(scheduleViewSchema) })
  .meta({ id: "ScheduleList" });

/** The routes below `/api/schedules`. */
export function createScheduleHandlers(deps: ScheduleHandlersDeps) {
  const { schedules, scheduleTags, startRun, promotionState, viewPromotion, assertSchedulable, now } = deps;

  const view = async (record: ScheduleRecord, request: HttpRequest): Promise<ScheduleView> => {
    const lastState = record.lastRun && (await promotionState(record.lastRun.promotionId));
    return formatSchedule(record, { lastState, baseUrl: baseUrlOf(request), now: now() });
  };
  const readRecord = async (request: HttpRequest): Promise<ScheduleRecord> => {
    const name = readName(request);
    const record = await schedules.read(name);
    if (record === undefined) throw notFound(name);
    return record;
  };

  const listSchedules: HttpHandler = async (request) => {
    const all = await schedules.list();
    return answerTagged({ schedules: await Promise.all(all.map((record) => view(record, request))) }, request);
  };

  const tagged = async (record: ScheduleRecord, request: HttpRequest) => {
    const body = await view(record, request);
    return { body, headers: { ...validators(body), etag: formatScheduleEtag(record, body) } };
  };

  const getSchedule: HttpHandler = async (request) => {
    const { body, headers } = await tagged(await readRecord(request), request);
    return isKnown(request, headers.etag) ? { status: 304, headers } : json(200, body, headers);
  };

  const putSchedule: HttpHandler = async (request) => {
    const schedule = readSchedule(ruleNameOf(request), await readJsonBody(request));
    assertSchedulable(schedule);
    const condition = readCondition(request);
    const { record, before } = await schedules.put(schedule.name, (there) => {
      assertHolds(condition, there, schedule.name);
      return isReadable(there) ? redefined(there, schedule, now()) : newSchedule(schedule, now());
    });
    // Rows of tags carry what makes an import what it is: those of the former definition would be in nobody's way but stay.
    if (isReadable(before) && effectOf(before.schedule) !== effectOf(schedule))
      await scheduleTags.deleteAll(schedule.name);
    const { body, headers } = await tagged(record, request);
    return json(before === undefined ? 201 : 200, body, headers);
  };

  const deleteSchedule: HttpHandler = async (request): Promise<HttpResponseInit> => {
    const name = readName(request);
    const condition = readCondition(request);
    const found = await schedules.find(name);
    if (found === undefined) throw notFound(name);
    assertHolds(condition, found, name);
    await scheduleTags.deleteAll(name);
    await schedules.delete(name, (there) => assertHolds(condition, there, name));
    await scheduleTags.deleteAll(name); // of imports that ended meanwhile; from here on, none writes another one
    return { status: 204 };
  };

  const runSchedule: DurableHttpHandler = async (request, durable) => {
    const record = await readRecord(request);
    const { name } = record.schedule;
    if ((await startRun.settle(record, durable)) === "running") throw isRunning(name, record.lastRun?.promotionId);
    const begun = await startRun.begin(record, { at: now(), by: "request" }, durable);
    if (begun === "busy") throw isRunning(name, undefined);
    return json(202, await viewPromotion(begun, request), { location: `/api/promotions/${begun.id}` });
  };

  return { handlers: { listSchedules, getSchedule, putSchedule, deleteSchedule }, durableHandlers: { runSchedule } };
}

function readSchedule(name: string, body: unknown): Schedule {
  const { name: named = name, ...rest } = readShape(putScheduleBodySchema, body, "the body");
  if (named === name) return { ...rest, name };
  throw new ImportError({
    code: "INVALID_REQUEST",
    stage: "accept",
    property: "name",
    what: `name: the body says ${named}, and the route ${name}`,
    hint: "leave it out of the body",
  });
}

/** A name that cannot be is an error of the request where something is to be made of it. */
function ruleNameOf(request: HttpRequest): string {
  return readShape(z.object({ name: ruleNameSchema }), { name: request.params.name }, "the route").name;
}

function readName(request: HttpRequest): string {
  const name = request.params.name ?? "";
  if (!ruleNameSchema.safeParse(name).success) throw notFound(name.slice(0, 63));
  return name;
}

function isReadable(there: FoundSchedule): there is ScheduleRecord {
  return there !== undefined && there !== "unreadable";
}

/** Throws PRECONDITION_FAILED. */
function assertHolds(condition: Condition, there: FoundSchedule, name: string): void {
  if (condition === "none" || (condition === "missing" && there === undefined)) return;
  if (condition !== "missing" && isReadable(there) && isDefinedAs(condition.etag, there)) return;
  throw new ImportError({
    code: "PRECONDITION_FAILED",
    what: `schedule ${name} is not as the request supposes`,
    hint: "read it again: another writer was here",
  });
}

/** What decides about the content and names of what is imported. */
function effectOf({ source, target, platforms, sparseIndex, foreignLayers, referrers }: Schedule): string {
  return JSON.stringify([source.registry, target, platforms, sparseIndex, foreignLayers, referrers]);
}

function notFound(name: string): ImportError {
  return new ImportError({ code: "SCHEDULE_NOT_FOUND", what: `there is no schedule ${name}` });
}

function isRunning(name: string, promotionId: string | undefined): ImportError {
  const of = promotionId === undefined ? "another run of it has just begun" : `promotion ${promotionId} has not ended`;
  return new ImportError({
    code: "SCHEDULE_RUNNING",
    what: `schedule ${name} is running: ${of}`,
    hint: "wait for its end, or cancel that promotion",
  });
}
