import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { scheduleSchema } from "../../../src/domain/schedule-schema.ts";
import { aProblem, type FakeAnswer, type SeenRequest, startFakeApi } from "./fake-api.ts";
import { aPromotion, promotionId, someCounts, succeededPromotion } from "./fake-promotions.ts";
import { echo, selection, selectionFlags } from "./resource-kit.ts";
import { runCli } from "./run-cli.ts";
import { useFiles } from "./temporary-files.ts";

const schedule = scheduleSchema.parse({ name: "nightly", cron: "0 3 * * *", enabled: false, ...selection });
const scheduleView = {
  ...schedule,
  nextRuns: ["2026-02-01T03:00:00.000Z"],
  lastRun: { at: "2026-01-31T03:00:00.000Z", by: "timer", promotionId, state: "Succeeded" },
};
const files = useFiles();

const scheduleRun = (_: SeenRequest, count: number): FakeAnswer => {
  if (count === 1)
    return { status: 202, body: aPromotion({ state: "Accepted", trigger: { kind: "schedule", ref: "nightly" } }) };
  return { body: count === 2 ? aPromotion() : succeededPromotion };
};

describe("drayage schedules", () => {
  it("lists them", async () => {
    await using api = await startFakeApi((_, count) => ({ body: { schedules: count === 1 ? [scheduleView] : [] } }));

    const some = await runCli(["schedules", "list", "--endpoint", api.endpoint]);
    const none = await runCli(["schedules", "list", "--endpoint", api.endpoint]);

    expect(some.stdout.split("\n")[1]).toBe(
      "nightly   disabled  0 3 * * *  UTC        2026-02-01T03:00:00.000Z  Succeeded 2026-01-31T03:00:00.000Z  dev.example team/* → prod.example/mirror/{basename}:{tag}",
    );
    expect(none.stdout).toBe("No schedules found.\n");
  });

  it("makes one from flags, and one from a file", async () => {
    await using api = await startFakeApi(echo(201));
    const times = ["--cron", "0 3 * * *", "--time-zone", "Europe/Berlin", "--newest", "3", "--max-concurrent", "7"];
    const path = await files.write("schedule.json", JSON.stringify(schedule));

    const flags = await runCli([
      ...["schedules", "set", "--name", "nightly", ...selectionFlags, ...times],
      ...["--endpoint", api.endpoint],
    ]);
    const file = await runCli(["schedules", "set", "-f", path, "--endpoint", api.endpoint]);

    expect(flags.stdout).toBe("Schedule nightly is made.\n");
    expect(file.stdout).toBe("Schedule nightly is made, and disabled.\n");
    expect(api.calls()).toEqual(Array(2).fill("PUT /api/schedules/nightly"));
    expect(api.seen.map(({ body }) => body)).toEqual([
      {
        name: "nightly",
        cron: "0 3 * * *",
        timeZone: "Europe/Berlin",
        maxConcurrent: 7,
        source: { registry: "dev.example", repositories: ["team/*"], tags: { newest: 3 } },
        target: { registry: "prod.example" },
      },
      schedule,
    ]);
  });

  it("refuses one without a time", async () => {
    const run = await runCli(["schedules", "set", "--name", "nightly", ...selectionFlags]);

    expect(run.exitCode).toBe(2);
    expect(run.stderr).toContain("--cron: is missing");
  });

  it("runs one now and follows the promotion", async () => {
    await using api = await startFakeApi(scheduleRun);

    const run = await runCli(["schedules", "run", "nightly", "--endpoint", api.endpoint]);

    expect(run.exitCode).toBe(0);
    expect(api.calls()).toEqual([
      "POST /api/schedules/nightly/run",
      ...Array(2).fill(`GET /api/promotions/${promotionId}`),
    ]);
    expect(run.stdout).toContain("Succeeded in 4.2s");
  });

  it("tells that a run had nothing to import", async () => {
    const nothing = { ...succeededPromotion, counts: someCounts(), trigger: { kind: "schedule", ref: "nightly" } };
    await using api = await startFakeApi((_, count) => ({ status: count === 1 ? 202 : 200, body: nothing }));

    const run = await runCli(["schedules", "run", "nightly", "--endpoint", api.endpoint]);

    expect(run.exitCode).toBe(0);
    expect(run.stdout).toContain("nothing has changed since the last run");
  });

  it("ends with 5 when it runs already, and only starts it with --no-wait", async () => {
    await using api = await startFakeApi((request, count) =>
      count === 1 ? aProblem(409, "SCHEDULE_RUNNING") : scheduleRun(request, count - 1),
    );

    const refused = await runCli(["schedules", "run", "nightly", "--endpoint", api.endpoint]);
    const started = await runCli(["schedules", "run", "nightly", "--no-wait", "--endpoint", api.endpoint]);

    expect(refused.exitCode).toBe(5);
    expect(started.stdout).toContain(`Promotion ${promotionId} has started.`);
  });

  it("shows and deletes one", async () => {
    await using api = await startFakeApi(({ method }) => (method === "GET" ? { body: scheduleView } : { status: 204 }));

    const shown = await runCli(["schedules", "show", "nightly", "--json", "--endpoint", api.endpoint]);
    const yaml = await runCli(["schedules", "show", "nightly", "--endpoint", api.endpoint]);
    const deleted = await runCli(["schedules", "delete", "nightly", "--endpoint", api.endpoint]);

    expect(JSON.parse(shown.stdout)).toEqual(scheduleView);
    expect(parse(yaml.stdout)).toEqual(schedule); // what set takes back
    expect(deleted.stdout).toBe("Schedule nightly is deleted.\n");
  });
});
