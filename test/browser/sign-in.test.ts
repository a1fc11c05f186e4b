import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasBrowser } from "../helpers/browser.ts";
import { startPlatformSignIn } from "../helpers/platform-sign-in.ts";
import { type Dashboard, startDashboard } from "./support/dashboard.ts";

const key = "right-key-of-this-app";

describe.runIf(hasBrowser())("signing in on the dashboard", () => {
  let dashboard: Dashboard;

  beforeAll(async () => {
    dashboard = await startDashboard({ keys: [key] });
  });
  afterAll(() => dashboard[Symbol.asyncDispose]());

  it("asks for the key, refuses a wrong one, and keeps the right one for the tab alone", async () => {
    await using visit = await dashboard.open();
    const { page, context } = visit;

    await page.getByLabel("Function key").fill("wrong");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("alert").getByText("The service does not take this key").waitFor();
    await page.getByLabel("Function key").fill(key);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByText("No import yet.").waitFor();
    await page.reload();
    await page.getByText("No import yet.").waitFor();

    expect(visit.requests.paths.filter((path) => path.includes(key))).toEqual([]);
    expect(page.url()).not.toContain(key);
    expect(await page.evaluate("JSON.stringify({ ...localStorage })")).not.toContain(key);
    expect(await context.cookies()).toEqual([]);
    const place = page.url();
    await page.close();
    const later = await context.newPage();
    await later.goto(place);
    await later.getByLabel("Function key").waitFor();
    expect(await later.getByRole("alert").count()).toBe(0);
  });

  it("asks for it beside a session of the platform, too, where the host wants one", async () => {
    await using front = await startPlatformSignIn({ service: dashboard.api.url, toScripts: "redirect" });
    await using visit = await dashboard.open("#/imports", { url: front.origin });
    const { page } = visit;

    await page.getByLabel("Function key").fill(key);
    await page.getByRole("button", { name: "Sign in" }).click();

    await page.getByText("No import yet.").waitFor();
    expect(front.sessions).toHaveLength(1);
  });

  it("refuses what no header can carry, and lets the key be changed", async () => {
    await using visit = await dashboard.open();
    const { page } = visit;
    await page.locator("#key:focus").waitFor();

    await page.keyboard.type("ключ");
    await page.keyboard.press("Enter");
    await page.getByText("this is something else").waitFor();
    await page.getByLabel("Function key").fill(key);
    await page.keyboard.press("Enter");
    await page.getByText("No import yet.").waitFor();
    await page.locator("#main:focus").waitFor();
    await page.getByRole("button", { name: "Change key" }).click();
    await page.getByRole("button", { name: "Keep the key that was given" }).click();

    await page.getByText("No import yet.").waitFor();
    await page.locator(":focus", { hasText: "Change key" }).waitFor();
  });

  it("drops a stored key that no header can carry", async () => {
    await using visit = await dashboard.open();
    const { page } = visit;
    await page.getByLabel("Function key").waitFor();
    await page.evaluate("sessionStorage.setItem('drayage.functions-key', 'ключ')");

    await page.reload();

    await page.getByLabel("Function key").waitFor();
  });

  it("works where the browser blocks site data", async () => {
    await using visit = await dashboard.open();
    const { page } = visit;
    await page.addInitScript(`
      for (const name of ["localStorage", "sessionStorage"])
        Object.defineProperty(window, name, { get: () => { throw new DOMException("denied", "SecurityError"); } });
    `);

    await page.reload();
    await page.getByLabel("Colours").selectOption("dark");
    await page.getByLabel("Function key").fill(key);
    await page.keyboard.press("Enter");

    await page.getByText("No import yet.").waitFor();
    expect(await page.evaluate("document.documentElement.dataset.theme")).toBe("dark");
  });

  it("asks for nothing more until there is a key", async () => {
    await using visit = await dashboard.open();

    await visit.page.getByLabel("Function key").waitFor();

    expect(visit.requests.paths.filter((path) => path.startsWith("/api/"))).toHaveLength(1);
  });
});
