import { promotionViewSchema } from "../domain/promotion-record.ts";
import { scheduleViewSchema } from "../domain/schedule-record.ts";
import { ifNoneMatch, notModified } from "./api-route.ts";
import { putScheduleBodySchema, scheduleListSchema } from "./triggers/schedules.ts";

const condition = {
  "If-Match": "ETag of an earlier answer: 412 when the schedule was defined otherwise since; runs are no change of it.",
} as const;

/** Routes of schedules, by the name of their function. */
export const scheduleRoutes = {
  listSchedules: {
    method: "GET",
    route: "api/schedules",
    authLevel: "function",
    summary: "List the schedules, with their next and last runs",
    headers: ifNoneMatch,
    answers: { 200: { description: "All of them, by name", schema: scheduleListSchema }, 304: notModified },
    problems: [503],
  },
  getSchedule: {
    method: "GET",
    route: "api/schedules/{name}",
    authLevel: "function",
    summary: "Look at a schedule",
    headers: ifNoneMatch,
    answers: {
      200: { description: "The schedule, with its next and last runs", schema: scheduleViewSchema },
      304: notModified,
    },
    problems: [404, 503],
  },
  putSchedule: {
    method: "PUT",
    route: "api/schedules/{name}",
    authLevel: "function",
    summary: "Make or replace a schedule",
    headers: { ...condition, "If-None-Match": "*: 412 when there is a schedule of this name." },
    body: { schema: putScheduleBodySchema, isRequired: true },
    answers: {
      200: { description: "Replaced", schema: scheduleViewSchema },
      201: { description: "Made", schema: scheduleViewSchema },
    },
    problems: [400, 403, 412, 503],
  },
  deleteSchedule: {
    method: "DELETE",
    route: "api/schedules/{name}",
    authLevel: "function",
    summary: "Forget a schedule and what it has imported; a promotion of it that runs goes on",
    headers: condition,
    answers: { 204: { description: "Forgotten" } },
    problems: [404, 412, 503],
  },
  runSchedule: {
    method: "POST",
    route: "api/schedules/{name}/run",
    authLevel: "function",
    summary: "Run a schedule now, enabled or not",
    answers: { 202: { description: "Its promotion has begun; Location names it", schema: promotionViewSchema } },
    problems: [400, 403, 404, 409, 503],
  },
} as const;
