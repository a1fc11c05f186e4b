import type { z } from "zod";

/** One operation of the HTTP API: what registers it and what documents it. */
export interface ApiRoute {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** Without leading slash, as the Functions host wants it. */
  readonly route: string;
  readonly authLevel: "function" | "anonymous";
  readonly summary: string;
  readonly query?: z.ZodType;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: { readonly schema: z.ZodType; readonly isRequired: boolean };
  /** Statuses of success with their bodies. */
  readonly answers: Readonly<Record<number, { readonly description: string; readonly schema?: z.ZodType }>>;
  /** Statuses that come as problem+json, or with a body of `errors`. */
  readonly problems: readonly number[];
  readonly errors?: z.ZodType;
  /** `caller`: anonymous for the host, and the function itself checks who calls. */
  readonly security?: "caller";
}

/** What a route says of itself whose answers have an ETag (tagged-answer.ts). */
export const ifNoneMatch = { "If-None-Match": "ETag of an earlier answer." } as const;
export const notModified = { description: "As it was" } as const;
