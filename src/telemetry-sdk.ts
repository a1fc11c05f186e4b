import type { TokenCredential } from "@azure/core-auth";
import { AzureMonitorMetricExporter, AzureMonitorTraceExporter } from "@azure/monitor-opentelemetry-exporter";
import { metrics, trace } from "@opentelemetry/api";
import { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-http";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { MeterProvider, PeriodicExportingMetricReader, type PushMetricExporter } from "@opentelemetry/sdk-metrics";
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  type IdGenerator,
  type SpanExporter,
} from "@opentelemetry/sdk-trace-base";

/** Where telemetry goes to. */
export interface TelemetrySinks {
  /** OTLP over HTTP: the exporters read the endpoint, headers and time-outs from the variables that OpenTelemetry names. */
  readonly otlp: boolean;
  /** Connection string of Application Insights. */
  readonly azureMonitor: string | undefined;
  /** Signs in at Application Insights; undefined: the connection string's key is enough. */
  readonly credential: TokenCredential | undefined;
}

/** Sends what is left, then stops. */
export type StopTelemetry = () => Promise<void>;

const exportEveryMs = 60_000;

/** Registers the SDK behind the API, once per process. Loaded by those who have a sink only. */
export function startTelemetrySdk(sinks: TelemetrySinks, idGenerator: IdGenerator): StopTelemetry {
  const resource = resourceFromAttributes({ "service.name": "drayage" });
  const { spans, numbers } = openExporters(sinks);
  const tracers = new BasicTracerProvider({
    ...{ resource, idGenerator },
    spanProcessors: spans.map((exporter) => new BatchSpanProcessor(exporter)),
  });
  const meters = new MeterProvider({
    resource,
    readers: numbers.map(
      (exporter) => new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: exportEveryMs }),
    ),
  });
  trace.setGlobalTracerProvider(tracers);
  metrics.setGlobalMeterProvider(meters);
  return async () => {
    await Promise.allSettled([tracers.shutdown(), meters.shutdown()]);
  };
}

function openExporters({ otlp, azureMonitor: connectionString, credential }: TelemetrySinks) {
  const spans: SpanExporter[] = [];
  const numbers: PushMetricExporter[] = [];
  if (otlp) {
    spans.push(new OTLPTraceExporter());
    numbers.push(new OTLPMetricExporter());
  }
  if (connectionString !== undefined) {
    const options = { connectionString, ...(credential === undefined ? {} : { credential }) };
    spans.push(new AzureMonitorTraceExporter(options));
    numbers.push(new AzureMonitorMetricExporter(options));
  }
  return { spans, numbers };
}
