import { z } from "zod";
import type { IsAuthorized } from "./host-keys.ts";
import type { HostAnswer, HostRequest } from "./http-server.ts";
import { createRouter, type Route } from "./routes.ts";
import { type FunctionMetadata, type RpcHttpData, triggerOf } from "./rpc.ts";
import type { RunFunction } from "./run-function.ts";

const httpTriggerSchema = z.looseObject({
  route: z.string().optional(),
  methods: z.array(z.string()).default([]),
  authLevel: z.string().default("function"),
});

const allMethods = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"] as const;

/** A function that HTTP calls start, for routing and for the list of functions. */
export interface HttpFunction {
  readonly name: string;
  readonly authLevel: string;
  readonly methods: readonly string[];
  /** With the route prefix, without a leading slash. */
  readonly template: string;
}

/** The HTTP functions among `functions`. */
export function httpFunctions(functions: Iterable<FunctionMetadata>, routePrefix: string): HttpFunction[] {
  const found: HttpFunction[] = [];
  for (const metadata of functions) {
    const { binding } = triggerOf(metadata);
    if (binding.type.toLowerCase() !== "httptrigger") continue;
    const { route, methods, authLevel } = httpTriggerSchema.parse(binding);
    const template = `${routePrefix}/${(route ?? metadata.name).replace(/^\/+/, "")}`.replace(/^\/+/, "");
    const named = methods.length === 0 ? allMethods : methods.map((method) => method.toUpperCase());
    found.push({ name: metadata.name, authLevel, methods: named, template });
  }
  return found;
}

export interface HttpTriggersDeps {
  readonly functions: readonly HttpFunction[];
  readonly isAuthorized: IsAuthorized;
  readonly run: RunFunction;
}

/** Routes requests to HTTP functions; undefined: none of them is meant. */
export function createHttpTriggers({ functions, isAuthorized, run }: HttpTriggersDeps) {
  const route = createRouter(functions.map(toRoute));
  return (request: HostRequest): Promise<HostAnswer> | HostAnswer | undefined => {
    const match = route(request.method, request.pathname);
    if (!match) return undefined;
    if (!isAuthorized(request, match.target.authLevel)) return { status: 401 };
    return runHttpFunction(run, match.target.name, toRpcRequest(request, match.params));
  };
}

async function runHttpFunction(run: RunFunction, name: string, request: RpcHttpData): Promise<HostAnswer> {
  const outcome = await run(name, { http: request }, {});
  if (outcome.kind === "failed") return { status: 500 }; // the genuine host says no more than that either
  const { returnValue, outputData } = outcome.result;
  const http = returnValue?.http ?? outputData.find(({ data }) => data.http)?.data.http;
  return http ? toAnswer(http) : { status: 204 };
}

function toRoute(target: HttpFunction): Route<HttpFunction> {
  return { template: target.template, methods: new Set(target.methods), target };
}

/** The request as the genuine host hands it to a worker; repeated query keys are joined (golden-http/ping.json). */
export function toRpcRequest(request: HostRequest, params: Readonly<Record<string, string>>): RpcHttpData {
  const query: Record<string, string> = {};
  for (const [key, value] of request.query) {
    const before = query[key];
    query[key] = before === undefined ? value : `${before},${value}`;
  }
  return {
    method: request.method,
    url: request.url,
    headers: {},
    params: {},
    query: {},
    nullableHeaders: toNullable(request.headers),
    nullableParams: toNullable(params),
    nullableQuery: toNullable(query),
    body: request.body.byteLength === 0 ? null : { bytes: request.body },
  };
}

function toNullable(values: Readonly<Record<string, string>>): Record<string, { value: string }> {
  const nullable: Record<string, { value: string }> = {};
  for (const [key, value] of Object.entries(values)) nullable[key] = { value };
  return nullable;
}

function toAnswer(http: RpcHttpData): HostAnswer {
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(http.headers ?? {})) headers[name.toLowerCase()] = value;
  const cookies = (http.cookies ?? []).map((cookie) => formatCookie(cookieSchema.parse(cookie)));
  if (cookies.length > 0) headers["set-cookie"] = cookies;
  const body = http.body?.bytes ?? http.body?.string ?? http.body?.json ?? "";
  return { status: Number(http.statusCode ?? 200), headers, body };
}

const nullable = z.looseObject({ value: z.unknown() }).nullish();
const cookieSchema = z.looseObject({
  name: z.string(),
  value: z.string(),
  domain: nullable,
  path: nullable,
  expires: nullable,
  secure: nullable,
  httpOnly: nullable,
  maxAge: nullable,
  sameSite: z.string().nullish(),
});

/** Set-Cookie of a cookie in the worker's form, where values stand in `{ value }`. Source: RFC 6265, 4.1. */
function formatCookie(cookie: z.infer<typeof cookieSchema>): string {
  const { sameSite } = cookie;
  const expires = expiresSchema.parse(cookie.expires?.value);
  const parts = [
    `${cookie.name}=${encodeURIComponent(cookie.value)}`,
    expires === undefined ? "" : `expires=${expires}`,
    attribute("max-age", cookie.maxAge),
    attribute("domain", cookie.domain),
    attribute("path", cookie.path),
    cookie.secure?.value === true ? "secure" : "",
    sameSite && sameSite !== "none" ? `samesite=${sameSite === "explicitNone" ? "none" : sameSite}` : "",
    cookie.httpOnly?.value === true ? "httponly" : "",
  ];
  return parts.filter((part) => part !== "").join("; ");
}

/** A protobuf Timestamp as an HTTP date. */
const expiresSchema = z
  .looseObject({ seconds: z.coerce.number() })
  .transform(({ seconds }) => new Date(seconds * 1_000).toUTCString())
  .optional();

function attribute(name: string, value: z.infer<typeof nullable>): string {
  return value?.value === undefined || value.value === null ? "" : `${name}=${String(value.value)}`;
}
