import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createImportId } from "../../src/domain/import-id.ts";
import { createImports } from "../../src/store/imports.ts";
import { createOpen } from "../../src/store/open.ts";
import { createTableAccess } from "../../src/store/storage-client.ts";
import { hasBrowser } from "../helpers/browser.ts";
import { aRecord } from "../unit/domain/records.ts";
import { type Dashboard, startDashboard, type Visit } from "./support/dashboard.ts";

const runningImports = 50;

describe.runIf(hasBrowser())("what an open dashboard costs", () => {
  let busy: Dashboard;

  beforeAll(async () => {
    busy = await startDashboard();
    const access = createTableAccess({ storage: { connectionString: busy.api.storage }, tablePrefix: "" });
    const [imports, open] = [createImports(access), createOpen(access)];
    const now = new Date();
    for (let at = 0; at < runningImports; at += 1) {
      const id = createImportId(now, `running ${at}`);
      const deadlineAt = new Date(now.getTime() + 3_600_000).toISOString();
      await imports.insert(aRecord({ id, state: "Resolving", createdAt: now.toISOString(), deadlineAt }));
      await open.insert({ id, createdAt: now.toISOString(), attempt: 1 });
    }
    access.close();
  });
  afterAll(() => busy[Symbol.asyncDispose]());

  it.each([
    ["#/imports", "50 imports on this page."],
    ["#/overview", "Running now: 50"],
  ])("is a request per 2 s at most on %s while 50 imports run", async (hash, sign) => {
    await using visit = await busy.open(hash, { hasHandClock: true });
    await visit.page.getByText(sign).waitFor();

    const sent = await pass(visit, { seconds: 60, stepSeconds: 0.5 });

    expect(sent).toBeLessThanOrEqual(30);
    expect(sent).toBeGreaterThan(20); // it still moves
  });

  it("is a request per 30 s at most while nothing runs", async () => {
    await using visit = await busy.open("#/rules", { hasHandClock: true });
    await visit.page.getByText("No rule yet.").waitFor();

    const sent = await pass(visit, { seconds: 300, stepSeconds: 2.5 });

    expect(sent).toBeLessThanOrEqual(10);
    expect(sent).toBeGreaterThan(5);
  });

  it.each(["#/imports", "#/rules"])(
    "is nothing while %s is hidden, and a request when it is shown again",
    async (hash) => {
      await using visit = await busy.open(hash, { hasHandClock: true });
      const { page } = visit;
      await page.getByText(/50 imports on this page|No rule yet/).waitFor();
      const show = (state: "hidden" | "visible") =>
        page.evaluate(
          `Object.defineProperty(document, "visibilityState", { value: "${state}", configurable: true });
        document.dispatchEvent(new Event("visibilitychange"))`,
        );

      await show("hidden");
      const hidden = await pass(visit, { seconds: 300, stepSeconds: 10 });
      const shown = visit.page.waitForResponse((response) => response.url().includes("/api/"));
      await show("visible");

      expect(hidden).toBe(0);
      expect([200, 304]).toContain((await shown).status());
    },
  );
});

/** Lets time pass on the page's clock in steps, each of which ends when its answers have come; the requests sent. */
async function pass(visit: Visit, { seconds, stepSeconds }: { seconds: number; stepSeconds: number }): Promise<number> {
  const { page, requests } = visit;
  const open = new Set<object>();
  let quiet = () => {};
  page.on("request", (request) => open.add(request));
  const close = (request: object) => {
    open.delete(request);
    if (open.size === 0) quiet();
  };
  page.on("requestfinished", close);
  page.on("requestfailed", close);
  const before = requests.paths.length;
  for (let passed = 0; passed < seconds; passed += stepSeconds) {
    await page.clock.runFor(stepSeconds * 1_000);
    if (open.size > 0) await new Promise<void>((resolve) => (quiet = resolve));
    await page.evaluate("new Promise((resolve) => queueMicrotask(resolve))"); // the page has read the answer by then
  }
  return requests.paths.slice(before).filter((path) => path.startsWith("/api/")).length;
}
