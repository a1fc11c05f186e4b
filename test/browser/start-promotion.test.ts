import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasBrowser } from "../helpers/browser.ts";
import { image } from "../helpers/images.ts";
import { type Dashboard, findBarriers, startDashboard, tabTo } from "./support/dashboard.ts";

describe.runIf(hasBrowser())("starting a promotion on the dashboard", () => {
  let dashboard: Dashboard;
  const markup = "<img/src=x/onerror='alert(1)'>";

  beforeAll(async () => {
    dashboard = await startDashboard();
    for (const [repository, tag] of [
      ["team/app", "1"],
      ["team/app", "2"],
      ["team/web", "1"],
      ["other/app", "1"],
    ] as const)
      await dashboard.api.source.seedImage(repository, tag, image({ seed: repository + tag, layers: [20_000] }));
  });
  afterAll(() => dashboard[Symbol.asyncDispose]());

  it("shows what a glob means, starts it, and follows it to its end, all of it without a mouse", async () => {
    const { api, open } = dashboard;
    await using visit = await open("#/promotions");
    const { page } = visit;
    await page.getByRole("heading", { name: "Promotions" }).waitFor();
    const hold = api.source.hold({ kind: "blob-get" });

    await tabTo(page, "Start a promotion");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Start a promotion" }).waitFor();
    await tabTo(page, "Source registry");
    await page.keyboard.type(api.source.host);
    await tabTo(page, "Source repositories");
    await page.keyboard.type("team/*");
    await tabTo(page, "Target repository");
    await page.keyboard.press("ControlOrMeta+a");
    await page.keyboard.type("prod/{basename}");
    await tabTo(page, "Imports at once");
    await page.keyboard.type("2");
    await tabTo(page, "Show the images");
    await page.keyboard.press("Enter");

    await page.getByText("3 images", { exact: true }).waitFor();
    const planned = page.getByRole("table", { name: "Images that would be imported" });
    expect(await planned.getByRole("row").allTextContents()).toEqual([
      "SourceTarget",
      ...["app:1", "app:2", "web:1"].map((name) => `${api.source.host}/team/${name}${api.target.host}/prod/${name}`),
    ]);
    expect(api.target.countRequests()).toBe(0);
    expect(await (await api.get("/api/promotions")).json()).toEqual({ promotions: [] });

    await tabTo(page, "Start this promotion");
    await page.keyboard.press("Enter");
    await hold.reached;
    await page.getByText("Queued or running").waitFor();
    hold.release();
    await page.locator(".title .badge", { hasText: "Succeeded" }).waitFor();
    await page.getByRole("heading", { name: "3 of 3 items" }).waitFor();
    expect(Object.keys(api.target.tags("prod/app")).sort()).toEqual(["1", "2"]);
  });

  it("leads to the field that the service does not like, and asks for a plan before it starts anything", async () => {
    const { api, open } = dashboard;
    await using visit = await open("#/promote");
    const { page } = visit;
    await page.getByLabel("Source registry").fill(api.source.host);
    await page.getByLabel("Source repositories").fill("team/*");
    await page.getByText("More", { exact: true }).click();
    await page.getByLabel("Versions").fill("newest");

    await page.getByRole("button", { name: "Show the images" }).click();

    await page.getByRole("alert").getByText("Planning failed").waitFor();
    await page.locator("#field-semver:focus").waitFor();
    expect(await page.getByLabel("Versions").getAttribute("aria-invalid")).toBe("true");
    expect(await page.getByRole("button", { name: "Start this promotion" }).count()).toBe(0);
  });

  it("says that nothing is meant, and offers nothing to start", async () => {
    const { api, open } = dashboard;
    await using visit = await open("#/promote");
    const { page } = visit;
    await page.getByLabel("Source registry").fill(api.source.host);
    await page.getByLabel("Source repositories").fill("nobody/*");

    await page.getByRole("button", { name: "Show the images" }).click();

    await page.getByText("No image", { exact: true }).waitFor();
    expect(await page.getByRole("button", { name: "Start this promotion" }).count()).toBe(0);
  });

  it("forgets the plan of a form that has changed", async () => {
    const { api, open } = dashboard;
    await using visit = await open("#/promote");
    const { page } = visit;
    await page.getByLabel("Source registry").fill(api.source.host);
    await page.getByLabel("Source repositories").fill("team/app");
    await page.getByRole("button", { name: "Show the images" }).click();
    await page.getByText("2 images", { exact: true }).waitFor();

    await page.getByLabel("Source repositories").fill("team/*");

    await page.getByText("2 images", { exact: true }).waitFor({ state: "hidden" });
    expect(await page.getByRole("button", { name: "Start this promotion" }).count()).toBe(0);
  });

  it("says in which line of a list the fault is, starts the list once it is mended, and shows names as text", async () => {
    const { api, open } = dashboard;
    await using visit = await open("#/promote");
    const { page } = visit;
    await page.getByLabel("A list of images").check();
    const images = page.getByLabel("Images", { exact: true });
    const first = `${api.source.host}/other/app:1 -> listed/app:1`;
    await images.fill(`${first}\n${markup}`);

    await page.getByRole("button", { name: "Show the images" }).click();

    await page.locator("#field-items:focus").waitFor();
    const said = await page.locator("#help-items").textContent();
    expect(said).toContain("Line 2: ");
    expect(said).toContain(markup);
    expect(await page.locator("main img").count()).toBe(0);
    await images.fill(first);
    await page.getByRole("button", { name: "Show the images" }).click();
    await page.getByText("1 image", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Start this promotion" }).click();
    await page.locator(".title .badge", { hasText: "Succeeded" }).waitFor();
    expect(Object.keys(api.target.tags("listed/app"))).toEqual(["1"]);
  });

  it.each(["light", "dark"] as const)(
    "has no serious barriers in %s colours, whatever a registry lists",
    async (colours) => {
      await using visit = await dashboard.open("#/promote");
      const { page } = visit;
      const items = Array.from({ length: 150 }, (_, at) => ({ source: `${markup}:${at}`, target: "t.example/x:1" }));
      await page.route("**/api/promotions", (route) =>
        route.fulfill({ json: { items, isComplete: false, warnings: [`ignored ${markup}`] } }),
      );
      await page.getByLabel("Colours").selectOption(colours);
      await page.getByLabel("Source registry").fill("s.example");
      await page.getByLabel("Source repositories").fill("team/*");

      await page.getByRole("button", { name: "Show the images" }).click();

      await page.getByText("More than 150 images; the first 100:").waitFor();
      await page.getByText(`ignored ${markup}`).waitFor();
      expect(await page.locator("main tbody tr").count()).toBe(100);
      expect(await page.locator("main img").count()).toBe(0);
      expect(await findBarriers(page)).toEqual([]);
    },
  );
});
