import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { promotionItemPageSchema, promotionViewSchema } from "../../src/domain/promotion-record.ts";
import { hasBrowser } from "../helpers/browser.ts";
import { image } from "../helpers/images.ts";
import { type Dashboard, startDashboard } from "./support/dashboard.ts";

describe.runIf(hasBrowser())("promotions on the dashboard", () => {
  let dashboard: Dashboard;
  const promote = async (names: readonly string[]) => {
    const { api } = dashboard;
    const items = names.map((name) => ({ source: `${api.source.host}/${name}` }));
    const response = await api.post("/api/promotions", { items });
    return promotionViewSchema.parse(await response.json());
  };

  beforeAll(async () => {
    dashboard = await startDashboard();
    for (const tag of ["1", "2", "3"])
      await dashboard.api.source.seedImage("team/app", tag, image({ seed: tag, layers: [20_000] }));
  });
  afterAll(() => dashboard[Symbol.asyncDispose]());

  it("says what a promotion is where there is none", async () => {
    await using visit = await dashboard.open("#/promotions");

    await visit.page.getByText("No promotion yet").waitFor();
  });

  it("shows what failed, and retries those items once that is mended", async () => {
    const { api, open } = dashboard;
    const { id } = await promote(["team/app:1", "team/app:2", "late/app:1"]);
    await using visit = await open("#/promotions");
    const { page } = visit;
    await page.getByRole("link", { name: "A list of images" }).click();
    await page.locator(".badge", { hasText: "Failed" }).first().waitFor();
    await page.getByRole("heading", { name: "3 of 3 items" }).waitFor();
    const failures = page.locator(".card.bad", { has: page.getByRole("heading", { name: "Failures" }) });
    await failures.getByText("late/app:1 is not there").waitFor();
    await failures.getByRole("link", { name: "SOURCE_NOT_FOUND" }).waitFor();
    await failures.getByText("What to do: check repository and tag").waitFor();
    await page.getByLabel("Items in state").selectOption("Failed");
    await page.getByRole("table", { name: "Items of the promotion" }).getByText("late/app:1").first().waitFor();
    expect(await page.getByRole("table").getByText("team/app:2").count()).toBe(0);
    await page.getByLabel("Items in state").selectOption("");

    await api.source.seedImage("late/app", "1", image({ seed: "late" }));
    await page.getByRole("button", { name: "Retry 1 item" }).click();

    await page.locator(".title .badge", { hasText: "Succeeded" }).waitFor();
    await page.getByRole("heading", { name: "Failures" }).waitFor({ state: "hidden" });
    const items = page.getByRole("table", { name: "Items of the promotion" });
    await items.getByRole("row", { name: "late/app:1" }).getByText("Succeeded").waitFor();
    const page1 = promotionItemPageSchema.parse(await (await api.get(`/api/promotions/${id}/items`)).json());
    expect(page1.items.map(({ state }) => state)).toEqual(["Succeeded", "Succeeded", "Succeeded"]);
  });

  it("is cancelled in one tab, and another one shows it", async () => {
    const { api, open } = dashboard;
    const hold = api.source.hold({ kind: "manifest-get" });
    const { id } = await promote(["team/app:3"]);
    await hold.reached;
    await using one = await open(`#/promotion/${id}`);
    await using other = await open(`#/promotion/${id}`);
    await other.page.getByText("Queued or running").waitFor();

    await one.page.getByRole("button", { name: "Cancel" }).click();
    await one.page.getByText("1 item will not be imported").waitFor();
    await one.page.getByRole("button", { name: "Keep it" }).click();
    await other.page.getByText("Queued or running").waitFor();
    await one.page.getByRole("button", { name: "Cancel" }).click();
    await one.page.getByRole("button", { name: "Cancel it" }).click();

    for (const { page } of [one, other]) await page.locator(".title .badge", { hasText: "Cancelled" }).waitFor();
    hold.release();
  });

  it("keeps the page of the list that one turns until the next one is there", async () => {
    await using visit = await dashboard.open("#/errors");
    const { page } = visit;
    const second = Promise.withResolvers<void>();
    const promotionFrom = (registry: string) => ({
      ...{ id: registry, state: "Succeeded", trigger: { kind: "http" }, labels: {}, warnings: [], attempt: 1 },
      ...{ createdAt: "2026-01-01T00:00:00.000Z", request: { source: { registry, repositories: ["app"] } } },
    });
    await page.route(/\/api\/promotions\?/, async (route) => {
      const isSecond = route.request().url().includes("continuationToken=two");
      if (isSecond) await second.promise;
      const promotions = [promotionFrom(isSecond ? "second.example" : "first.example")];
      await route.fulfill({ json: isSecond ? { promotions } : { promotions, continuationToken: "two" } });
    });
    await page.goto(`${dashboard.api.url}/#/promotions`);

    await page.getByRole("button", { name: "Older" }).click();
    await page.locator("[aria-busy=true]").getByRole("link", { name: "first.example/app" }).waitFor();
    second.resolve();

    await page.locator(".paged:focus").getByRole("link", { name: "second.example/app" }).waitFor();
    expect(await page.getByRole("link", { name: "first.example/app" }).count()).toBe(0);
  });

  it("says so where there is no such promotion", async () => {
    await using visit = await dashboard.open("#/promotion/nothing");

    await visit.page.getByRole("heading", { name: "There is no such promotion" }).waitFor();
  });
});
