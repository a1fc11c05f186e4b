import { describe, expect, it } from "vitest";
import { z } from "zod";
import { importRequestSchema } from "../../../src/domain/import-request-schema.ts";
import type { ApiRoute } from "../../../src/functions/api-route.ts";
import { apiRoutes } from "../../../src/functions/api-routes.ts";
import { armRoutes } from "../../../src/functions/arm/arm-routes.ts";
import { createOpenApi } from "../../../src/functions/openapi.ts";

const schemaSchema = z.looseObject({});
const contentSchema = z.record(z.string(), z.strictObject({ schema: schemaSchema }));
const operationSchema = z.strictObject({
  operationId: z.string(),
  summary: z.string().min(1),
  security: z.array(z.record(z.string(), z.array(z.string()))).optional(),
  parameters: z.array(
    z.strictObject({
      name: z.string(),
      in: z.enum(["path", "query", "header"]),
      required: z.boolean(),
      schema: schemaSchema,
      description: z.string().optional(),
    }),
  ),
  requestBody: z.strictObject({ required: z.boolean(), content: contentSchema }).optional(),
  responses: z.record(
    z.string().regex(/^[2-5]\d\d$/),
    z.strictObject({ description: z.string().min(1), content: contentSchema.optional() }),
  ),
});
/** The parts of OpenAPI 3.1 that are used, strict. */
const documentSchema = z.strictObject({
  openapi: z.literal("3.1.0"),
  info: z.strictObject({ title: z.string(), version: z.string(), description: z.string() }),
  paths: z.record(
    z.string().startsWith("/"),
    z.partialRecord(z.enum(["get", "post", "put", "delete"]), operationSchema),
  ),
  components: z.strictObject({
    schemas: z.record(z.string(), schemaSchema),
    securitySchemes: z.strictObject({
      functionKey: z.strictObject({ type: z.literal("apiKey"), in: z.literal("header"), name: z.string() }),
      apiKey: z.looseObject({ type: z.literal("apiKey") }),
      platform: z.looseObject({ type: z.literal("http"), scheme: z.literal("bearer") }),
      bearer: z.looseObject({ type: z.literal("http"), scheme: z.literal("bearer") }),
    }),
  }),
});

const document = documentSchema.parse(createOpenApi({ ...apiRoutes, ...armRoutes }, "key"));
const routes: readonly (readonly [string, ApiRoute])[] = Object.entries({ ...apiRoutes, ...armRoutes });

/** Every value of `$ref`, wherever it stands. */
function references(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(references);
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => (key === "$ref" ? [String(inner)] : references(inner)));
}

function operationOf(route: ApiRoute) {
  const method = z.enum(["get", "post", "put", "delete"]).parse(route.method.toLowerCase());
  return document.paths[`/${route.route}`]?.[method];
}

describe("the OpenAPI document", () => {
  it("refers to nothing that is not in it", () => {
    const known = Object.keys(document.components.schemas).map((name) => `#/components/schemas/${name}`);
    const used = new Set(references(document));

    expect(used.size).toBeGreaterThan(4);
    for (const reference of used) expect(known).toContain(reference);
    for (const [name, schema] of Object.entries(document.components.schemas)) {
      expect(schema, name).not.toHaveProperty("$ref");
      expect(schema, name).toHaveProperty("type", "object");
    }
  });

  it.each(routes)("has %s as its route is registered", (name, route) => {
    const operation = operationOf(route);

    expect(operation?.operationId).toBe(name);
    const statuses = [...Object.keys(route.answers), ...route.problems.map(String)];
    expect(new Set(Object.keys(operation?.responses ?? {}))).toEqual(new Set(statuses));
    const inPath = operation?.parameters
      .filter((parameter) => parameter.in === "path")
      .map((parameter) => parameter.name);
    expect(inPath).toEqual([...route.route.matchAll(/\{(\w+)\}/g)].map(([, id]) => id));
    const isOpen = route.authLevel === "anonymous" && route.security === undefined;
    expect(operation?.security === undefined).toBe(isOpen);
    expect(operation?.requestBody?.required).toBe(route.body?.isRequired);
  });

  it("has no operation that is not registered", () => {
    const operations = Object.values(document.paths).flatMap((path) => Object.values(path));

    expect(operations).toHaveLength(routes.length);
  });

  it("describes an import request by the schema that reads it", () => {
    const { $defs, $ref } = z.toJSONSchema(importRequestSchema, { io: "input" });

    expect($ref).toBe("#/$defs/ImportRequest");
    expect(document.components.schemas.ImportRequest).toEqual($defs?.ImportRequest);
    expect(operationOf(apiRoutes.postImports)?.requestBody?.content).toEqual({
      "application/json": { schema: { $ref: "#/components/schemas/ImportRequest" } },
    });
  });

  it("describes every query parameter with its type", () => {
    const parameters = operationOf(apiRoutes.listImports)?.parameters ?? [];

    expect(parameters).toContainEqual(
      expect.objectContaining({ name: "limit", in: "query", schema: expect.objectContaining({ maximum: 200 }) }),
    );
    expect(parameters).toContainEqual(
      expect.objectContaining({
        name: "state",
        schema: expect.objectContaining({ enum: expect.arrayContaining(["Failed"]) }),
      }),
    );
  });

  it("says of every problem that it comes as problem+json", () => {
    const responses = operationOf(apiRoutes.postImports)?.responses;

    expect(responses?.["400"]?.content).toEqual({
      "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } },
    });
  });
});
