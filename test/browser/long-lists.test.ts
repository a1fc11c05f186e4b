import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createImportId } from "../../src/domain/import-id.ts";
import { createImports } from "../../src/store/imports.ts";
import { createTableAccess } from "../../src/store/storage-client.ts";
import { hasBrowser } from "../helpers/browser.ts";
import { aRecord, aSpec } from "../unit/domain/records.ts";
import { type Dashboard, startDashboard } from "./support/dashboard.ts";

/** Lets time pass on a page whose clock stands still, until it shows this; a minute is enough for two looks. */
async function passUntil(page: Page, text: string): Promise<void> {
  for (let seconds = 0; seconds < 70 && !(await page.getByText(text).isVisible()); seconds += 0.5) {
    await page.clock.runFor(500);
  }
  await page.getByText(text).waitFor();
}

describe.runIf(hasBrowser())("long lists on the dashboard", () => {
  let dashboard: Dashboard;
  const rareAt = [0, 120, 240];
  /** Imports that were made at these times, by name. */
  const seed = async (times: Readonly<Record<string, Date>>, labelled: (name: string) => boolean) => {
    const access = createTableAccess({ storage: { connectionString: dashboard.api.storage }, tablePrefix: "" });
    const imports = createImports(access);
    const records = Object.entries(times).map(([name, createdAt]) => {
      const labels: Readonly<Record<string, string>> = labelled(name) ? { team: "rare" } : {};
      const spec = aSpec({ source: { registry: "old.example", repository: name, tag: "1" }, labels });
      const id = createImportId(createdAt, name);
      return aRecord({ id, createdAt: createdAt.toISOString(), state: "Skipped", spec });
    });
    for (const record of records) await imports.insert(record);
    access.close();
  };

  beforeAll(async () => {
    dashboard = await startDashboard();
    const times = Array.from({ length: 250 }, (_, at) => [`old/app${at}`, new Date(Date.UTC(2026, 0, 1, 12, 0, at))]);
    await seed(Object.fromEntries(times), (name) => rareAt.some((at) => name === `old/app${at}`));
  });
  afterAll(() => dashboard[Symbol.asyncDispose]());

  it("keep what a filter has found far back when new imports come, and do not look for it again", async () => {
    await using visit = await dashboard.open("#/imports?label=team%3Drare", { hasHandClock: true });
    const { page } = visit;
    await passUntil(page, "3 imports on this page.");
    await page.evaluate(`
      fewestRows = 3;
      new MutationObserver(() => {
        fewestRows = Math.min(fewestRows, document.querySelectorAll("tbody tr").length);
      }).observe(document.body, { childList: true, subtree: true });
    `);
    const before = visit.requests.paths.length;

    await seed(
      Object.fromEntries(["one", "two", "three"].map((name) => [`new/${name}`, new Date()])),
      (name) => name === "new/two",
    );
    await passUntil(page, "4 imports on this page.");

    expect(await page.getByRole("link", { name: "new/two:1" }).isVisible()).toBe(true);
    expect(await page.evaluate("fewestRows")).toBe(3);
    expect(visit.requests.paths.length - before).toBeLessThanOrEqual(2);
  });

  it("lead back to the page and the place that one has left", async () => {
    await using visit = await dashboard.open("#/imports?source=old.example&until=2026-02-01T00:00:00.000Z");
    const { page } = visit;
    await page.getByRole("button", { name: "Older" }).click();
    await page.getByRole("link", { name: "old/app199:1" }).waitFor();
    await page.evaluate("window.scrollTo(0, 700)");
    const link = page.getByRole("link", { name: "old/app180:1" });
    await link.scrollIntoViewIfNeeded(); // as the click would
    const place = await page.evaluate("window.scrollY");

    await link.click();
    await page.getByRole("heading", { name: "old.example/old/app180:1" }).waitFor();
    expect(await page.evaluate("window.scrollY")).toBe(0);
    await page.goBack();

    await page.getByRole("link", { name: "old/app199:1" }).waitFor();
    await expect.poll(() => page.evaluate("window.scrollY")).toBe(place);
    expect(place).toBeGreaterThan(0);
    await page.reload();
    await page.getByRole("link", { name: "old/app199:1" }).waitFor();
    await page.getByRole("button", { name: "Newer" }).click();
    await page.getByRole("link", { name: "old/app249:1" }).waitFor();
  });

  it("keep the page that one turns until the next one is there, and begin that one at its head", async () => {
    await using visit = await dashboard.open("#/imports?source=old.example&until=2026-02-01T00:00:00.000Z");
    const { page } = visit;
    const first = page.getByRole("link", { name: "old/app249:1" });
    await first.waitFor();
    const held = Promise.withResolvers<void>();
    await page.route(/continuationToken=/, async (route) => {
      await held.promise;
      await route.continue();
    });

    await page.getByRole("button", { name: "Older" }).click();
    await page.locator("[aria-busy=true]").waitFor();
    expect(await first.count()).toBe(1);
    held.resolve();
    await page.getByRole("link", { name: "old/app199:1" }).waitFor();

    await page.locator(".paged:focus").waitFor();
    expect(await page.getByRole("columnheader", { name: "State" }).boundingBox()).toMatchObject({
      y: expect.closeTo(20, -2),
    });
  });

  it("take a time once it is entered, not with each of its digits", async () => {
    await using visit = await dashboard.open("#/imports?source=old.example");
    const { page } = visit;
    await page.getByRole("link", { name: "old/app249:1" }).waitFor();
    const before = await page.evaluate("history.length");

    await page.getByLabel("Created before").pressSequentially("01012026");
    await page.keyboard.press("Tab");
    await page.keyboard.type("1305");
    await page.keyboard.press("Enter");
    await page.waitForURL(/until=/);
    await page.getByText("No import matches.").or(page.getByText("on this page.")).waitFor();

    const untils = new Set(visit.requests.paths.filter((path) => path.includes("until=")));
    expect(untils.size).toBeLessThanOrEqual(1);
    expect(await page.evaluate("history.length")).toBe(before);
  });
});
