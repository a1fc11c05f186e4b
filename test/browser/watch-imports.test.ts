import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createImportId } from "../../src/domain/import-id.ts";
import { refusal } from "../../src/local/registry/call.ts";
import { createImports } from "../../src/store/imports.ts";
import { createTableAccess } from "../../src/store/storage-client.ts";
import { hasBrowser } from "../helpers/browser.ts";
import { fault } from "../helpers/faults.ts";
import { image, multiPlatformImage } from "../helpers/images.ts";
import { readImport } from "../host/api-support/start-api.ts";
import { aRecord, aSpec } from "../unit/domain/records.ts";
import { type Dashboard, findBarriers, startDashboard } from "./support/dashboard.ts";

/** In the browser: whether all of an element can be seen without scrolling. */
const isInView = `(selector) => {
  const { top, bottom } = document.querySelector(selector).getBoundingClientRect();
  return top >= 0 && bottom <= innerHeight;
}`;

describe.runIf(hasBrowser())("watching imports on the dashboard", () => {
  let dashboard: Dashboard;
  const from = (image = "team/app:1") => `${dashboard.api.source.host}/${image}`;
  /** An import that does not go on until the test lets it. */
  const startHeld = async (tag: string) => {
    const { api } = dashboard;
    const hold = api.source.hold({ kind: "manifest-get" });
    const { id } = await readImport(await api.post("/api/imports", { source: from(), targetTags: [tag] }));
    await hold.reached;
    return { id, release: hold.release };
  };

  beforeAll(async () => {
    dashboard = await startDashboard();
    await dashboard.api.source.seedImage("team/app", "1", multiPlatformImage());
  });
  afterAll(() => dashboard[Symbol.asyncDispose]());

  it("cancels in one tab, and another one shows it", async () => {
    const { id, release } = await startHeld("cancelled/app:1");
    await using one = await dashboard.open(`#/import/${id}`);
    await using other = await dashboard.open(`#/import/${id}`);
    await other.page.getByText("Resolving").first().waitFor();

    await one.page.getByRole("button", { name: "Cancel" }).click();

    await one.page.locator(".badge", { hasText: "Cancelled" }).waitFor();
    await other.page.locator(".badge", { hasText: "Cancelled" }).waitFor();
    release();
  });

  it("shows what was copied while it is read back, and how much of it was read", async () => {
    const { api, open } = dashboard;
    const hold = api.target.hold({ kind: "blob-get" });
    const request = { source: from(), targetTags: ["read-back/app:1"], platforms: ["linux/amd64"], verify: "full" };
    const { id } = await readImport(await api.post("/api/imports", request));
    await hold.reached;
    await using visit = await open(`#/import/${id}`);
    const { page } = visit;

    await page.locator(".badge", { hasText: "Verifying" }).waitFor();
    await page.getByText("100 %").waitFor();
    await page.getByText(/^0 of \d+ blobs read back$/).waitFor();
    hold.release();
    await page.locator(".badge", { hasText: "Succeeded" }).waitFor();

    await page.getByText(/^(\d+) of \1 blobs read back: (.+) of \2$/).waitFor();
  });

  it("says of an import that waited for its turn how long it did, besides how long it took", async () => {
    const startedAt = "2026-03-01T10:05:00.000Z";
    const progress = {
      ...{ manifests: { total: 1, done: 1 }, blobs: { total: 1, done: 1 }, bytesPerSecond: 0 },
      bytes: { total: 1, copied: 1, mounted: 0, skipped: 0 },
    };
    const ended = { state: "Succeeded", startedAt, finishedAt: "2026-03-01T10:05:42.000Z", progress } as const;
    const record = aRecord({ ...ended, id: createImportId(new Date(), "waited") });
    const access = createTableAccess({ storage: { connectionString: dashboard.api.storage }, tablePrefix: "" });
    await createImports(access).insert(record);
    access.close();
    await using visit = await dashboard.open(`#/import/${record.id}`);

    await visit.page.getByText("took 42s after 5m 00s of waiting for its turn").waitFor();
  });

  it("shows how long each stage took, and which one a failed import never came to", async () => {
    const { api, open } = dashboard;
    const done = await api.importAndWait({ source: from(), targetTags: ["timed/app:1"] });
    const failed = await api.importAndWait({ source: from("missing/app:1") });
    await using visit = await open(`#/import/${done.id}`);
    const { page } = visit;
    const stages = page.getByRole("list", { name: "Stages" }).getByRole("listitem");
    await page.locator(".badge", { hasText: "Succeeded" }).waitFor();
    expect(await stages.locator("span:first-child").allTextContents()).toEqual(done.timeline.map(({ state }) => state));
    expect(await stages.locator(".took").allTextContents()).toEqual(Array(4).fill(expect.stringMatching(/^[\d.]+s$/)));

    await page.goto(`${api.url}/#/import/${failed.id}`);

    await page.locator(".badge", { hasText: "Failed" }).waitFor();
    await stages.filter({ hasText: "Publishing" }).getByText("not reached").waitFor();
    await stages.filter({ hasText: "Resolving" }).getByText("failed here").waitFor();
    await page.getByText("It failed before its parts were known.").waitFor();
  });

  it("tells why an import failed and what to do, and retries it once that is done", async () => {
    const { api, open } = dashboard;
    const { id } = await api.importAndWait({ source: from("late/app:1") });
    await using visit = await open(`#/import/${id}`);
    const { page } = visit;
    const card = page.locator(".card.bad");
    await card.getByText(`source ${api.source.host}: late/app:1 is not there`).waitFor();
    expect(await card.getByText(/check repository and tag/).count()).toBe(1); // the hint, apart from the message
    expect(await card.getByText("Check repository and tag.").isVisible()).toBe(false); // the same in other words
    await card.getByText("About SOURCE_NOT_FOUND").click();
    await card.getByText("Check repository and tag.").waitFor();
    await card.getByRole("link", { name: "SOURCE_NOT_FOUND among all errors" }).click();
    await page.locator(".wanted").getByText("Check repository and tag.").waitFor();
    await page.waitForFunction(isInView, ".wanted");
    await page.goBack();

    await api.source.seedImage("late/app", "1", image({ seed: "late" }));
    await page.getByRole("button", { name: "Retry", exact: true }).focus();
    await page.keyboard.press("Enter");

    await page.locator(".badge", { hasText: "Succeeded" }).waitFor();
    await page.getByText("Failed:").waitFor({ state: "hidden" });
    await page.locator(".actions:focus").waitFor(); // the button is gone, and the reader is where it was
  });

  it("shows the truth to a tab whose button comes too late", async () => {
    const { api, open } = dashboard;
    const { id } = await api.importAndWait({ source: from("twice/app:1") });
    await using one = await open(`#/import/${id}`);
    await using other = await open(`#/import/${id}`);
    for (const { page } of [one, other]) await page.locator(".badge", { hasText: "Failed" }).waitFor();
    await api.source.seedImage("twice/app", "1", image({ seed: "twice" }));
    await one.page.getByRole("button", { name: "Retry", exact: true }).click();
    await one.page.locator(".badge", { hasText: "Succeeded" }).waitFor();

    await other.page.getByRole("button", { name: "Retry", exact: true }).click();

    await other.page.getByText("Retrying failed: Import state conflict").waitFor();
    await other.page.locator(".badge", { hasText: "Succeeded" }).waitFor();
    expect(await readImport(await api.get(`/api/imports/${id}`))).toMatchObject({ state: "Succeeded", attempt: 2 });
  });

  it("deletes what has ended once that is confirmed", async () => {
    const { api, open } = dashboard;
    const { id } = await api.importAndWait({ source: from(), targetTags: ["forgotten/app:1"] });
    await using visit = await open(`#/import/${id}`);
    const { page } = visit;

    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByRole("button", { name: "Keep it" }).click();
    await page.getByRole("button", { name: "Delete" }).click();
    expect((await api.get(`/api/imports/${id}`)).status).toBe(200);
    await page.getByRole("button", { name: "Delete it" }).click();

    await page.getByRole("heading", { name: "This import was deleted" }).waitFor();
    expect((await api.get(`/api/imports/${id}`)).status).toBe(404);
    expect(Object.keys(api.target.tags("forgotten/app"))).toEqual(["1"]);
  });

  it("moves in the list by itself", async () => {
    const { release } = await startHeld("listed/app:1");
    await using visit = await dashboard.open(`#/imports?target=${dashboard.api.target.host}`);
    const row = visit.page.getByRole("row", { name: "listed/app:1" });
    await row.getByText("Resolving").waitFor();

    release();

    await row.getByText("Succeeded").waitFor();
  });

  it("shows a lost connection, and heals by itself", async () => {
    const { release, id } = await startHeld("lost/app:1");
    await using visit = await dashboard.open(`#/import/${id}`);
    const { page, context } = visit;
    await page.getByText("Resolving").first().waitFor();

    await context.setOffline(true);
    await page.getByText("Connection lost.").waitFor();
    release();
    await dashboard.api.untilState(id, "Succeeded");
    expect(await page.locator(".badge").textContent()).toBe("Resolving");
    await context.setOffline(false);

    await page.locator(".badge", { hasText: "Succeeded" }).waitFor();
    await page.getByText("Connection lost.").waitFor({ state: "hidden" });
  });

  it("says so when what it shows is deleted", async () => {
    const { api, open } = dashboard;
    const { id } = await api.importAndWait({ source: from(), targetTags: ["deleted/app:1"] });
    await using visit = await open(`#/import/${id}`);
    await visit.page.locator(".badge", { hasText: "Succeeded" }).waitFor();

    await api.delete(`/api/imports/${id}`);
    await visit.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))"); // the tab is looked at again

    await visit.page.getByRole("heading", { name: "This import was deleted" }).waitFor();
  });

  it("shows what registries and callers say as text", async () => {
    const { api, open } = dashboard;
    const markup = `<img src=x onerror="alert(1)"><script>alert(2)</script>`;
    const refuse = async () => refusal(403, "DENIED", `no ${markup}`);
    api.target.addFault(fault("hostile", { kind: "upload-start", repository: "hostile/app" }, refuse));
    await api.source.seedImage("hostile/app", "1", image({ seed: "hostile" })); // nothing of it can be mounted
    const labels = { "<b>team</b>": markup };
    const { id } = await api.importAndWait({ source: from("hostile/app:1"), labels });
    await using visit = await open(`#/import/${id}`);
    const { page } = visit;

    await page.getByText(`DENIED no ${markup}`).waitFor();
    await page.getByText(`<b>team</b> = ${markup}`).waitFor();

    expect(await page.locator("main img, main b, main script").count()).toBe(0);
  });

  it("keeps what is typed into a filter while the connection is lost and found", async () => {
    await using visit = await dashboard.open("#/imports");
    const { page, context } = visit;
    const label = page.getByRole("textbox", { name: "Label" });
    await label.pressSequentially("team=w");

    await context.setOffline(true);
    await page.evaluate("window.dispatchEvent(new Event('online'))"); // asks at once
    await page.getByText("Connection lost.").waitFor();
    expect(await label.inputValue()).toBe("team=w");
    await context.setOffline(false);
    await page.getByText("Connection lost.").waitFor({ state: "hidden" });
    expect(await label.inputValue()).toBe("team=w");
    await label.press("Enter");

    await page.waitForURL("**/#/imports?label=team%3Dw");
  });

  it("filters, turns pages, and says how far it looks for what is rare", async () => {
    const { api, open } = dashboard;
    const access = createTableAccess({ storage: { connectionString: api.storage }, tablePrefix: "" });
    const imports = createImports(access);
    const records = Array.from({ length: 130 }, (_, at) => {
      const createdAt = new Date(Date.UTC(2026, 0, 1, 12, 0, at));
      const labels: Readonly<Record<string, string>> = at === 0 ? { team: "rare" } : {};
      const spec = aSpec({ source: { registry: "old.example", repository: `old/app${at}`, tag: "1" }, labels });
      return aRecord({
        id: createImportId(createdAt, String(at)),
        createdAt: createdAt.toISOString(),
        state: "Skipped",
        spec,
      });
    });
    await Promise.all(records.map((record) => imports.insert(record)));
    access.close();
    await using visit = await open();
    const { page } = visit;

    await page.getByLabel("Source registry").fill("old.example");
    await page.getByLabel("Source registry").press("Enter");
    await page.getByText("50 imports on this page.").waitFor();
    await page.getByRole("link", { name: "old/app129:1" }).waitFor();
    await page.getByRole("button", { name: "Older" }).click();
    await page.getByRole("link", { name: "old/app79:1" }).waitFor();
    await page.getByRole("button", { name: "Newer" }).click();
    await page.getByRole("link", { name: "old/app129:1" }).waitFor();

    await page.getByLabel("Label").fill("team=rare");
    await page.getByLabel("Label").press("Enter");
    await page.getByRole("link", { name: "old/app0:1" }).waitFor();
    await page.getByText("1 import on this page.").waitFor();
    expect(visit.requests.paths.filter((path) => path.includes("label=")).length).toBeGreaterThanOrEqual(3);
    expect(page.url()).toContain("label=team%3Drare");

    await page.getByRole("button", { name: "Show all" }).click();
    await page.getByRole("combobox", { name: "State" }).selectOption("Publishing");
    await page.getByText("No import matches.").waitFor();
  });

  it.each(["light", "dark"] as const)("has no serious barriers in %s colours", async (colours) => {
    const { api, open } = dashboard;
    const { id: failed } = await api.importAndWait({ source: from("missing/app:1") });
    const { id: done } = await api.importAndWait({ source: from(), targetTags: [`${colours}/app:1`] });
    await using visit = await open();
    const { page } = visit;
    await page.getByLabel("Colours").selectOption(colours);
    const barriers: Record<string, readonly string[]> = {};
    for (const [hash, sign] of [
      ["#/imports", "Source → target"],
      [`#/import/${failed}`, "About SOURCE_NOT_FOUND"],
      [`#/import/${done}`, "linux/amd64"],
      ["#/start", "If a target tag exists"],
      ["#/errors", "Cure:"],
    ] as const) {
      await page.goto(`${api.url}/${hash}`);
      await page.getByText(sign).first().waitFor();
      barriers[hash] = await findBarriers(page);
    }

    expect(Object.values(barriers).flat()).toEqual([]);
  });

  it("fits a narrow screen", async () => {
    await using visit = await dashboard.open();
    const { page } = visit;
    await page.setViewportSize({ width: 360, height: 780 });
    await page.getByRole("table").waitFor();

    expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(360);
    const labels = await page.evaluate(
      "[...document.querySelectorAll('tbody tr:first-child td')].map((cell) => getComputedStyle(cell, '::before').content)",
    );
    expect(labels).toEqual(expect.arrayContaining(['"Trigger"', '"Created"'])); // the head is not to be seen
    expect(await page.getByRole("cell").count()).toBeGreaterThan(0); // although laid out as blocks
  });
});
