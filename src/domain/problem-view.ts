import { z } from "zod";
import { importErrorWireSchema } from "../errors.ts";

/** The body of every answer that is `application/problem+json`. */
export const problemSchema = z
  .strictObject({
    type: z.string().describe("urn:drayage:error:CODE"),
    title: z.string(),
    status: z.int(),
    detail: z.string().describe("Side and host, what happened, and what to do about it."),
    ...importErrorWireSchema.omit({ message: true }).shape,
  })
  .meta({ id: "Problem", description: "RFC 9457 problem details with Drayage's error code." });
export type ProblemView = Readonly<z.infer<typeof problemSchema>>;
