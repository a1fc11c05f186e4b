import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { importViewSchema } from "../../src/domain/import-view.ts";
import { hasBrowser } from "../helpers/browser.ts";
import { multiPlatformImage } from "../helpers/images.ts";
import { type Dashboard, startDashboard, tabTo } from "./support/dashboard.ts";

describe.runIf(hasBrowser())("starting an import on the dashboard", () => {
  let dashboard: Dashboard;
  const from = () => `${dashboard.api.source.host}/team/app:1`;

  beforeAll(async () => {
    dashboard = await startDashboard();
    await dashboard.api.source.seedImage("team/app", "1", multiPlatformImage({ sharedLayers: [50_000] }));
  });
  afterAll(() => dashboard[Symbol.asyncDispose]());

  it("shows a plan, starts it, and follows it to its end", async () => {
    const { api, open } = dashboard;
    const hold = api.source.hold({ kind: "blob-get" });
    await using visit = await open("#/start");
    const { page } = visit;
    await page.getByLabel("Source", { exact: true }).fill(from());
    await page.getByLabel("Target tags").fill("watched/app:1");

    await page.getByRole("button", { name: "Show the plan" }).click();
    await page.getByText(/^5 blobs to copy/).waitFor();
    await page.getByText("linux/arm64/v8").waitFor();
    expect(api.target.countRequests({ kind: "upload-start" })).toBe(0);
    expect(visit.requests.paths.filter((path) => path.startsWith("/api/imports/"))).toEqual([]);

    await page.getByRole("button", { name: "Start this import" }).click();
    await page.getByRole("heading", { name: from() }).waitFor();
    await hold.reached;
    await page.getByRole("progressbar").waitFor();
    hold.release();

    await page.getByText("Succeeded").first().waitFor();
    await page.getByText("5 of 5 blobs, 3 of 3 manifests").waitFor();
    await page.getByText("100 %").waitFor();
    expect(Object.keys(api.target.tags("watched/app"))).toEqual(["1"]);
  });

  it("shows each layer below its platform with what became of it", async () => {
    const { api, open } = dashboard;
    const { id } = await api.importAndWait({ source: from(), targetTags: ["tree/app:1"] });
    await using visit = await open(`#/import/${id}`);
    const tree = visit.page.locator(".tree");

    await tree.getByText("linux/amd64").click();

    await tree.getByText("Config").waitFor();
    expect(await tree.getByText("Layer").count()).toBe(2);
    expect(await tree.locator(".way.copied, .way.mounted").count()).toBe(6); // the index, two manifests, three blobs
  });

  it("plans a mount where a second repository gets the same blobs", async () => {
    await using visit = await dashboard.open("#/start");
    const { page } = visit;
    await page.getByLabel("Source", { exact: true }).fill(from());
    await page.getByLabel("Target tags").fill("first/app:1\nsecond/app:1");

    await page.getByRole("button", { name: "Show the plan" }).click();

    await page.getByText(/^5 blobs to copy \(.+\), 5 blobs to mount/).waitFor();
    await page.getByText("A registry may refuse it").waitFor();
    const second = page.locator(".tree", { has: page.getByRole("heading", { name: "second/app" }) });
    await second.getByText("linux/amd64").click();
    await second.getByText("Config").waitFor();
    expect(await second.locator(".way.mount").count()).toBe(3);
  });

  it("says that nothing is to be done where all is there", async () => {
    const { api, open } = dashboard;
    await api.importAndWait({ source: from(), targetTags: ["there/app:1"] });
    await using visit = await open("#/start");
    const { page } = visit;
    await page.getByLabel("Source", { exact: true }).fill(from());
    await page.getByLabel("Target tags").fill("there/app:1");
    await page.getByLabel("If a target tag exists").selectOption("skipIfSame");

    await page.getByRole("button", { name: "Show the plan" }).click();

    await page.getByText("Nothing to do: the target holds all of it.").waitFor();
  });

  it("leads to the field that the service does not like", async () => {
    await using visit = await dashboard.open("#/start");
    const { page } = visit;
    await page.getByLabel("Source", { exact: true }).fill(from());
    await page.getByLabel("Target tags").fill("Not A Tag");

    await page.getByRole("button", { name: "Show the plan" }).click();

    await page.getByRole("alert").getByText("Planning failed").waitFor();
    const field = page.getByLabel("Target tags");
    await page.locator("#field-targetTags:focus").waitFor();
    expect(await field.getAttribute("aria-invalid")).toBe("true");
    expect(await page.getByRole("button", { name: "Start this import" }).count()).toBe(0);
  });

  it("unfolds the field that the service does not like, and leaves it open while it is mended", async () => {
    await using visit = await dashboard.open("#/start");
    const { page } = visit;
    await page.getByLabel("Source", { exact: true }).fill(from());
    await page.getByText("More", { exact: true }).click();
    await page.getByRole("textbox", { name: "Platforms" }).fill("not a platform");
    await page.getByText("More", { exact: true }).click();
    await page.getByRole("textbox", { name: "Platforms" }).waitFor({ state: "hidden" });

    await page.getByRole("button", { name: "Show the plan" }).click();

    await page.locator("#field-platforms:focus").waitFor();
    await page.keyboard.type("x");
    await page.getByRole("alert").waitFor({ state: "hidden" });
    await page.locator("#field-platforms:focus").waitFor();
  });

  it("sends a sparse index without platforms, too, and says at the box what is wrong about it", async () => {
    await using visit = await dashboard.open("#/start");
    const { page } = visit;
    await page.getByLabel("Source", { exact: true }).fill(from());
    await page.getByText("More", { exact: true }).click();
    await page.getByLabel(/^Keep the index/).check();

    await page.getByRole("button", { name: "Show the plan" }).click();

    await page.locator("[data-field=sparseIndex][aria-invalid=true]:focus").waitFor();
    await page.locator("#help-sparseIndex", { hasText: "goes with platforms only" }).waitFor();
  });

  it.each(["lost", "broken"] as const)("starts it once when the answer to the start is %s", async (fate) => {
    const { api, open } = dashboard;
    await using visit = await open("#/start");
    const { page } = visit;
    await page.getByLabel("Source", { exact: true }).fill(from());
    await page.getByLabel("Target tags").fill(`${fate}/app:1`);
    await page.getByRole("button", { name: "Show the plan" }).click();
    await page.getByRole("button", { name: "Start this import" }).waitFor();
    const started: unknown[] = [];
    await page.route("**/api/imports", async (route) => {
      started.push(await (await route.fetch()).json());
      await (fate === "lost" ? route.abort() : route.fulfill({ status: 502, body: "<html>no</html>" }));
    });

    await page.getByRole("button", { name: "Start this import" }).click();
    await page.getByRole("alert").getByText("It may have started").waitFor();
    expect(await page.getByText("Starting failed").count()).toBe(0);
    await page.unroute("**/api/imports");
    await page.getByRole("button", { name: "Try again to start it" }).click();

    await page.locator(".badge", { hasText: "Succeeded" }).waitFor();
    expect(started).toMatchObject([{ id: new URL(page.url()).hash.replace("#/import/", "") }]);
    const { imports } = z
      .object({ imports: z.array(importViewSchema) })
      .loose()
      .parse(await (await api.get("/api/imports?limit=200")).json());
    expect(imports.filter(({ target }) => target?.tags.includes(`${fate}/app:1`))).toHaveLength(1);
  });

  it("starts it once also where one looks elsewhere after the answer was lost", async () => {
    await using visit = await dashboard.open("#/start");
    const { page } = visit;
    await page.getByLabel("Source", { exact: true }).fill(from());
    await page.getByLabel("Target tags").fill("elsewhere/app:1");
    await page.getByLabel("If a target tag exists").selectOption("overwrite");
    const start = async () => {
      await page.getByRole("button", { name: "Show the plan" }).click();
      await page.getByRole("button", { name: "Start this import" }).click();
    };
    let id = "";
    await page.route("**/api/imports", async (route) => {
      if (route.request().postDataJSON().dryRun) return await route.continue();
      id = importViewSchema.parse(await (await route.fetch()).json()).id;
      await route.abort();
    });
    await start();
    await page.getByText("It may have started").waitFor();
    await page.getByRole("link", { name: "Errors", exact: true }).click();
    await page.getByRole("heading", { name: "Errors and cures" }).waitFor();
    await page.goBack();
    await page.getByText("This is what you had entered").waitFor();
    await page.unroute("**/api/imports");

    await start();

    await page.waitForURL(`**/#/import/${id}`);
  });

  it("keeps what was entered while one looks elsewhere, and in no storage", async () => {
    await using visit = await dashboard.open("#/start");
    const { page } = visit;
    await page.getByLabel("Source", { exact: true }).fill(from());
    await page.getByLabel("Target tags").fill("Not A Tag");
    await page.getByText("More", { exact: true }).click();
    await page.getByLabel("User name").fill("somebody");
    await page.getByLabel("Password or token").fill("hunter2");
    await page.getByRole("button", { name: "Show the plan" }).click();
    await page
      .getByRole("alert")
      .getByText(/^About /)
      .click();
    await page.getByRole("alert").getByText("Cure:").waitFor(); // without leaving the form
    expect(await page.getByLabel("Target tags").inputValue()).toBe("Not A Tag");

    await page.getByRole("link", { name: "Errors", exact: true }).click();
    await page.getByRole("heading", { name: "Errors and cures" }).waitFor();
    await page.goBack();

    await page.getByText("This is what you had entered").waitFor();
    expect(await page.getByLabel("Source", { exact: true }).inputValue()).toBe(from());
    const stored = await page.evaluate("JSON.stringify([{ ...localStorage }, { ...sessionStorage }])");
    expect(stored).not.toContain("hunter2");
    await page.getByRole("button", { name: "Begin anew" }).click();
    expect(await page.getByLabel("Target tags").inputValue()).toBe("");
  });

  it("stops planning when it is told to, and leads nobody away who has gone elsewhere", async () => {
    const { api, open } = dashboard;
    const hold = api.source.hold({ kind: "manifest-get" });
    await using visit = await open("#/start");
    const { page } = visit;
    await page.getByLabel("Source", { exact: true }).fill(`${api.source.host}/team/app:1`);
    await page.getByRole("button", { name: "Show the plan" }).click();
    await hold.reached;

    await page.getByRole("button", { name: "Stop planning" }).click();
    await page.getByText("Planning…").waitFor({ state: "hidden" });
    expect(await page.getByRole("alert").count()).toBe(0);
    hold.release();
    await page.getByRole("button", { name: "Show the plan" }).click();
    await page.getByRole("button", { name: "Start this import" }).waitFor();

    const answer = Promise.withResolvers<void>();
    await page.route("**/api/imports", async (route) => {
      await answer.promise;
      await route.continue();
    });
    const asked = page.waitForRequest((request) => request.method() === "POST");
    await page.getByRole("button", { name: "Start this import" }).click();
    const answered = (await asked).response();
    await page.getByRole("link", { name: "Rules" }).click();
    await page.getByText("No rule yet.").waitFor();
    const refreshed = page.waitForRequest(/api\/rules/); // what was done shows at once, wherever one is
    answer.resolve();
    await answered;
    await refreshed;
    expect(page.url()).toContain("#/rules");
  });

  it("has the focus as soon as it shows, so that who goes on by keyboard at once loses nothing", async () => {
    await using visit = await dashboard.open();
    const { page } = visit;
    await page.getByRole("heading", { name: "Imports" }).waitFor();

    const focused = page.evaluate(`new Promise((resolve) => {
      const look = () => {
        if (document.querySelector("main h1")?.textContent === "Start an import") resolve(document.activeElement.id);
      };
      new MutationObserver(look).observe(document.body, { childList: true, subtree: true, characterData: true });
    })`);
    await page.getByRole("link", { name: "Start an import" }).first().click();

    expect(await focused).toBe("main");
  });

  it("needs no mouse", async () => {
    await using visit = await dashboard.open();
    const { page } = visit;
    const focus = page.locator(":focus");
    await page.getByRole("heading", { name: "Imports" }).waitFor();

    await page.keyboard.press("Tab");
    expect(await focus.textContent()).toBe("Skip to content");
    await page.keyboard.press("Enter");
    await tabTo(page, "Start an import");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Start an import" }).waitFor();
    await tabTo(page, "Source");
    await page.keyboard.type(from());
    await tabTo(page, "Target tags");
    await page.keyboard.type("keyboard/app:1");
    await tabTo(page, "Show the plan");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "The plan" }).waitFor();
    await tabTo(page, "Start this import");
    await page.keyboard.press("Enter");

    await page.getByText("Succeeded").first().waitFor();
    expect(Object.keys(dashboard.api.target.tags("keyboard/app"))).toEqual(["1"]);
  });
});
