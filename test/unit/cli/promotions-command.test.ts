import { describe, expect, it } from "vitest";
import { aProblem, startFakeApi } from "./fake-api.ts";
import {
  aFailedItem,
  anItem,
  answersFor,
  aPromotion,
  cancelledPromotion,
  failedPromotion,
  promotionId,
  succeededPromotion,
} from "./fake-promotions.ts";
import { runCli } from "./run-cli.ts";

describe("drayage promotions list", () => {
  it("prints one row per promotion, past short pages, and hands the state over", async () => {
    const pages = [
      { promotions: [failedPromotion], continuationToken: "1" },
      { promotions: [aPromotion({ request: { labels: {} }, counts: undefined })] },
    ];
    await using api = await startFakeApi((_, count) => ({ body: pages[count - 1] }));

    const run = await runCli(["promotions", "list", "--state", "Failed", "--limit", "5", "--endpoint", api.endpoint]);

    expect(run.exitCode).toBe(0);
    expect(api.calls()).toEqual([
      "GET /api/promotions?limit=5&state=Failed",
      "GET /api/promotions?limit=4&state=Failed&continuationToken=1",
    ]);
    expect(run.stdout.split("\n").slice(1)).toEqual([
      `${promotionId}  Failed   2026-01-31T08:00:00Z  4.2s  dev.example team/* (tags v*) → prod.example`,
      `${promotionId}  Running  2026-01-31T08:00:00Z        a list of images`,
      "",
    ]);
  });

  it("prints JSON, or that there are none", async () => {
    await using api = await startFakeApi((_, count) => ({
      body: { promotions: count === 1 ? [] : [succeededPromotion] },
    }));

    const none = await runCli(["promotions", "list", "--endpoint", api.endpoint]);
    const one = await runCli(["promotions", "list", "--json", "--endpoint", api.endpoint]);

    expect(none.stdout).toBe("No promotions found.\n");
    expect(JSON.parse(one.stdout)).toEqual([succeededPromotion]);
  });

  it("refuses a state that there is not", async () => {
    const run = await runCli(["promotions", "list", "--state", "Done"]);

    expect(run.exitCode).toBe(2);
  });
});

describe("drayage promotions show", () => {
  it("shows counts, bytes, labels, warnings and the first errors", async () => {
    const { item, importId, error } = aFailedItem(1);
    const promotion = { ...failedPromotion, attempt: 2, firstErrors: [{ item, importId, error }], warnings: ["slow"] };
    await using api = await startFakeApi(() => ({ body: promotion }));

    const run = await runCli(["promotions", "show", promotionId, "--endpoint", api.endpoint]);

    expect(run.exitCode).toBe(0);
    expect(run.stdout).toMatch(/^State +Failed$/m);
    expect(run.stdout).toMatch(/^Items +10: 2 failed, 1 skipped, 7 succeeded$/m);
    expect(run.stdout).toMatch(/^Labels +release=7$/m);
    expect(run.stdout).toMatch(/^Attempt +2$/m);
    expect(run.stdout).toMatch(/^Failed item +SOURCE_NOT_FOUND source dev.example/m);
    expect(run.stdout).toMatch(/^Warning +slow$/m);
  });

  it("prints JSON, and ends with 6 when there is none", async () => {
    await using api = await startFakeApi((_, count) =>
      count === 1 ? { body: aPromotion() } : aProblem(404, "PROMOTION_NOT_FOUND"),
    );

    const found = await runCli(["promotions", "show", promotionId, "--json", "--endpoint", api.endpoint]);
    const missing = await runCli(["promotions", "show", "../x", "--endpoint", api.endpoint]);

    expect(JSON.parse(found.stdout)).toEqual(aPromotion());
    expect(missing.exitCode).toBe(6);
    expect(api.calls()).toEqual([`GET /api/promotions/${promotionId}`, "GET /api/promotions/..%2Fx"]);
  });
});

describe("drayage promotions items", () => {
  const items = [anItem(1), aFailedItem(2), anItem(3), aFailedItem(4)];

  it("lists the images of a state as a table", async () => {
    await using api = await startFakeApi(answersFor([], items));

    const run = await runCli(["promotions", "items", promotionId, "--state", "Failed", "--endpoint", api.endpoint]);

    expect(run.exitCode).toBe(0);
    expect(api.calls()).toEqual([`GET /api/promotions/${promotionId}/items?limit=100&state=Failed`]);
    expect(run.stdout.split("\n")[1]).toBe(
      "Failed  01ARZ3NDEKTSV4RRFFQ69G5002  2.0 KiB  dev.example/team/app:v2 → prod.example/team/app:v2  SOURCE_NOT_FOUND source dev.example: team/app:v2 is not there",
    );
  });

  it("goes on until the limit is reached, and prints JSON", async () => {
    await using api = await startFakeApi(answersFor([], items));

    const run = await runCli([
      "promotions",
      "items",
      promotionId,
      "--limit",
      "3",
      "--json",
      "--endpoint",
      api.endpoint,
    ]);

    expect(JSON.parse(run.stdout)).toEqual(items.slice(0, 3));
    expect(api.seen).toHaveLength(2);
  });
});

describe("drayage promotions cancel", () => {
  it("asks the service to cancel and says what it does now", async () => {
    await using api = await startFakeApi((_, count) => ({
      status: 202,
      body: count === 1 ? aPromotion() : cancelledPromotion,
    }));

    const stops = await runCli(["promotions", "cancel", promotionId, "--endpoint", api.endpoint]);
    const stopped = await runCli(["promotions", "cancel", promotionId, "--endpoint", api.endpoint]);

    expect(stops.exitCode).toBe(0);
    expect(api.calls()[0]).toBe(`POST /api/promotions/${promotionId}/cancel`);
    expect(stops.stdout).toBe(`Promotion ${promotionId} will stop within seconds (Running now).\n`);
    expect(stopped.stdout).toBe(`Promotion ${promotionId} is cancelled.\n`);
  });

  it("ends with 5 when it has ended", async () => {
    await using api = await startFakeApi(() => aProblem(409, "IMPORT_STATE_CONFLICT"));

    const run = await runCli(["promotions", "cancel", promotionId, "--endpoint", api.endpoint]);

    expect(run.exitCode).toBe(5);
  });
});

describe("drayage promotions retry", () => {
  it("retries and follows to the end", async () => {
    await using api = await startFakeApi(
      answersFor([aPromotion({ state: "Accepted", attempt: 2 }), succeededPromotion]),
    );

    const run = await runCli(["promotions", "retry", promotionId, "--endpoint", api.endpoint]);

    expect(run.exitCode).toBe(0);
    expect(api.calls()).toEqual([`POST /api/promotions/${promotionId}/retry`, `GET /api/promotions/${promotionId}`]);
    expect(run.stdout).toContain("Succeeded in 4.2s");
  });

  it("takes the attempt that a lost answer has started for the answer", async () => {
    const api = await startFakeApi(async ({ method }, count) => {
      if (count === 1) await api.stop();
      if (method === "POST") return aProblem(409, "IMPORT_STATE_CONFLICT");
      return { body: { ...succeededPromotion, attempt: 2 } };
    });
    await using _closed = api;

    const run = await runCli(["promotions", "retry", promotionId, "--json", "--endpoint", api.endpoint], {
      onSleep: (count) => (count === 1 ? api.restart() : undefined),
    });

    expect(run.exitCode).toBe(0);
    expect(JSON.parse(run.stdout)).toMatchObject({ state: "Succeeded", failedItems: [] });
  });
});

describe("the help of the groups", () => {
  it.each([
    [["promotions", "--help"], "promotions items ID --state Failed"],
    [["promote", "--help"], "drayage promote -f plan.yaml --junit promotion.xml"],
    [["rules", "set", "--help"], "drayage rules set -f rule.yaml"],
    [["rules", "test", "--help"], "-f event.json"],
    [["schedules", "set", "--help"], "--cron '0 3 * * *'"],
    [["poison", "--help"], "drayage poison requeue ID"],
  ])("has examples: %j", async (args, example) => {
    const run = await runCli(args);

    expect(run.exitCode).toBe(0);
    expect(run.stdout).toContain(example);
    expect(run.stdout).toContain("Exit codes:");
  });

  it.each([[["promotions"]], [["rules"]], [["schedules"]], [["poison"]]])("is wrong usage alone: %j", async (args) => {
    const run = await runCli(args);

    expect(run.exitCode).toBe(2);
  });
});
