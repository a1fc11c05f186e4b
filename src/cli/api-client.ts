import { z } from "zod";
import type { ImportRequest } from "../domain/import-request-schema.ts";
import {
  type DryRun,
  dryRunSchema,
  type ImportPage,
  type ImportView,
  importPageSchema,
  importViewSchema,
  type PartView,
  type Problem,
  partPageSchema,
  problemSchema,
} from "./api-records.ts";
import { CliError } from "./cli-error.ts";
import { exitCodeOfRefusal, exitCodes } from "./exit-codes.ts";
import type { SourceCredentials } from "./import-request.ts";

export interface ApiClientDeps {
  readonly fetch: typeof fetch;
  /** Checked by `parseEndpoint`; no trailing slash. */
  readonly endpoint: string;
  /** Sent as `x-functions-key`, to the endpoint only. */
  readonly key: string | undefined;
}

/** One look at an import; `record` is undefined when it has not changed since `etag`. */
export interface ImportLook {
  readonly record: ImportView | undefined;
  readonly etag: string | undefined;
  readonly retryAfterSeconds: number | undefined;
}

export type ApiClient = ReturnType<typeof createApiClient>;

/**
 * The HTTP API as functions. Each sends one request and throws a {@link CliError}: with `isPassing` when no answer
 * came or it was 429 or 5xx, else with the service's message, code and hint.
 */
export function createApiClient(deps: ApiClientDeps) {
  const send = (call: Call, signal: AbortSignal) => sendCall(deps, call, signal);
  const importPath = (id: string) => `/api/imports/${encodeURIComponent(id)}`;
  return {
    /** Starts an import; waits up to `waitSeconds` for its end. */
    async postImport(post: PostImport, signal: AbortSignal): Promise<ImportLook> {
      const query = post.waitSeconds > 0 ? `?wait=${post.waitSeconds}` : "";
      const headers = { "idempotency-key": post.idempotencyKey };
      const answer = await send(
        {
          method: "POST",
          path: `/api/imports${query}`,
          body: post.request,
          headers,
          timeoutMs: answerMs + post.waitSeconds * 1000,
        },
        signal,
      );
      return toLook(answer);
    },

    /** What an import would do; nothing is written. */
    async planImport(request: ImportRequest, signal: AbortSignal): Promise<DryRun> {
      const body = { ...request, dryRun: true };
      return read(
        dryRunSchema,
        await send({ method: "POST", path: "/api/imports", body, timeoutMs: dryRunMs }, signal),
      );
    },

    async getImport(id: string, etag: string | undefined, signal: AbortSignal): Promise<ImportLook> {
      const headers: Record<string, string> = etag === undefined ? {} : { "if-none-match": etag };
      const answer = await send({ method: "GET", path: importPath(id), headers }, signal);
      return answer.status === 304 ? { ...toAdvice(answer), record: undefined, etag } : toLook(answer);
    },

    async listImports(query: URLSearchParams, signal: AbortSignal): Promise<ImportPage> {
      return read(importPageSchema, await send({ method: "GET", path: `/api/imports?${query}` }, signal));
    },

    /** All parts of an import, page by page. */
    async *listParts(id: string, signal: AbortSignal): AsyncGenerator<PartView> {
      let token: string | undefined;
      do {
        const query = new URLSearchParams({
          limit: "1000",
          ...(token === undefined ? {} : { continuationToken: token }),
        });
        const page = read(
          partPageSchema,
          await send({ method: "GET", path: `${importPath(id)}/parts?${query}` }, signal),
        );
        yield* page.parts;
        token = page.continuationToken ?? undefined;
      } while (token !== undefined);
    },

    async cancelImport(id: string, signal: AbortSignal): Promise<ImportView> {
      return read(importViewSchema, await send({ method: "POST", path: `${importPath(id)}/cancel` }, signal));
    },

    async retryImport(id: string, retry: RetryImport, signal: AbortSignal): Promise<ImportLook> {
      const { credentials } = retry;
      const body = credentials === undefined ? undefined : { source: { credentials } };
      const path = `${importPath(id)}/retry${retry.reference === "resolve-again" ? "?resolve=true" : ""}`;
      return toLook(await send({ method: "POST", path, body }, signal));
    },
  };
}

export interface PostImport {
  readonly request: ImportRequest;
  readonly waitSeconds: number;
  readonly idempotencyKey: string;
}

export interface RetryImport {
  readonly reference: "as-resolved" | "resolve-again";
  readonly credentials: SourceCredentials | undefined;
}

/** The base URL of the service without trailing slash; throws a usage error for anything but an http(s) URL. */
export function parseEndpoint(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.search !== "" || url.username !== "") {
    throw new CliError({
      exitCode: exitCodes.usage,
      message: "the endpoint must be the http or https URL of the service, without user, password and query",
      hint: "e.g. --endpoint http://127.0.0.1:7071, or --endpoint https://myapp.azurewebsites.net",
    });
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
}

const answerMs = 30_000;
const dryRunMs = 230_000; // the service gives up after 200 s
const maxProblemChars = 64 * 1024;

interface Call {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly timeoutMs?: number;
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

async function sendCall(deps: ApiClientDeps, call: Call, signal: AbortSignal): Promise<Answer> {
  const headers = new Headers({ accept: "application/json", ...call.headers });
  if (deps.key !== undefined) headers.set("x-functions-key", deps.key);
  const init: RequestInit = { method: call.method, headers, redirect: "manual" }; // the key must not follow a redirect
  if (call.body !== undefined) {
    headers.set("content-type", "application/json");
    init.body = JSON.stringify(call.body);
  }
  const timeout = AbortSignal.timeout(call.timeoutMs ?? answerMs);
  const answer = await ask(deps, call, { ...init, signal: AbortSignal.any([signal, timeout]) }, signal);
  if (answer.status >= 200 && (answer.status < 300 || answer.status === 304)) return answer;
  throw refusal(deps.endpoint, answer);
}

async function ask(deps: ApiClientDeps, call: Call, init: RequestInit, signal: AbortSignal): Promise<Answer> {
  try {
    const response = await deps.fetch(`${deps.endpoint}${call.path}`, init);
    return { status: response.status, headers: response.headers, text: await response.text() };
  } catch (thrown) {
    signal.throwIfAborted(); // interrupted or waited long enough: not the service's fault
    const code = networkCode(thrown);
    throw new CliError({
      exitCode: exitCodes.serviceUnavailable,
      isPassing: true,
      code,
      message: `no answer from ${deps.endpoint} (${code})`,
      hint: "is the service running? --endpoint or DRAYAGE_ENDPOINT says where",
      cause: thrown,
    });
  }
}

const errorWithCodeSchema = z.looseObject({ code: z.string() });

/** fetch says "fetch failed" and keeps the reason in `cause`. */
function networkCode(thrown: unknown): string {
  if (!(thrown instanceof Error)) return "unknown";
  const coded = errorWithCodeSchema.safeParse(thrown.cause);
  if (coded.success) return coded.data.code;
  if (thrown.cause instanceof Error) return thrown.cause.message;
  return thrown.name === "TimeoutError" ? "timeout" : thrown.message;
}

function refusal(endpoint: string, answer: Answer): CliError {
  const problem = parseProblem(answer.text);
  const { status } = answer;
  const said = problem?.detail ?? problem?.message ?? problem?.title;
  const property = problem?.property;
  const inside =
    said !== undefined && property !== undefined && !said.includes(property) ? `${property}: ${said}` : said;
  return new CliError({
    exitCode: exitCodeOfRefusal(status, problem?.code),
    httpStatus: status,
    isPassing: status === 429 || status >= 500,
    code: problem?.code,
    message: inside ?? `${endpoint} answered ${status}`,
    hint: problem?.hint ?? hintFor(status, problem),
    correlationId: problem?.correlationId,
  });
}

function hintFor(status: number, problem: Problem | undefined): string | undefined {
  if (status === 401 || status === 403) return "--key or DRAYAGE_KEY gives the function key of the service";
  if (status >= 300 && status < 400) return "the service redirects; give its final address as --endpoint";
  if (status === 404 && problem?.code === undefined) return "is this the address of a Drayage service?";
  return undefined;
}

function parseProblem(text: string): Problem | undefined {
  if (text.length > maxProblemChars) return undefined;
  const parsed = problemSchema.safeParse(parseJson(text));
  return parsed.success ? parsed.data : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the schema that reads the value says what it wanted
  }
}

function read<S extends z.ZodType>(schema: S, answer: Answer): z.infer<S> {
  const parsed = schema.safeParse(parseJson(answer.text));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new CliError({
    exitCode: exitCodes.serviceUnavailable,
    httpStatus: answer.status,
    message: `the service's answer cannot be read (${issue?.path.join(".") || "body"}: ${issue?.message ?? "no JSON"})`,
    hint: "is this the address of a Drayage service, and of a version that fits this client?",
    cause: parsed.error,
  });
}

function toLook(answer: Answer): ImportLook {
  return { ...toAdvice(answer), record: read(importViewSchema, answer), etag: answer.headers.get("etag") ?? undefined };
}

function toAdvice(answer: Answer): Pick<ImportLook, "retryAfterSeconds"> {
  const seconds = Number(answer.headers.get("retry-after") ?? Number.NaN);
  return { retryAfterSeconds: Number.isFinite(seconds) && seconds >= 0 ? seconds : undefined };
}
