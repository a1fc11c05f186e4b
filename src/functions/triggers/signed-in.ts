import type { HttpRequest, HttpResponseInit, InvocationContext } from "@azure/functions";
import { signInHeader } from "../../domain/sign-in-header.ts";
import { ImportError } from "../../errors.ts";
import type { Log } from "../log.ts";

type Handle = (request: HttpRequest, context: InvocationContext) => Promise<HttpResponseInit>;

/**
 * Lets `handle` answer those alone whom the platform's sign-in (App Service authentication) has let in. Its headers tell
 * of that only where it is on: it takes them from nobody else. Throws UNAUTHORIZED or CALLER_FORBIDDEN.
 */
export function signedIn(log: Log, handle: Handle): Handle {
  return async (request, context) => {
    const refusal = refusalOf(request);
    if (refusal === undefined) {
      const answer = await handle(request, context);
      return { ...answer, headers: { ...headersOf(answer), [signInHeader]: "platform" } };
    }
    log("caller-refused", { function: context.functionName, code: refusal.code, reason: refusal.message });
    throw refusal;
  };
}

function headersOf({ headers = {} }: HttpResponseInit): Readonly<Record<string, string>> {
  return Object.fromEntries(new Headers(headers));
}

function refusalOf({ method, headers }: HttpRequest): ImportError | undefined {
  if (!principalHeaders.some((name) => headers.get(name)?.trim())) {
    return new ImportError({
      code: "UNAUTHORIZED",
      stage: "accept",
      what: "the platform has signed nobody in for this request",
      hint: "load the dashboard, which leads to the sign-in, or send Authorization: Bearer with a token for the app; a function key does not count here",
    });
  }
  if (method === "GET" || !foreignSites.has(headers.get("sec-fetch-site") ?? "")) return undefined;
  return new ImportError({
    code: "CALLER_FORBIDDEN",
    stage: "accept",
    what: "the request comes from a page of another site, by the session of whoever looks at it",
    hint: "change things on the dashboard, or by a client that is no browser",
  });
}

/** Source: App Service, "Work with user identities". */
const principalHeaders = ["x-ms-client-principal-id", "x-ms-client-principal"] as const;

/**
 * What browsers say (W3C, Fetch Metadata Request Headers) of a request that a page elsewhere makes. The platform itself
 * looks at POST alone, and by the headers Origin and Referer. Clients that are no browsers say nothing.
 */
const foreignSites: ReadonlySet<string> = new Set(["cross-site", "same-site"]);
