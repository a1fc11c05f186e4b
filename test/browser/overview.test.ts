import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { overviewSchema } from "../../src/domain/overview.ts";
import { hasBrowser } from "../helpers/browser.ts";
import { image } from "../helpers/images.ts";
import { readImport } from "../host/api-support/start-api.ts";
import { type Dashboard, startDashboard } from "./support/dashboard.ts";

describe.runIf(hasBrowser())("the overview", () => {
  let dashboard: Dashboard;
  const from = (reference: string) => `${dashboard.api.source.host}/${reference}`;

  beforeAll(async () => {
    dashboard = await startDashboard();
    await dashboard.api.source.seedImage("team/app", "1", image({ layers: [50_000] }));
  });
  afterAll(() => dashboard[Symbol.asyncDispose]());

  it("says how to begin where nothing was imported yet", async () => {
    await using visit = await dashboard.open("");
    const { page } = visit;

    await page.getByText("Nothing was imported in this time.").waitFor();
    await page.getByText("No import runs.").waitFor();
    await page.getByText("Nothing has failed in this time.").waitFor();
  });

  it("counts what was imported, shows what runs, and leads from an error to its cure and to the import", async () => {
    const { api, open } = dashboard;
    await api.importAndWait({ source: from("team/app:1") });
    const { id: failed } = await api.importAndWait({ source: from("missing/app:1") });
    const hold = api.source.hold({ kind: "manifest-get" });
    const held = { source: from("team/app:1"), targetTags: ["held/app:1"] };
    const { id } = await readImport(await api.post("/api/imports", held));
    await hold.reached;
    await using visit = await open("#/overview?window=hour");
    const { page } = visit;

    await page.getByRole("heading", { name: "Running now: 1" }).waitFor();
    await page.getByRole("row", { name: "held/app:1" }).getByText("Resolving").waitFor();
    await page.locator(".chart canvas").first().waitFor();
    await page.getByText("Numbers").first().click();
    const numbers = page.getByRole("table", { name: "Imports", exact: true }).getByRole("row").last();
    expect(await numbers.getByRole("cell").allTextContents()).toHaveLength(5);
    const failures = page.getByRole("table", { name: "Failures by error code" });
    await failures.getByRole("link", { name: from("missing/app:1") }).waitFor();
    await failures.getByText("missing/app:1 is not there").waitFor();
    expect(await page.getByRole("heading", { level: 2 }).allTextContents()).toEqual(["Failed: 1", "Running now: 1"]);
    await failures.getByRole("link", { name: "1 that failed with SOURCE_NOT_FOUND" }).click();
    await page.getByText("1 import on this page.").waitFor();
    expect(await page.getByLabel("Error").inputValue()).toBe("SOURCE_NOT_FOUND");
    expect(page.url()).toContain("endedSince=");
    await page.getByRole("link", { name: from("missing/app:1") }).click();
    await page.getByRole("heading", { name: from("missing/app:1") }).waitFor();
    await page.waitForFunction("document.title.includes('missing/app:1')");
    expect(page.url()).toContain(failed);
    await page.goBack();
    await page.goBack();
    await failures.getByRole("link", { name: "SOURCE_NOT_FOUND", exact: true }).click();
    await page.locator(".wanted").getByText("Check repository and tag.").waitFor();
    await page.goBack();

    hold.release();
    await page.getByRole("heading", { name: "Running now: 0" }).waitFor();
    await api.untilState(id, "Succeeded");
  });

  it("reads out each bar by arrow keys as the table has it, and moves nothing meanwhile", async () => {
    await using visit = await dashboard.open("#/overview?window=hour", { viewport: { width: 360, height: 780 } });
    const { page } = visit;
    const chart = page.locator(".chart").first();
    await chart.getByText("Point at a bar").waitFor();
    const readings: (string | null)[] = [];
    const heights = new Set([(await chart.boundingBox())?.height]);

    await chart.getByRole("slider", { name: "Imports" }).focus();
    await page.keyboard.press("Home");
    for (let bar = 0; bar < 12; bar += 1) {
      const text = await chart.locator("output").textContent();
      expect(await chart.getByRole("slider").getAttribute("aria-valuetext")).toBe(text);
      heights.add((await chart.boundingBox())?.height);
      readings.push(text);
      await page.keyboard.press("ArrowRight");
    }

    await chart.getByText("Numbers").click();
    const names = ["Succeeded", "Skipped", "Running", "Cancelled", "Failed"];
    const rows = await Promise.all(
      (await chart.getByRole("row").all()).slice(1).map(async (row) => {
        const cells = await row.getByRole("cell").allTextContents();
        const counts = names.flatMap((name, at) => (cells[at] === "0" ? [] : [`${name} ${cells[at]}`]));
        return [await row.getByRole("rowheader").textContent(), counts.join(", ") || "nothing"];
      }),
    );
    const told = readings.map((text) => /^(.+) to .+?: (.+)$/.exec(text ?? "")?.slice(1));
    expect(told).toEqual(rows);
    expect(told.filter((reading) => reading?.[1] !== "nothing")).not.toEqual([]);
    expect(heights.size).toBe(1);
  });

  it("reads out the bar below the pointer or finger, and marks it without any motion", async () => {
    await using visit = await dashboard.open("#/overview?window=hour", { hasTouch: true });
    const { page } = visit;
    const chart = page.locator(".chart").first();
    const area = await chart.locator(".u-over").boundingBox();
    if (area === null) throw new Error("the chart has no area");
    const [x, y] = [area.x + area.width / 24, area.y + area.height / 2]; // in the middle of the first of 12 bars
    const firstBar = await chart.getByRole("rowheader", { includeHidden: true }).first().textContent();

    await page.mouse.move(x, y);
    await chart.getByText(`${firstBar} to`).waitFor();
    const mark = await chart.locator(".bar-mark").boundingBox();
    expect([mark?.x, mark?.width].map((size = 0) => Math.round(size))).toEqual(
      [area.x, area.width / 12].map(Math.round),
    );
    expect(await chart.locator(".bar-mark").evaluate((element) => element.getAnimations().length)).toBe(0);
    await page.mouse.move(0, 0);
    await chart.getByText("Point at a bar").waitFor();
    await page.touchscreen.tap(x, y);

    await chart.getByText(`${firstBar} to`).waitFor();
    await page.keyboard.press("ArrowRight");
    await chart.getByText(`${firstBar} to`).waitFor({ state: "hidden" });
  });

  it("says what its numbers leave out, and leads to just those imports that it counts", async () => {
    await using visit = await dashboard.open("#/overview?window=hour");
    const { page } = visit;
    let since = "";
    await page.route("**/api/overview?*", async (route) => {
      const response = await route.fetch({ headers: { "cache-control": "no-cache" } });
      const overview = overviewSchema.parse(await response.json());
      since = overview.buckets.at(-3)?.at ?? "";
      await route.fulfill({ json: { ...overview, countedSince: since } });
    });

    await page.getByRole("link", { name: "Last day" }).click();

    await page.getByRole("heading", { name: "Failed: 1 of those created since" }).waitFor();
    await page.getByText("Not all of them are counted").waitFor();
    const chart = page.locator(".chart").first();
    await chart.getByRole("slider").focus();
    await page.keyboard.press("Home");
    await chart
      .locator("output")
      .getByText(/: not counted$/)
      .waitFor();
    const [area, uncounted] = [chart.locator(".u-over"), chart.locator(".bars-uncounted")];
    const widths = await Promise.all([area, uncounted].map(async (part) => (await part.boundingBox())?.width ?? 0));
    expect((widths[1] ?? 0) / (widths[0] ?? 0)).toBeCloseTo(21 / 24);
    await chart.getByText("Numbers").click();
    expect(await chart.getByRole("cell", { name: "not counted" }).count()).toBe(21 * 5);
    await page.getByRole("link", { name: "All of these that failed" }).click();
    await page.getByText("1 import on this page.").waitFor();
    expect(new URLSearchParams(page.url().split("?")[1]).get("since")).toBe(since);
  });

  it("keeps to the window that its address names", async () => {
    await using visit = await dashboard.open("#/overview?window=week");
    const { page } = visit;
    await page.getByRole("link", { name: "Last week", exact: true }).and(page.locator("[aria-current]")).waitFor();

    await page.getByRole("link", { name: "Last hour" }).click();

    await page.getByRole("link", { name: "Last hour", exact: true }).and(page.locator("[aria-current]")).waitFor();
    expect(page.url()).toContain("window=hour");
    expect(visit.requests.paths.some((path) => path === "/api/overview?window=hour")).toBe(true);
  });
});
