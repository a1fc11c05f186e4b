import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { ruleSchema } from "../../src/domain/rule-schema.ts";
import { hasBrowser } from "../helpers/browser.ts";
import { image } from "../helpers/images.ts";
import { type Dashboard, startDashboard } from "./support/dashboard.ts";

describe.runIf(hasBrowser())("rules and schedules on the dashboard", () => {
  let dashboard: Dashboard;
  const put = (path: string, body: object) =>
    fetch(`${dashboard.api.url}${path}`, { method: "PUT", body: JSON.stringify(body) });
  const readRule = async (name: string) =>
    ruleSchema.parse(await (await dashboard.api.get(`/api/rules/${name}`)).json());

  beforeAll(async () => {
    dashboard = await startDashboard();
    await dashboard.api.source.seedImage("team/web", "2.1", image({ layers: [20_000] }));
  });
  afterAll(() => dashboard[Symbol.asyncDispose]());

  it("makes a rule, leads to the field that is wrong, saves it, and tests it with a push", async () => {
    const { api, open } = dashboard;
    await using visit = await open("#/rules");
    const { page } = visit;
    await page.getByText("No rule yet.").waitFor();
    await page.getByRole("link", { name: "Make a rule" }).click();
    await page.getByLabel("Name").fill("mirror-team");
    await page.getByLabel("Source registry").fill(api.source.host);
    await page.getByLabel("Source repositories").fill("team/*");
    await page.getByLabel("Tags", { exact: true }).fill("(a+)+b");
    await page.getByLabel("Target repository").fill("mirror/{repository}");

    await page.getByRole("button", { name: "Save" }).click();
    await page.locator("#field-include:focus").waitFor();
    await page.getByText("is no glob").first().waitFor();
    await page.getByLabel("Tags", { exact: true }).fill("2.*");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByRole("heading", { name: "Rule mirror-team" }).waitFor();

    await page.getByLabel("Pushed repository").fill("team/web");
    await page.getByLabel("Pushed tag").fill("2.1");
    await page.getByRole("button", { name: "Test" }).click();
    await page.getByText("It would be imported").waitFor();
    await page.getByText(`${api.target.host}/mirror/team/web:2.1`).waitFor();
    await page.getByLabel("Pushed tag").fill("3.0");
    await page.getByRole("button", { name: "Test" }).click();
    await page.getByText("Nothing would be imported").waitFor();
    expect(await readRule("mirror-team")).toMatchObject({
      enabled: true,
      source: { repositories: ["team/*"], tags: { include: ["2.*"] } },
      target: { repository: "mirror/{repository}" },
      conflict: "overwrite",
    });
  });

  it("tests what is entered and not saved, and leads to the field by which it cannot be judged", async () => {
    const { api, open } = dashboard;
    const source = { registry: api.source.host, repositories: ["lib/*"] };
    await put("/api/rules/entered", { source });
    await using visit = await open("#/rule/entered");
    const { page } = visit;
    await page.getByLabel("Source repositories").fill("team/*");
    await page.getByLabel("Pushed repository").fill("team/web");
    await page.getByLabel("Pushed tag").fill("2.1");

    await page.getByRole("button", { name: "Test", exact: true }).click();
    await page.getByText("It would be imported").waitFor();
    await page.getByLabel("Source repositories").fill("a b");
    await page.getByRole("button", { name: "Test", exact: true }).click();
    await page.locator("#field-repositories:focus").waitFor();
    expect(await page.getByRole("alert").count()).toBe(1);
    await page.getByLabel("Source repositories").fill("other/*");
    await page.getByRole("button", { name: "Test", exact: true }).click();

    await page.getByText("Nothing would be imported").waitFor();
    expect(await page.getByRole("alert").count()).toBe(0);
    expect((await readRule("entered")).source.repositories).toEqual(["lib/*"]);
  });

  it("tests a rule before it is made", async () => {
    const { api, open } = dashboard;
    await using visit = await open("#/rule");
    const { page } = visit;
    await page.getByText("The rule needs a name first.").waitFor();
    await page.getByLabel("Name").fill("not-made");
    await page.getByLabel("Source registry").fill(api.source.host);
    await page.getByLabel("Source repositories").fill("team/*");
    await page.getByLabel("Pushed repository").fill("team/web");

    await page.getByRole("button", { name: "Test", exact: true }).click();

    await page.getByText("It would be imported").waitFor();
    await page.getByText(`${api.target.host}/team/web:latest`).waitFor();
    expect((await api.get("/api/rules/not-made")).status).toBe(404);
  });

  it("keeps what its form has no field for, and does not write over what another tab has saved", async () => {
    const { api, open } = dashboard;
    const source = { registry: api.source.host, repositories: ["lib/*"] };
    await put("/api/rules/kept", { source, labels: { team: "web" }, timeoutSeconds: 77 });
    await using one = await open("#/rule/kept");
    await using other = await open("#/rule/kept");
    for (const { page } of [one, other]) await page.getByLabel("Source repositories").waitFor();

    await one.page.getByLabel("Source repositories").fill("lib/one");
    await one.page.getByRole("button", { name: "Save" }).click();
    await one.page.getByText("Saved.").waitFor();
    await other.page.getByLabel("Source repositories").fill("lib/other");
    await other.page.getByRole("button", { name: "Save" }).click();

    await other.page.getByText("Saving failed: Precondition failed").waitFor();
    await other.page.getByRole("button", { name: "Load what is stored" }).click();
    await other.page.getByText("It was changed meanwhile").waitFor({ state: "hidden" });
    expect(await other.page.getByLabel("Source repositories").inputValue()).toBe("lib/one");
    expect(await readRule("kept")).toMatchObject({ labels: { team: "web" }, timeoutSeconds: 77 });
  });

  it("does not write a schedule over a colleague's change, and keeps the focus where the reader is", async () => {
    const { api, open } = dashboard;
    const target = { repository: "mirror/{repository}" };
    const schedule = { cron: "0 3 * * *", source: { registry: api.source.host, repositories: ["lib/*"] }, target };
    await put("/api/schedules/shared", schedule);
    await using visit = await open("#/schedule/shared");
    const { page } = visit;
    await page.getByLabel("When").fill("0 4 * * *");
    await put("/api/schedules/shared", { ...schedule, cron: "0 5 * * *" });

    await page.getByRole("button", { name: "Save" }).focus();
    await page.keyboard.press("Enter");

    await page.getByText("Saving failed: Precondition failed").waitFor();
    await page.locator(":focus", { hasText: "Save" }).waitFor();
    expect(await (await api.get("/api/schedules/shared")).json()).toMatchObject({ cron: "0 5 * * *" });
    await page.getByRole("button", { name: "Load what is stored" }).click();
    await page.getByLabel("When").fill("0 4 * * *");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Saved.").waitFor();
    await page.getByRole("button", { name: "Delete" }).focus();
    await page.keyboard.press("Enter");
    await page.locator(":focus", { hasText: "Keep it" }).waitFor();
    await page.keyboard.press("Enter");
    await page.locator(":focus", { hasText: "Delete" }).waitFor();
    await api.delete("/api/schedules/shared");
  });

  it("disables a rule in the list, and deletes one once that is confirmed", async () => {
    const { api, open } = dashboard;
    await put("/api/rules/short-lived", { source: { registry: api.source.host, repositories: ["lib/*"] } });
    await using visit = await open("#/rules");
    const { page } = visit;
    const row = page.getByRole("row", { name: "short-lived" });

    await row.getByRole("button", { name: "Disable" }).focus();
    await page.keyboard.press("Enter");
    await row.getByText("Disabled").waitFor();
    await row.locator("button:focus").waitFor();
    expect((await readRule("short-lived")).enabled).toBe(false);
    await row.getByRole("link", { name: "short-lived" }).click();
    await page.getByRole("button", { name: "Delete" }).click();
    await page.locator(":focus", { hasText: "Keep it" }).waitFor();
    await page.getByRole("button", { name: "Delete it" }).click();

    await page.getByRole("heading", { name: "Rules" }).waitFor();
    await page.getByRole("row", { name: "short-lived" }).waitFor({ state: "hidden" });
    expect((await api.get("/api/rules/short-lived")).status).toBe(404);
  });

  it("makes a schedule, shows when it runs next, runs it, and shows what came of it", async () => {
    const { api, open } = dashboard;
    await using visit = await open("#/schedules");
    const { page } = visit;
    await page.getByText("No schedule yet.").waitFor();
    await page.getByRole("link", { name: "Make a schedule" }).click();
    await page.getByLabel("Name").fill("nightly");
    await page.getByLabel("When").fill("61 3 * * *");
    expect(await page.getByLabel("Time zone").inputValue()).toBe("Europe/Berlin");
    await page.getByLabel("Source registry").fill(api.source.host);
    await page.getByLabel("Source repositories").fill("team/web");
    await page.getByRole("button", { name: "Save" }).click();
    await page.locator("#field-cron:focus").waitFor();
    await page.getByLabel("When").fill("0 3 * * *");
    await page.getByRole("button", { name: "Save" }).click();

    await page.getByRole("heading", { name: "Schedule nightly" }).waitFor();
    const runs = page.locator(".card", { has: page.getByRole("heading", { name: "Runs" }) });
    await expect.poll(() => runs.getByRole("time").count()).toBe(3);
    await runs.getByRole("button", { name: "Run it now" }).click();
    await runs.getByText(", by hand").waitFor();
    await runs.getByRole("link").click();
    await page.locator(".title .badge", { hasText: "Succeeded" }).waitFor();
    await page.goto(`${api.url}/#/schedules`);
    const row = page.getByRole("row", { name: "nightly" });
    await row.getByText("Succeeded").waitFor();
    const { schedules } = z
      .looseObject({ schedules: z.array(z.looseObject({ timeZone: z.string(), conflict: z.string() })) })
      .parse(await (await api.get("/api/schedules")).json());
    expect(schedules).toMatchObject([{ timeZone: "Europe/Berlin", conflict: "overwrite" }]);
  });
});
