import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { hasBrowser } from "../helpers/browser.ts";
import { image } from "../helpers/images.ts";
import { type PlatformSignInOptions, startPlatformSignIn } from "../helpers/platform-sign-in.ts";
import { type Dashboard, startDashboard } from "./support/dashboard.ts";

describe.runIf(hasBrowser())("the dashboard behind the platform's sign-in", () => {
  let dashboard: Dashboard;
  const startFront = (toScripts: PlatformSignInOptions["toScripts"] = "redirect") =>
    startPlatformSignIn({ service: dashboard.api.url, toScripts });

  beforeAll(async () => {
    dashboard = await startDashboard({
      keys: ["a key that nobody has"],
      settings: { API_SIGN_IN: "platform", WEBSITE_AUTH_ENABLED: "True" }, // the second one is the platform's to set
    });
    await dashboard.api.source.seedImage("team/app", "1", image({ layers: [20_000] }));
  });
  afterAll(() => dashboard[Symbol.asyncDispose]());

  it("signs in by itself, asks for no key where API_SIGN_IN says platform, and may read and change", async () => {
    const { api, open } = dashboard;
    await using front = await startFront();
    await using visit = await open("#/start", { url: front.origin });
    const { page } = visit;
    await page.getByLabel("Source", { exact: true }).fill(`${api.source.host}/team/app:1`);
    await page.getByLabel("Target tags").fill("behind/app:1");

    await page.getByRole("button", { name: "Show the plan" }).click();
    await page.getByRole("button", { name: "Start this import" }).click();
    await page.locator(".badge", { hasText: "Succeeded" }).waitFor();

    await page.getByText('-H "Authorization: Bearer $DRAYAGE_TOKEN"').waitFor();
    expect(await page.getByText("x-functions-key").count()).toBe(0);
    expect(await page.getByLabel("Function key").count()).toBe(0);
    expect(front.sessions).toHaveLength(1);
    expect(new Set(front.passed.map(({ user }) => user)).size).toBe(1);
    expect(Object.keys(api.target.tags("behind/app"))).toEqual(["1"]);
  });

  it.each(["redirect", "unauthorized"] as const)(
    "says that the session has ended when scripts get %s, asks for nothing more, and goes on once it is loaded again",
    async (toScripts) => {
      await using front = await startFront(toScripts);
      await using visit = await dashboard.open("#/rules", { url: front.origin });
      const { page } = visit;
      await page.getByText("No rule yet.").waitFor();
      const passed = front.passed.length;

      front.endSessions();
      await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))"); // the tab is looked at again
      await page.getByText("Your session has ended. Load the page again to sign in.").waitFor();
      const asked = visit.requests.paths.length;
      await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))");
      expect(await page.getByLabel("Function key").count()).toBe(0);
      expect(visit.requests.paths).toHaveLength(asked);
      expect(front.passed).toHaveLength(passed);
      await page.getByRole("button", { name: "Load again" }).click();

      await page.getByText("No rule yet.").waitFor();
      expect(front.sessions).toHaveLength(2);
      expect(page.url()).toBe(`${front.origin}/#/rules`);
    },
  );

  it("keeps sessions and names out of addresses, of the page's storage and of the service's log", async () => {
    const written = vi.spyOn(process.stdout, "write");
    await using front = await startFront();
    await using visit = await dashboard.open("#/overview", { url: front.origin });
    const { page } = visit;
    await page.getByRole("heading", { name: "Running now" }).waitFor();
    const missing = { source: `${dashboard.api.source.host}/missing/app:1` };
    const signedIn = { "x-ms-client-principal-id": front.passed[0]?.user ?? "" };
    const ended = await dashboard.api.post("/api/imports?wait=100", missing, signedIn); // which is logged
    expect(ended.status).toBe(200);

    const stored = await page.evaluate("JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])");
    const lines = written.mock.calls.map(([line]) => String(line));
    written.mockRestore();
    const [session = ""] = front.sessions;
    const user = front.passed[0]?.user ?? "";
    const seen = JSON.stringify([
      page.url(),
      visit.requests.paths,
      front.passed.map(({ path }) => path),
      stored,
      lines,
    ]);
    expect(lines.join("")).toContain("import-ended");
    expect([session, user].map((text) => text.length > 30 && !seen.includes(text))).toEqual([true, true]);
  });
});
