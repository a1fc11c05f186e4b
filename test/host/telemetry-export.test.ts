import { expect, it } from "vitest";
import { z } from "zod";
import { startServer } from "../helpers/http-server.ts";
import { image } from "../helpers/images.ts";
import { startApi } from "./api-support/start-api.ts";

const spanSchema = z.looseObject({
  name: z.string(),
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string().optional(),
});
const tracesSchema = z.looseObject({
  resourceSpans: z.array(z.looseObject({ scopeSpans: z.array(z.looseObject({ spans: z.array(spanSchema) })) })),
});

it("sends an import as one trace, from the trigger to the requests, where an OTLP endpoint is set", async () => {
  await using collector = await startServer(() => ({
    status: 200,
    headers: { "content-type": "application/json" },
    body: "{}",
  }));
  const api = await startApi({ settings: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.origin } });
  await api.source.seedImage("team/app", "1", image({ layers: [1_000, 2_000] }));

  const { id } = await api.importAndWait({ source: `${api.source.host}/team/app:1` });
  await api[Symbol.asyncDispose](); // what is left is sent

  const bodies = collector.requests.filter(({ url }) => url === "/v1/traces").map(({ body }) => String(body));
  const spans = bodies.flatMap((body) =>
    tracesSchema
      .parse(JSON.parse(body))
      .resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)),
  );
  const root = spans.find(({ name }) => name === "import");
  const ofImport = spans.filter(({ traceId }) => traceId === root?.traceId);
  const names = ofImport.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(["accept", "resolveImport", "copyAndFinish", `GET ${api.source.host}`]));
  const ids = new Set(ofImport.map(({ spanId }) => spanId));
  expect(
    ofImport.filter(({ parentSpanId }) => parentSpanId !== undefined && parentSpanId !== "" && !ids.has(parentSpanId)),
  ).toEqual([]);
  expect(bodies.join()).toContain(id);
  expect(collector.requests.map(({ url }) => url)).toContain("/v1/metrics");
});
