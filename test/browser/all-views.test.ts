import type { Response } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { promotionViewSchema } from "../../src/domain/promotion-record.ts";
import { hasBrowser } from "../helpers/browser.ts";
import { image } from "../helpers/images.ts";
import { type Dashboard, findBarriers, startDashboard } from "./support/dashboard.ts";

describe.runIf(hasBrowser())("every view of the dashboard", () => {
  let dashboard: Dashboard;
  /** Places, and a text by which each is known to be there. */
  let places: readonly (readonly [string, string])[];

  beforeAll(async () => {
    dashboard = await startDashboard();
    const { api } = dashboard;
    await api.source.seedImage("team/app", "1", image({ layers: [20_000] }));
    await api.importAndWait({ source: `${api.source.host}/missing/app:1` });
    const source = { registry: api.source.host, repositories: ["team/*"] };
    const put = (path: string, body: object) =>
      fetch(`${api.url}${path}`, { method: "PUT", body: JSON.stringify(body) });
    await put("/api/rules/mirror", { source });
    await put("/api/schedules/nightly", { source: { ...source, repositories: ["team/app"] }, cron: "0 3 * * *" });
    const items = ["team/app:1", "missing/app:2"].map((name) => ({ source: `${api.source.host}/${name}` }));
    const { id } = promotionViewSchema.parse(await (await api.post("/api/promotions", { items })).json());
    places = [
      ["#/overview", "Running now"],
      ["#/promotions", "A list of images"],
      ["#/promote", "Show the images"],
      [`#/promotion/${id}`, "The import of item"],
      ["#/rules", "mirror"],
      ["#/rule/mirror", "Test it"],
      ["#/schedules", "nightly"],
      ["#/schedule/nightly", "Run it now"],
      ["#/registries", "Signs in as"],
      ["#/imports", "missing/app:1"],
      ["#/start", "Show the plan"],
      ["#/errors", "INVALID_REQUEST"],
    ];
  });
  afterAll(() => dashboard[Symbol.asyncDispose]());

  it.each(["light", "dark"] as const)("has no serious barriers in %s colours, and fits 360 px", async (colours) => {
    await using visit = await dashboard.open();
    const { page } = visit;
    await page.getByLabel("Colours").selectOption(colours);
    const found: Record<string, readonly string[]> = {};
    for (const [hash, sign] of places) {
      await page.setViewportSize({ width: 1_280, height: 900 });
      await page.goto(`${dashboard.api.url}/${hash}`);
      await page.getByText(sign).first().waitFor();
      const barriers = await findBarriers(page);
      await page.setViewportSize({ width: 360, height: 780 });
      const width = await page.evaluate("document.documentElement.scrollWidth");
      found[hash] = width === 360 ? barriers : [...barriers, `${width} px wide`];
    }

    expect(Object.entries(found).filter(([, problems]) => problems.length > 0)).toEqual([]);
  });

  it("finds an error by any of its words, under the heading that it has in the documentation", async () => {
    await using visit = await dashboard.open("#/errors");
    const { page } = visit;
    expect(await page.getByRole("heading", { level: 2 }).first().textContent()).toBe("The request");

    await page.getByLabel("Find an error").fill("firewall SOURCE");

    await page.getByText("SOURCE_NETWORK_RESTRICTED").waitFor();
    expect(await page.getByRole("heading", { level: 2 }).allTextContents()).toContain("The source");
    await page.getByText("INVALID_REFERENCE").waitFor({ state: "hidden" });
    await page.getByLabel("Find an error").fill("no such words");
    await page.getByText("No error has these words.").waitFor();
  });

  it("says what may be done at a registry, and what was found when somebody asks it", async () => {
    const { api, open } = dashboard;
    await using visit = await open("#/registries");
    const card = visit.page.locator(".card", { has: visit.page.getByRole("heading", { name: api.source.host }) });
    await card.getByText("nobody").waitFor();
    await card.getByText("come from it").waitFor();

    await card.getByLabel("Repository").fill("team/app");
    await card.getByRole("button", { name: "Check" }).click();

    await card.getByText("Pull", { exact: true }).waitFor();
    await card.getByText("it lets in whoever does not sign in").waitFor();
    expect(await card.locator(".badge").allTextContents()).toHaveLength(4);
  });

  it("fetches the registries once, and then only asks whether they are as they were", async () => {
    await using visit = await dashboard.open("#/errors");
    const { page } = visit;
    const isList = (response: Response) => response.url().endsWith("/api/registries");
    const first = page.waitForResponse(isList);
    await page.goto(`${dashboard.api.url}/#/registries`);
    expect((await first).status()).toBe(200);
    await page.getByText("Signs in as").first().waitFor();

    const second = page.waitForResponse(isList);
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))"); // the tab is looked at again

    expect((await second).status()).toBe(304);
    await page.getByText("Signs in as").first().waitFor();
  });

  it("tells of a service that does not answer, and shows all once it does", async () => {
    await using visit = await dashboard.open("#/errors");
    const { page, context } = visit;
    await context.setOffline(true);
    await page.getByRole("link", { name: "Rules" }).click();
    await page.getByText("Connection lost.").waitFor();

    await context.setOffline(false);

    await page.getByRole("link", { name: "mirror" }).waitFor();
    await page.getByText("Connection lost.").waitFor({ state: "hidden" });
  });
});
