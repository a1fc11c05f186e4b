import { STATUS_CODES } from "node:http";
import { z } from "zod";
import { problemSchema } from "../domain/problem-view.ts";
import { definedOnly } from "../errors.ts";
import type { ApiRoute } from "./api-route.ts";

/** Where zod puts a schema that has an id, and where OpenAPI wants it. */
const definitions = { zod: "#/$defs/", openApi: "#/components/schemas/" } as const;

/**
 * The OpenAPI 3.1 document of the given routes, made of the schemas that read and write what it describes. `apiSignIn`:
 * what routes want whose auth level is `function`.
 */
export function createOpenApi(routes: Readonly<Record<string, ApiRoute>>, apiSignIn: "key" | "platform"): object {
  const schemas = new Map<string, object>();
  const toSchema = createToSchema(schemas);
  const paths: Record<string, Record<string, object>> = {};
  const security = apiSignIn === "platform" ? { platform: [] } : { functionKey: [] };
  for (const [name, route] of Object.entries(routes)) {
    const path = `/${route.route}`;
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(name, route, toSchema, security) };
  }
  return {
    openapi: "3.1.0",
    info: { title: "Drayage", version: "1", description: "Imports images and other OCI artifacts into a registry." },
    paths,
    components: {
      schemas: Object.fromEntries(schemas),
      securitySchemes: {
        functionKey: { type: "apiKey", in: "header", name: "x-functions-key" },
        apiKey: { type: "apiKey", in: "header", name: "x-functions-key", description: "One of the setting API_KEYS." },
        platform: {
          ...{ type: "http", scheme: "bearer" },
          description: "A token, or a browser's session, that the platform's sign-in takes (docs/deploy.md).",
        },
        bearer: { type: "http", scheme: "bearer", description: "A token of Microsoft Entra (docs/arm.md)." },
      },
    },
  };
}

function operation(name: string, route: ApiRoute, toSchema: ToSchema, byHost: object): object {
  const { query, headers = {}, body, answers, problems, summary, authLevel, errors, security } = route;
  const ids = [...route.route.matchAll(/\{(\w+)\}/g)].map(([, id]) => id);
  const text = { type: "string" } as const;
  const inPath = ids.map((id) => ({ name: id, in: "path", required: true, schema: text }));
  const inHeader = Object.entries(headers).map(([header, description]) => {
    return { name: header, in: "header", required: false, schema: text, description };
  });
  const json = (schema: z.ZodType) => ({ "application/json": { schema: toSchema(schema) } });
  const problem = errors ? json(errors) : { "application/problem+json": { schema: toSchema(problemSchema) } };
  const success = Object.entries(answers).map(
    ([status, { description, schema }]) => [status, { description, ...(schema && { content: json(schema) }) }] as const,
  );
  const failure = problems.map((status) => [status, { description: titleOf(status), content: problem }] as const);
  return {
    operationId: name,
    summary,
    ...(security === "caller" ? { security: [{ bearer: [] }, { apiKey: [] }] } : {}),
    ...(authLevel === "anonymous" ? {} : { security: [byHost] }),
    parameters: [...inPath, ...(query === undefined ? [] : queryParameters(query)), ...inHeader],
    ...(body && { requestBody: { required: body.isRequired, content: json(body.schema) } }),
    responses: Object.fromEntries([...success, ...failure]),
  };
}

function titleOf(status: number): string {
  return STATUS_CODES[status] ?? "Problem";
}

function queryParameters(query: z.ZodType): object[] {
  const { properties = {} } = z.toJSONSchema(query, { io: "input", unrepresentable: "any" });
  return Object.entries(properties).map(([name, property]) => {
    const { description, ...schema } = z.looseObject({ description: z.string().optional() }).parse(property);
    return { name, in: "query", required: false, schema, ...definedOnly({ description }) };
  });
}

type ToSchema = (schema: z.ZodType) => object;

/** JSON schemas whose parts with an id are references; what those refer to is added to `schemas`. */
function createToSchema(schemas: Map<string, object>): ToSchema {
  return (schema) => {
    const made = z.toJSONSchema(schema, { io: "input", unrepresentable: "any", reused: "inline" });
    const moved = JSON.stringify(made).replaceAll(`"${definitions.zod}`, `"${definitions.openApi}`);
    const { $schema: _, $defs, ...rest } = madeSchema.parse(JSON.parse(moved));
    for (const [name, definition] of Object.entries($defs)) schemas.set(name, definition);
    return rest;
  };
}

const madeSchema = z.looseObject({ $schema: z.string(), $defs: z.record(z.string(), z.looseObject({})).default({}) });
