import { poisonEntrySchema, poisonPageSchema, poisonQuerySchema, requeuedSchema } from "./triggers/poison.ts";

/** Routes of given-up queue messages, by the name of their function. */
export const poisonRoutes = {
  listPoison: {
    method: "GET",
    route: "api/poison",
    authLevel: "function",
    summary: "List queue messages that were given up",
    query: poisonQuerySchema,
    answers: { 200: { description: "A page", schema: poisonPageSchema } },
    problems: [400, 503],
  },
  getPoison: {
    method: "GET",
    route: "api/poison/{id}",
    authLevel: "function",
    summary: "Look at a message that was given up",
    answers: { 200: { description: "The message", schema: poisonEntrySchema } },
    problems: [404, 503],
  },
  requeuePoison: {
    method: "POST",
    route: "api/poison/{id}/requeue",
    authLevel: "function",
    summary: "Send a message that was given up once more, as the same import",
    answers: { 202: { description: "It is in the queue", schema: requeuedSchema } },
    problems: [400, 404, 409, 503],
  },
  deletePoison: {
    method: "DELETE",
    route: "api/poison/{id}",
    authLevel: "function",
    summary: "Forget a message that was given up",
    answers: { 204: { description: "Forgotten" } },
    problems: [404, 503],
  },
} as const;
