import { expect, it, vi } from "vitest";
import { image } from "../helpers/images.ts";
import { startApi } from "./api-support/start-api.ts";

it("imports without telemetry, and says so, where the connection string of Application Insights is none", async () => {
  const written = vi.spyOn(process.stdout, "write");
  await using api = await startApi({ settings: { APPLICATIONINSIGHTS_CONNECTION_STRING: "InstrumentationKey=abc" } });
  await api.source.seedImage("team/app", "1", image({}));

  const { state } = await api.importAndWait({ source: `${api.source.host}/team/app:1` });

  expect(state).toBe("Succeeded");
  expect(written.mock.calls.map(([line]) => String(line)).join("")).toContain('"telemetry-failed"');
});
