import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Call, refusal } from "../../src/local/registry/call.ts";
import { hasBrowser } from "../helpers/browser.ts";
import { fault } from "../helpers/faults.ts";
import { image } from "../helpers/images.ts";
import { type Dashboard, startDashboard } from "./support/dashboard.ts";

describe.runIf(hasBrowser())("credentials for a source on the dashboard", () => {
  let dashboard: Dashboard;
  const from = (image: string) => `${dashboard.api.source.host}/${image}`;

  beforeAll(async () => {
    dashboard = await startDashboard();
  });
  afterAll(() => dashboard[Symbol.asyncDispose]());

  it("go with the retry that was asked for, where those of the first request are gone", async () => {
    const { api, open } = dashboard;
    const source = { sourceImage: from("late/app:1"), credentials: { username: "me", password: "hunter2" } };
    const { id } = await api.importAndWait({ source });
    await api.source.seedImage("late/app", "1", image({ seed: "late" }));
    await using visit = await open(`#/import/${id}`);
    const { page } = visit;

    await page.getByRole("button", { name: "Retry from the tag" }).click();
    await page.getByLabel("Password or token").fill("hunter2");
    const [sent] = await Promise.all([
      page.waitForRequest((request) => request.method() === "POST"),
      page.getByRole("button", { name: "Retry from the tag with these" }).click(),
    ]);

    expect(new URL(sent.url()).search).toBe("?resolve=true");
    expect(sent.postDataJSON()).toEqual({ source: { credentials: { password: "hunter2" } } });
    await page.locator(".badge", { hasText: "Succeeded" }).waitFor();
    await page.getByLabel("Password or token").waitFor({ state: "hidden" });
  });

  it("can be given to the retry of an import that the source refused without", async () => {
    const { api, open } = dashboard;
    await api.source.seedImage("closed/app", "1", image({ seed: "closed" }));
    const isUnknown = ({ headers }: Call) => headers.authorization === undefined;
    const challenge = { "www-authenticate": 'Basic realm="closed"' };
    const refuse = async () => refusal(401, "UNAUTHORIZED", "who are you", challenge);
    api.source.addFault(fault("closed", { repository: "closed/app", when: isUnknown }, refuse));
    const { id } = await api.importAndWait({ source: from("closed/app:1") });
    await using visit = await open(`#/import/${id}`);
    const { page } = visit;

    await page.getByRole("button", { name: "Retry with credentials" }).click();
    await page.locator("[data-field=username]:focus").waitFor();
    await page.getByLabel("User name").fill("me");
    await page.getByLabel("Password or token").fill("hunter2");
    await page.getByRole("button", { name: "Retry with these" }).click();

    await page.locator(".badge", { hasText: "Succeeded" }).waitFor();
  });

  it("may be a password alone, or a secret's name, and faults stand at their fields", async () => {
    await using visit = await dashboard.open("#/start");
    const { page } = visit;
    const plan = async () => {
      const [asked] = await Promise.all([
        page.waitForRequest((request) => request.method() === "POST"),
        page.getByRole("button", { name: "Show the plan" }).click(),
      ]);
      return asked.postDataJSON().source;
    };
    await page.getByLabel("Source", { exact: true }).fill(from("late/app:1"));
    await page.getByText("More", { exact: true }).click();

    await page.getByLabel("User name").fill("me");
    expect(await plan()).toEqual({ sourceImage: from("late/app:1"), credentials: { username: "me" } });
    await page.locator("[data-field=password][aria-invalid=true]:focus").waitFor();
    await page.getByText("source.credentials.password: is missing").last().waitFor();
    await page.getByLabel("User name").fill("");
    await page.getByLabel("Secret in the key vault").fill("nobody-knows");
    expect(await plan()).toEqual({ sourceImage: from("late/app:1"), credentials: { secret: "nobody-knows" } });
    await page.locator("[data-field=secret][aria-invalid=true]:focus").waitFor();
    await page.getByLabel("Secret in the key vault").fill("");
    await page.getByLabel("Password or token").fill("an identity token");
    expect(await plan()).toEqual({ sourceImage: from("late/app:1"), credentials: { password: "an identity token" } });
  });
});
