import { globSync, readFileSync } from "node:fs";
import { type Meter, metrics, trace } from "@opentelemetry/api";
import { describe, expect, it } from "vitest";
import { createTelemetry } from "../../src/functions/telemetry/telemetry.ts";
import { createPlannedIds } from "../../src/functions/telemetry/trace-ids.ts";

const source = globSync("src/**/*.ts")
  .map((path) => readFileSync(path, "utf8"))
  .join("\n");

/** Names after `entry.event ==` and in `entry.event in (…)`, and those that begin a line of the log. */
function eventsIn(text: string): readonly string[] {
  const conditions = text.matchAll(/entry\.event (?:==|in) \(?((?:\\?'[a-z.-]+\\?'(?:, )?)+)/g);
  const named = [...conditions].flatMap(([, list = ""]) => [...list.matchAll(/'([a-z.-]+)\\?'/g)]);
  const leading = text.matchAll(/\{"event":"([a-z.-]+)"/g);
  return [...new Set([...named, ...leading].map(([, name = ""]) => name))];
}

it.each([
  [
    "alerts.bicep",
    [
      ...["import-ended", "poison-stored", "sweep-ended", "sweep-failed", "stuck-replaced", "stuck-ended"],
      ...["stuck-failed", "imports-not-begun", "minute-ended"],
    ],
  ],
  [
    "workbook.json",
    [
      ...[
        "import-ended",
        "registry.retry",
        "poison-stored",
        "sweep-ended",
        "sweep-failed",
        "stuck-replaced",
        "stuck-ended",
        "stuck-failed",
        "imports-not-begun",
      ],
      ...["network.refused", "caller-refused", "hook-refused"],
    ],
  ],
])("%s asks for events that the code logs", (file, events) => {
  const asked = eventsIn(readFileSync(`infra/modules/${file}`, "utf8"));

  expect([...asked].sort()).toEqual([...events].sort());
  expect(asked.filter((name) => !source.includes(`log("${name}"`))).toEqual([]);
});

it("the alert on stuck imports counts what housekeeping failed at from the second time on, thing by thing", () => {
  const query = /var stuck = '''\n(.*?)\n'''/s.exec(readFileSync("infra/modules/alerts.bicep", "utf8"))?.[1] ?? "";
  const about = [...query.matchAll(/entry\.(\w+)(?=[,)])/g)].map(([, name]) => name);

  expect(query.split("\n").slice(-2)).toEqual([
    "| summarize ItemCount = sum(ItemCount) by event = tostring(entry.event), about",
    "| where event !in ('sweep-failed', 'stuck-failed') or ItemCount > 1",
  ]);
  expect(about).toEqual(["event", "importId", "promotionId", "task", "event"]);
  const logged = [...source.matchAll(/log\("(?:sweep|stuck)-failed", \{ (\w+)/g)].map(([, name]) => name);
  expect(new Set(logged)).toEqual(new Set(["importId", "promotionId", "task"]));
});

describe("the alert on throttling", () => {
  const query =
    /var throttledQuery = '''\n(.*?)\n'''/s.exec(readFileSync("infra/modules/alerts.bicep", "utf8"))?.[1] ?? "";

  it("asks for the metric of requests, by attributes that Drayage gives it", () => {
    const { name, attributes } = measureRequest();
    const asked = [...query.matchAll(/Properties\['([^']+)'\]/g)].map(([, name]) => name);

    expect(asked).toEqual(["server.address", "http.response.status_code"]);
    expect(attributes).toMatchObject({ "server.address": "prod.azurecr.io", "http.response.status_code": 429 });
    expect(query).toContain(`Name == '${name}'`);
  });

  it("is about the share of answers that are 429, of a hundred at least", () => {
    expect(query.split("\n").slice(3)).toEqual([
      "| where isnotnull(status)",
      "| summarize throttled = sumif(ItemCount, status == 429), answers = sum(ItemCount) by host",
      "| where answers >= 100",
      "| project host, percent = 100.0 * throttled / answers",
    ]);
  });
});

it("the workbook counts what sampling leaves out of the log", () => {
  expect(readFileSync("infra/modules/workbook.json", "utf8")).not.toMatch(/\bcount\(\)/);
});

it("host.json keeps every line of the log from being sampled: rules count them", () => {
  const hostJson: unknown = JSON.parse(readFileSync("host.json", "utf8"));

  expect(hostJson).toMatchObject({
    logging: { applicationInsights: { samplingSettings: { excludedTypes: "Exception;Trace" } } },
  });
});

/** What is measured of a request to prod.azurecr.io that is answered by 429. */
function measureRequest(): { readonly name: string; readonly attributes: unknown } {
  let measured: { readonly name: string; readonly attributes: unknown } = { name: "", attributes: undefined };
  const createHistogram = (name: string) => ({
    record: (_: number, attributes: unknown) => {
      measured = { name, attributes };
    },
  });
  const meter: Meter = Object.assign(Object.create(metrics.getMeter("none")), { createHistogram });
  const tracer = () => trace.getTracer("none");
  const telemetry = createTelemetry({
    tracer,
    meter: () => meter,
    ids: createPlannedIds((bytes) => Buffer.alloc(bytes, 1)),
  });
  const host = "prod.azurecr.io";
  const ended = telemetry.observeRequest({
    method: "GET",
    registry: host,
    host,
    requestClass: "read",
    side: "target",
    sentBytes: undefined,
  });
  ended({ status: 429, code: "TARGET_RATE_LIMITED" });
  return measured;
}
