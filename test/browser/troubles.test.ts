import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasBrowser } from "../helpers/browser.ts";
import { type Dashboard, startDashboard } from "./support/dashboard.ts";

const lookAgain = "document.dispatchEvent(new Event('visibilitychange'))"; // the tab is looked at again

describe.runIf(hasBrowser())("the dashboard of a service in trouble", () => {
  let dashboard: Dashboard;
  const saveRule = (name: string) => {
    const source = { registry: dashboard.api.source.host, repositories: ["team/*"] };
    return fetch(`${dashboard.api.url}/api/rules/${name}`, { method: "PUT", body: JSON.stringify({ source }) });
  };

  beforeAll(async () => {
    dashboard = await startDashboard();
    await saveRule("kept");
  });
  afterAll(() => dashboard[Symbol.asyncDispose]());

  it.each([
    [429, { "retry-after": "1" }, "The service asks to slow down. Trying again by itself."],
    [500, {}, "The service answers with status 500. Trying again by itself."],
    [502, { "content-type": "text/html" }, "The service answers with status 502. Trying again by itself."],
    [503, { "retry-after": "1" }, "The service answers with status 503. Trying again by itself."],
    [200, { "content-type": "text/html" }, "Something before the service answered, and not with its data."],
  ])("says so when it answers %i, keeps what it showed, and heals by itself", async (status, headers, text) => {
    await using visit = await dashboard.open("#/rules");
    const { page } = visit;
    await page.getByRole("link", { name: "kept" }).waitFor();

    await page.route("**/api/**", (route) => route.fulfill({ status, headers, body: "<html>no</html>" }));
    await page.evaluate(lookAgain);
    await page.getByText(text).waitFor();
    expect(await page.getByRole("link", { name: "kept" }).isVisible()).toBe(true);
    await page.unroute("**/api/**");

    await page.getByText(/trying again by itself/i).waitFor({ state: "hidden" });
    await page.getByText("Loading failed").waitFor({ state: "hidden" });
  });

  it("counts down to the next try by the second, and tries when that time has come", async () => {
    await using visit = await dashboard.open("#/rules", { hasHandClock: true });
    const { page } = visit;
    await page.getByRole("link", { name: "kept" }).waitFor();
    const next = page.locator(".next-try span");
    await page.route("**/api/**", (route) => route.fulfill({ status: 503, headers: { "retry-after": "62" } }));
    await page.evaluate(lookAgain);

    await next.getByText("Next try in 1m 02s.").waitFor();
    await page.clock.runFor(3_100); // the count begins with the next frame
    await next.getByText("Next try in 59s.").waitFor();
    await page.clock.runFor(50_000);
    await next.getByText("Next try in 9s.").waitFor();
    await page.unroute("**/api/**");
    await page.clock.runFor(9_000);

    await next.waitFor({ state: "hidden" });
  });

  it("stands by its navigation when it does not understand what the service answers, and loads again", async () => {
    await using visit = await dashboard.open("#/errors");
    const { page } = visit;
    await page.route("**/api/rules", (route) => route.fulfill({ json: { rules: [null] } }));

    await page.getByRole("link", { name: "Rules" }).click();
    await page.getByRole("heading", { name: "This cannot be shown" }).waitFor();
    await page.getByRole("alert").getByText("The service was updated since this page was loaded").waitFor();
    await page.getByRole("link", { name: "Schedules" }).click();
    await page.getByRole("heading", { name: "Schedules" }).waitFor();
    await page.goBack();
    await page.getByRole("heading", { name: "This cannot be shown" }).waitFor();
    await page.unroute("**/api/rules");
    await page.getByRole("button", { name: "Load again" }).click();

    await page.getByRole("link", { name: "kept" }).waitFor();
  });

  it.each([
    [429, "status 429"],
    [500, "status 500"],
    [503, "status 503"],
    [200, "something before the service answered"],
  ])("says why there is nothing to see when it answers %i from the start", async (status, text) => {
    await using visit = await dashboard.open("#/errors");
    const { page } = visit;
    await page.route("**/api/**", (route) => route.fulfill({ status, body: "<html>no</html>" }));

    await page.getByRole("link", { name: "Rules" }).click();

    await page.getByRole("alert").getByText(`Loading failed: ${text}`).waitFor();
    await page.unroute("**/api/**");
    await page.getByRole("link", { name: "kept" }).waitFor();
  });

  it("asks for the key again when the one of this tab counts no more", async () => {
    await using visit = await dashboard.open("#/rules");
    const { page } = visit;
    await page.getByRole("link", { name: "kept" }).waitFor();

    await page.route("**/api/**", (route) => route.fulfill({ status: 401 }));
    await page.evaluate(lookAgain);
    await page.getByLabel("Function key").waitFor();
    expect(await page.getByRole("link", { name: "kept" }).isVisible()).toBe(false);
    await page.unroute("**/api/**");
    await page.getByLabel("Function key").fill("a key of today");
    await page.getByRole("button", { name: "Sign in" }).click();

    await page.getByRole("link", { name: "kept" }).waitFor();
  });

  it("says that access is refused where something before the service does so, asks for no key, and tries again", async () => {
    await using visit = await dashboard.open("#/rules");
    const { page } = visit;
    await page.getByRole("link", { name: "kept" }).waitFor();

    await page.route("**/api/**", (route) => route.fulfill({ status: 403, body: "<html>Ip Forbidden</html>" }));
    await page.evaluate(lookAgain);
    await page.getByRole("heading", { name: "Access refused" }).waitFor();
    expect(await page.getByRole("link", { name: "kept" }).isVisible()).toBe(false);
    expect(await page.getByLabel("Function key").count()).toBe(0);
    await page.unroute("**/api/**");
    await page.getByRole("button", { name: "Try again" }).click();

    await page.getByRole("link", { name: "kept" }).waitFor();
    expect(await page.getByRole("heading", { name: "Access refused" }).count()).toBe(0);
  });

  it("says what the service refuses, with its reason and its cure, and does not ask for a key", async () => {
    await using visit = await dashboard.open("#/start");
    const { page } = visit;
    await page.getByLabel("Source", { exact: true }).fill("elsewhere.example/team/app:1");
    await page.getByLabel("Target tags").fill("team/app:1");

    await page.getByRole("button", { name: "Show the plan" }).click();

    const alert = page.getByRole("alert");
    await alert.getByText("Planning failed: Host not allowed").waitFor();
    await alert.getByText("About HOST_NOT_ALLOWED").waitFor();
    expect(await page.getByLabel("Function key").count()).toBe(0);
  });

  it("says that a change did not reach the service, keeps what was filled in, and sends it when told again", async () => {
    await using visit = await dashboard.open("#/rule/kept");
    const { page, context } = visit;
    await page.getByLabel("Source repositories").fill("lib/*");

    await context.setOffline(true);
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByRole("alert").getByText("Saving failed: the service does not answer").waitFor();
    expect(await page.getByLabel("Source repositories").inputValue()).toBe("lib/*");
    await context.setOffline(false);
    await page.getByRole("button", { name: "Save" }).click();

    await page.getByText("Saved.").waitFor();
  });

  it.each([
    ["#/import/ZYBQCRXH6A447GN0B6YQ96XB0T", "There is no such import"],
    ["#/rule/nothing", "There is no rule nothing"],
    ["#/schedule/nothing", "There is no schedule nothing"],
    ["#/promotion/nothing", "There is no such promotion"],
    ["#/nowhere", "Not found"],
    ["#/import", "Not found"],
    ["#/import/.", "Not found"],
    ["#/promotion", "Not found"],
    ["#/rule/..", "Not found"],
  ])("says of %s that it is not there, and leads on", async (hash, title) => {
    await using visit = await dashboard.open(hash);
    const { page } = visit;

    await page.getByRole("heading", { name: title }).waitFor();
    expect(await page.locator("main a").count()).toBeGreaterThan(0);
  });

  it("says so when a rule is deleted while it is shown, keeps what is filled in, and makes it anew", async () => {
    await saveRule("short");
    await using visit = await dashboard.open("#/rule/short");
    const { page } = visit;
    await page.getByLabel("Source repositories").fill("lib/typed");

    await dashboard.api.delete("/api/rules/short");
    await page.evaluate(lookAgain);

    await page.getByText("It was deleted meanwhile").waitFor();
    expect(await page.getByLabel("Source repositories").inputValue()).toBe("lib/typed");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Saved.").waitFor();
    await page.getByText("It was deleted meanwhile").waitFor({ state: "hidden" });
    expect((await dashboard.api.get("/api/rules/short")).status).toBe(200);
  });
});
