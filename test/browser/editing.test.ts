import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasBrowser } from "../helpers/browser.ts";
import { type Dashboard, startDashboard } from "./support/dashboard.ts";

describe.runIf(hasBrowser())("the forms of rules and schedules", () => {
  let dashboard: Dashboard;
  const source = () => ({ registry: dashboard.api.source.host, repositories: ["lib/*"] });
  const timed = () => ({ cron: "0 3 * * *", source: source(), target: { repository: "mirror/{repository}" } });
  const put = async (path: string, body: object) => {
    const { ok } = await fetch(`${dashboard.api.url}${path}`, { method: "PUT", body: JSON.stringify(body) });
    expect(ok).toBe(true);
  };
  const read = async (path: string): Promise<unknown> => (await dashboard.api.get(path)).json();

  beforeAll(async () => {
    dashboard = await startDashboard();
  });
  afterAll(() => dashboard[Symbol.asyncDispose]());

  it("unfold a field without which nothing is saved", async () => {
    await put("/api/rules/folded", { source: source() });
    await using visit = await dashboard.open("#/rule/folded");
    const { page } = visit;
    await page.getByText("More", { exact: true }).click();
    await page.getByLabel("Target tag", { exact: true }).fill("");
    await page.getByText("More", { exact: true }).click();
    await page.getByLabel("Target tag", { exact: true }).waitFor({ state: "hidden" });

    await page.getByRole("button", { name: "Save" }).click();

    await page.locator("#field-targetTag:focus").waitFor();
    await page.getByLabel("Target tag", { exact: true }).fill("{tag}");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Saved.").waitFor();
  });

  it.each([
    ["rule", "/api/rules/in-use", {}],
    ["schedule", "/api/schedules/in-use", { cron: "0 3 * * *", target: { repository: "m/{repository}" } }],
  ])("show the rarer settings of a %s that count, and keep those that have no field", async (view, path, more) => {
    const rarer = { platforms: ["linux/amd64"], sparseIndex: true, verify: "none", timeoutSeconds: 90 };
    const definition = {
      ...{ ...more, ...rarer, labels: { team: "web", note: "a=b" } },
      ...{ referrers: { artifactTypes: ["application/spdx+json"] }, foreignLayers: "skip", strategy: "stream" },
      source: { ...source(), tags: { semver: ">=1.2" } },
    };
    await put(path, definition);
    await using visit = await dashboard.open(`#/${view}/in-use`);
    const { page } = visit;

    await page.getByText("3 set").waitFor();
    expect(await page.getByLabel("Versions").inputValue()).toBe(">=1.2");
    expect(await page.getByLabel("Versions").isVisible()).toBe(true);
    expect(await page.getByLabel(/^Keep the index/).isChecked()).toBe(true);
    const kept = page.locator("section", { has: page.getByRole("heading", { name: "Set through the API" }) });
    expect(await kept.locator("dd").allInnerTexts()).toEqual([
      ...["team = web\nnote = a=b", "nothing", "this service", "1m 30s", "left out", "application/spdx+json"],
    ]);
    await page.getByLabel("Source repositories").fill("lib/one");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Saved.").waitFor();

    const repositories = ["lib/one"];
    expect(await read(path)).toMatchObject({ ...definition, source: { ...definition.source, repositories } });
  });

  it("keep settings folded away that say nothing", async () => {
    await put("/api/rules/plain", { source: source() });
    await using visit = await dashboard.open("#/rule/plain");
    const { page } = visit;

    await page.getByText("More", { exact: true }).waitFor();

    expect(await page.getByLabel("Versions").isVisible()).toBe(false);
    expect(await page.getByText("Set through the API").count()).toBe(0);
  });

  it.each([
    ["rule", "/api/rules/taken"],
    ["schedule", "/api/schedules/taken"],
  ])("say at the name that there is such a %s, and lead to it", async (view, path) => {
    await put(path, view === "rule" ? { source: source() } : timed());
    const before = await read(path);
    await using visit = await dashboard.open(`#/${view}`);
    const { page } = visit;
    await page.getByLabel("Name").fill("taken");
    await page.getByLabel("Source registry").fill(dashboard.api.source.host);
    await page.getByLabel("Source repositories").fill("other/*");

    await page.getByRole("button", { name: "Save" }).click();

    await page.locator("#field-name[aria-invalid=true]:focus").waitFor();
    await page.locator("#help-name", { hasText: `There is a ${view} of this name.` }).waitFor();
    expect(await page.getByRole("alert").count()).toBe(0);
    expect(await read(path)).toEqual(before);
    await page.getByLabel("Name").fill("another");
    await page.locator("#field-name[aria-invalid=false]").waitFor();
    await page.getByLabel("Name").fill("taken");
    await page.getByRole("link", { name: "Look at it" }).click();
    await page.getByRole("heading", { name: `${view} taken`, exact: false }).waitFor();
    expect(await page.getByLabel("Source repositories").inputValue()).toBe("lib/*");
  });

  it("test a delivery of Event Grid as it comes, and ask which of several events is meant", async () => {
    const { api, open } = dashboard;
    await put("/api/rules/delivered", { source: source() });
    const event = (repository: string) => ({
      ...{
        id: repository,
        topic: "/x",
        subject: `${repository}:1`,
        eventType: "Microsoft.ContainerRegistry.ImagePushed",
      },
      ...{ eventTime: "2026-01-02T03:04:05Z", dataVersion: "1.0", metadataVersion: "1" },
      data: {
        ...{ id: repository, timestamp: "2026-01-02T03:04:05Z", action: "push", request: { host: api.source.host } },
        target: { repository, tag: "1", digest: `sha256:${"a".repeat(64)}`, mediaType: "application/json" },
      },
    });
    await using visit = await open("#/rule/delivered");
    const { page } = visit;
    const test = () => page.getByRole("button", { name: "Test", exact: true }).click();
    await page.getByText("A whole event instead").click();

    await page.getByLabel("Event", { exact: true }).fill(JSON.stringify([event("lib/one")]));
    await test();
    await page.getByText(`${api.target.host}/lib/one:1`).waitFor();
    expect(await page.getByLabel("Which event").count()).toBe(0);
    await page.getByLabel("Event", { exact: true }).fill(JSON.stringify([event("lib/one"), event("lib/two")]));
    await page.getByLabel("Which event").selectOption("2: lib/two:1");
    await test();
    await page.getByText(`${api.target.host}/lib/two:1`).waitFor();
    await page.getByLabel("Event", { exact: true }).fill("[]");
    await page.getByText("There is no event in it.").waitFor();
  });

  it("show what somebody else has changed, and save over it what is filled in here and nothing else", async () => {
    await put("/api/rules/shared", { source: source(), labels: { team: "web" } });
    await using visit = await dashboard.open("#/rule/shared");
    const { page } = visit;
    await page.getByLabel("Source repositories").fill("lib/mine");
    await page.getByLabel("Pushed repository").fill("lib/app");
    await put("/api/rules/shared", { source: source(), labels: { team: "infra" }, conflict: "fail" });
    await page.getByRole("button", { name: "Save" }).click();

    const differences = page.getByRole("table", { name: "What differs" });
    await differences.waitFor();
    expect(await differences.getByRole("cell").allInnerTexts()).toEqual([
      ...["Source repositories", "lib/*", "lib/mine"],
      ...["If a target tag exists", "fail", "overwrite"],
    ]);
    const saveMine = page.getByRole("button", { name: "Save mine over it" });
    const isInView = async () => {
      const { y = -1 } = (await saveMine.boundingBox()) ?? {};
      return y > 0 && y < 900;
    };
    await expect.poll(isInView).toBe(true); // wherever in the form one was
    await saveMine.click();

    await page.getByText("Saved.").waitFor();
    await page.getByText("It was changed meanwhile").waitFor({ state: "hidden" });
    expect(await read("/api/rules/shared")).toMatchObject({
      ...{ source: { repositories: ["lib/mine"] }, labels: { team: "infra" }, conflict: "overwrite" },
    });
    expect(await page.getByLabel("Pushed repository").inputValue()).toBe("lib/app");
  });

  it("keep the push to test with when what is stored is loaded", async () => {
    await put("/api/rules/loaded", { source: source() });
    await using visit = await dashboard.open("#/rule/loaded");
    const { page } = visit;
    await page.getByLabel("Source repositories").fill("lib/mine");
    await page.getByLabel("Pushed repository").fill("lib/app");
    await put("/api/rules/loaded", { source: { ...source(), repositories: ["lib/theirs"] } });
    await page.getByRole("button", { name: "Save" }).click();

    await page.getByRole("button", { name: "Load what is stored" }).click();

    await page.getByText("It was changed meanwhile").waitFor({ state: "hidden" });
    expect(await page.getByLabel("Source repositories").inputValue()).toBe("lib/theirs");
    expect(await page.getByLabel("Pushed repository").inputValue()).toBe("lib/app");
  });

  it.each([
    ["rule", "/api/rules/left"],
    ["schedule", "/api/schedules/left"],
  ])("keep what was entered for a %s while one looks elsewhere, until it is saved", async (view, path) => {
    await put(path, view === "rule" ? { source: source() } : timed());
    await using visit = await dashboard.open(`#/${view}/left`);
    const { page } = visit;
    const repositories = page.getByLabel("Source repositories");
    const restored = page.getByText("This is what you had entered");
    const lookElsewhere = async () => {
      await page.getByRole("link", { name: "Errors", exact: true }).click();
      await page.getByRole("heading", { name: "Errors and cures" }).waitFor();
      await page.goBack();
      await repositories.waitFor();
    };

    await lookElsewhere();
    expect(await restored.count()).toBe(0);
    await repositories.fill("lib/mine");
    await lookElsewhere();
    await restored.waitFor();
    expect(await repositories.inputValue()).toBe("lib/mine");
    await page.getByRole("button", { name: "Begin anew" }).click();
    expect(await repositories.inputValue()).toBe("lib/*");
    await repositories.fill("lib/saved");
    await lookElsewhere();
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Saved.").waitFor();
    await restored.waitFor({ state: "hidden" });
    await lookElsewhere();
    expect(await restored.count()).toBe(0);
    expect(await repositories.inputValue()).toBe("lib/saved");
  });

  it("keep what was entered for a new one, and notice what was changed while one looked elsewhere", async () => {
    await put("/api/rules/aside", { source: source() });
    await using visit = await dashboard.open("#/rule");
    const { page } = visit;
    await page.getByLabel("Name").fill("half-made");
    await page.goto(`${dashboard.api.url}/#/rule/aside`);
    await page.getByLabel("Source repositories").fill("lib/mine");
    await page.goBack();
    await page.getByText("This is what you had entered").waitFor();
    expect(await page.getByLabel("Name").inputValue()).toBe("half-made");
    await put("/api/rules/aside", { source: { ...source(), repositories: ["lib/theirs"] } });

    await page.goForward();

    await page.getByText("It was changed meanwhile").waitFor();
    expect(await page.getByLabel("Source repositories").inputValue()).toBe("lib/mine");
  });
});
