import { z } from "zod";
import { parseJson } from "../json.ts";
import { type Problem, problemSchema } from "./api-records.ts";
import { CliError } from "./cli-error.ts";
import { exitCodeOfRefusal, exitCodes } from "./exit-codes.ts";

export interface ApiConnection {
  readonly fetch: typeof fetch;
  /** Checked by {@link parseEndpoint}; no trailing slash. */
  readonly endpoint: string;
  /** Sent as `x-functions-key`, to the endpoint only. */
  readonly key: string | undefined;
  /** Sent as `Authorization: Bearer`, to the endpoint only: for a service behind the platform's sign-in. */
  readonly token: string | undefined;
}

/** One request to the service. */
export interface Call {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Default: {@link answerMs}. */
  readonly timeoutMs?: number;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** One look at something that is followed; `record` is undefined when it has not changed since `etag`. */
export interface Look<R> {
  readonly record: R | undefined;
  readonly etag: string | undefined;
  readonly retryAfterSeconds: number | undefined;
}

export type SendCall = (call: Call, signal: AbortSignal) => Promise<Answer>;

/** How long an answer is waited for. */
export const answerMs = 30_000;
/** How long the answer to a dry run is waited for: the service gives up after 200 s. */
export const dryRunMs = 230_000;

/**
 * Sends one request and returns the answer if it is a success. Throws a {@link CliError}: with `isPassing` when no answer
 * came or it was 429 or 5xx, else with the service's message, code and hint.
 */
export function createSendCall(connection: ApiConnection): SendCall {
  return (call, signal) => sendCall(connection, call, signal);
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

/** The answer by its schema; an answer that does not fit is not a Drayage service's. */
export function readAnswer<S extends z.ZodType>(schema: S, answer: Answer): z.infer<S> {
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

/** The answer as a look at a record. */
export function readLook<S extends z.ZodType>(schema: S, answer: Answer): Look<z.infer<S>> {
  const record = readAnswer(schema, answer);
  return { ...readAdvice(answer), record, etag: answer.headers.get("etag") ?? undefined };
}

/** Gets something that is followed, again only if it has changed since `etag`. */
export async function getLook<S extends z.ZodType>(
  send: SendCall,
  schema: S,
  { path, etag }: { readonly path: string; readonly etag: string | undefined },
  signal: AbortSignal,
): Promise<Look<z.infer<S>>> {
  const headers: Record<string, string> = etag === undefined ? {} : { "if-none-match": etag };
  const answer = await send({ method: "GET", path, headers }, signal);
  return answer.status === 304 ? { ...readAdvice(answer), record: undefined, etag } : readLook(schema, answer);
}

const maxProblemChars = 64 * 1024;

async function sendCall(deps: ApiConnection, call: Call, signal: AbortSignal): Promise<Answer> {
  const headers = new Headers({ accept: "application/json", ...call.headers });
  if (deps.key !== undefined) headers.set("x-functions-key", deps.key);
  if (deps.token !== undefined) headers.set("authorization", `Bearer ${deps.token}`);
  const init: RequestInit = { method: call.method, headers, redirect: "manual" }; // key and token must not follow a redirect
  if (call.body !== undefined) {
    headers.set("content-type", "application/json");
    init.body = JSON.stringify(call.body);
  }
  const timeout = AbortSignal.timeout(call.timeoutMs ?? answerMs);
  const answer = await ask(deps, call, { ...init, signal: AbortSignal.any([signal, timeout]) }, signal);
  if (answer.status >= 200 && (answer.status < 300 || answer.status === 304)) return answer;
  throw refusal(deps.endpoint, answer);
}

async function ask(deps: ApiConnection, call: Call, init: RequestInit, signal: AbortSignal): Promise<Answer> {
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
    hint: problem?.hint ?? hintFor(answer, problem),
    correlationId: problem?.correlationId,
  });
}

function hintFor({ status, headers }: Answer, problem: Problem | undefined): string | undefined {
  if (status >= 300 && status < 400) {
    if (leadsToSignIn(headers.get("location") ?? "")) return tokenHint;
    return "the service redirects; give its final address as --endpoint";
  }
  // The platform says how one signs in; the host does not say so of its keys.
  if (status === 401 && headers.has("www-authenticate")) return tokenHint;
  if (status === 401 || status === 403) return "--key or DRAYAGE_KEY gives the function key of the service";
  if (status === 404 && problem?.code === undefined) return "is this the address of a Drayage service?";
  return undefined;
}

const tokenHint = "the platform before the service wants a sign-in: --token or DRAYAGE_TOKEN gives a token for it";

/** App Service leads to its own sign-in, or at once to that of Microsoft Entra. */
function leadsToSignIn(location: string): boolean {
  const url = URL.parse(location, "https://service.invalid");
  return url !== null && (url.pathname.startsWith("/.auth/login") || url.hostname.startsWith("login."));
}

function parseProblem(text: string): Problem | undefined {
  if (text.length > maxProblemChars) return undefined;
  const parsed = problemSchema.safeParse(parseJson(text));
  return parsed.success ? parsed.data : undefined;
}

function readAdvice(answer: Answer): Pick<Look<unknown>, "retryAfterSeconds"> {
  const seconds = Number(answer.headers.get("retry-after") ?? Number.NaN);
  return { retryAfterSeconds: Number.isFinite(seconds) && seconds >= 0 ? seconds : undefined };
}
