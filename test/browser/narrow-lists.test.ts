import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasBrowser } from "../helpers/browser.ts";
import { image } from "../helpers/images.ts";
import { type Dashboard, startDashboard } from "./support/dashboard.ts";

describe.runIf(hasBrowser())("lists on a narrow screen", () => {
  let dashboard: Dashboard;
  const longName = `team/${"a-long-name-of-a-component/".repeat(6)}app`;
  const widthOf = async (page: Page, selector: string) =>
    (await page.locator(selector).first().boundingBox())?.width ?? 0;

  beforeAll(async () => {
    dashboard = await startDashboard();
    const { api } = dashboard;
    await api.source.seedImage("team/app", "1", image({ layers: [20_000] }));
    await api.importAndWait({ source: `${api.source.host}/team/app:1` });
    await api.importAndWait({ source: `${api.source.host}/${longName}:1` });
  });
  afterAll(() => dashboard[Symbol.asyncDispose]());

  it.each([360, 600, 768, 1_000])(
    "give the names at least half of %i px, and show how far an import is",
    async (width) => {
      await using visit = await dashboard.open("#/imports", { viewport: { width, height: 780 } });
      const { page } = visit;
      await page.locator("tbody tr").first().waitFor();

      expect(await widthOf(page, "td.places a")).toBeGreaterThanOrEqual(width / 2);
      expect(await widthOf(page, ".rows .byte-bar")).toBeGreaterThan(100);
    },
  );

  it("cut a long target and a long error after two lines, until the row is pointed at", async () => {
    await using visit = await dashboard.open("#/imports", { viewport: { width: 360, height: 780 } });
    const { page } = visit;
    const row = page.getByRole("row", { name: longName });
    await row.waitFor();
    const isCut = (selector: string) =>
      row.locator(selector).evaluate((element) => element.scrollHeight > element.clientHeight);

    expect([await isCut(".to"), await isCut(".row-error")]).toEqual([true, true]);
    await row.hover();
    expect([await isCut(".to"), await isCut(".row-error")]).toEqual([false, false]);
  });

  it("name the numbers of each bar", async () => {
    await using visit = await dashboard.open("#/overview?window=hour", { viewport: { width: 360, height: 780 } });
    const { page } = visit;
    const chart = page.locator(".chart").first();
    await chart.getByText("Numbers").click();

    const named = await page.evaluate("getComputedStyle(document.querySelector('.chart td'), '::before').content");

    expect(named).toBe('"Succeeded"');
  });
});
