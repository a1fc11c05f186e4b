import { afterAll, beforeAll, describe, expect, it } from "vitest";
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
    await failures.getByRole("link", { name: failed }).waitFor();
    await failures.getByRole("link", { name: "SOURCE_NOT_FOUND" }).click();
    await page.locator(".wanted").getByText("Check repository and tag.").waitFor();
    await page.goBack();

    hold.release();
    await page.getByRole("heading", { name: "Running now: 0" }).waitFor();
    await api.untilState(id, "Succeeded");
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
