import { z } from "zod";
import { importErrorWireSchema } from "../errors.ts";
import type { ApiRoute } from "./api-routes.ts";

const problemSchema = z
  .strictObject({
    type: z.string().describe("urn:drayage:error:CODE"),
    title: z.string(),
    status: z.int(),
    detail: z.string().describe("Side and host, what happened, and what to do about it."),
    ...importErrorWireSchema.omit({ message: true }).shape,
  })
  .meta({ id: "Problem", description: "RFC 9457 problem details with Drayage's error code." });

/** The OpenAPI 3.1 document of the given routes, made of the schemas that read and write what it describes. */
export function createOpenApi(routes: Readonly<Record<string, ApiRoute>>): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const [name, route] of Object.entries(routes)) {
    const path = `/${route.route}`;
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(name, route) };
  }
  return {
    openapi: "3.1.0",
    info: { title: "Drayage", version: "1", description: "Imports images and other OCI artifacts into a registry." },
    paths,
    components: {
      schemas: componentSchemas(Object.values(routes)),
      securitySchemes: { functionKey: { type: "apiKey", in: "header", name: "x-functions-key" } },
    },
  };
}

function operation(name: string, route: ApiRoute): object {
  const { query, headers = {}, body, answers, problems, summary, authLevel } = route;
  const inPath = [...route.route.matchAll(/\{(\w+)\}/g)].map(([, id = ""]) => parameter(id, "path", true, {}));
  const inHeader = Object.entries(headers).map(([header, description]) => ({
    ...parameter(header, "header", false, { type: "string" }),
    description,
  }));
  return {
    operationId: name,
    summary,
    ...(authLevel === "anonymous" ? {} : { security: [{ functionKey: [] }] }),
    parameters: [...inPath, ...(query === undefined ? [] : queryParameters(query)), ...inHeader],
    ...(body && { requestBody: { required: body.isRequired, content: jsonOf(body.schema) } }),
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, { description, schema }]) => [
          status,
          { description, ...(schema && { content: jsonOf(schema) }) },
        ]),
      ),
      ...Object.fromEntries(
        problems.map((status) => [
          status,
          { description: "Problem", content: { "application/problem+json": { schema: refOf(problemSchema) } } },
        ]),
      ),
    },
  };
}

function parameter(name: string, where: "path" | "query" | "header", required: boolean, schema: object) {
  return { name, in: where, required, schema: where === "path" ? { type: "string" } : schema };
}

function queryParameters(query: z.ZodType): object[] {
  const { properties = {} } = z.toJSONSchema(query, { io: "input", unrepresentable: "any" });
  return Object.entries(properties).map(([name, schema]) => {
    const { description, ...rest } = z.looseObject({ description: z.string().optional() }).parse(schema);
    return { ...parameter(name, "query", false, rest), ...(description === undefined ? {} : { description }) };
  });
}

function jsonOf(schema: z.ZodType): object {
  return { "application/json": { schema: refOf(schema) } };
}

/** A reference to the component of a schema that has an id; a union becomes `anyOf` of those of its members. */
function refOf(schema: z.ZodType): object {
  const id = schema.meta()?.id;
  if (id !== undefined) return { $ref: `#/components/schemas/${id}` };
  if (schema instanceof z.ZodUnion)
    return { anyOf: schema.options.flatMap((o) => (o instanceof z.ZodType ? [refOf(o)] : [])) };
  return toSchema(schema);
}

function componentSchemas(routes: readonly ApiRoute[]): Readonly<Record<string, object>> {
  const schemas = routes.flatMap(({ body, answers }) => [
    ...(body ? [body.schema] : []),
    ...Object.values(answers).flatMap(({ schema }) => (schema ? [schema] : [])),
  ]);
  const named = new Map<string, z.ZodType>([["Problem", problemSchema]]);
  const add = (schema: z.ZodType) => {
    const id = schema.meta()?.id;
    if (id !== undefined) named.set(id, schema);
    if (schema instanceof z.ZodUnion) for (const option of schema.options) if (option instanceof z.ZodType) add(option);
  };
  for (const schema of schemas) add(schema);
  return Object.fromEntries([...named].map(([id, schema]) => [id, toSchema(schema)]));
}

/** Schemas with an id inside others become references to the same components. */
function toSchema(schema: z.ZodType): object {
  const {
    $schema: _,
    $defs: __,
    id: ___,
    ...rest
  } = z.toJSONSchema(schema, {
    io: "input",
    unrepresentable: "any",
    reused: "inline",
    override: ({ jsonSchema, path, zodSchema }) => {
      const id = path.length > 0 && zodSchema instanceof z.ZodType ? zodSchema.meta()?.id : undefined;
      if (id === undefined) return;
      for (const key of Object.keys(jsonSchema)) delete jsonSchema[key as keyof typeof jsonSchema];
      jsonSchema.$ref = `#/components/schemas/${id}`;
    },
  });
  return rest;
}
