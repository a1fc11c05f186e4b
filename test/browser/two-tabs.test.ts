import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasBrowser } from "../helpers/browser.ts";
import { image } from "../helpers/images.ts";
import { readImport } from "../host/api-support/start-api.ts";
import { type Dashboard, startDashboard, type Visit } from "./support/dashboard.ts";

describe.runIf(hasBrowser())("two tabs that steer the same import", () => {
  let dashboard: Dashboard;
  const from = (image: string) => `${dashboard.api.source.host}/${image}`;
  const readNow = async (id: string) => readImport(await dashboard.api.get(`/api/imports/${id}`));
  const untilState = (visits: readonly Visit[], state: string) =>
    Promise.all(visits.map(({ page }) => page.locator(".title .badge", { hasText: state }).waitFor()));
  /** In both at once: neither has heard of the other's. */
  const clickBoth = (visits: readonly Visit[], name: string) =>
    Promise.all(visits.map(({ page }) => page.getByRole("button", { name, exact: true }).click()));

  beforeAll(async () => {
    dashboard = await startDashboard();
    await dashboard.api.source.seedImage("team/app", "1", image({ layers: [20_000] }));
  });
  afterAll(() => dashboard[Symbol.asyncDispose]());

  it("show it cancelled when both cancel it", async () => {
    const { api, open } = dashboard;
    const hold = api.source.hold({ kind: "manifest-get" });
    const { id } = await readImport(
      await api.post("/api/imports", { source: from("team/app:1"), targetTags: ["cancelled/app:1"] }),
    );
    await hold.reached;
    await using one = await open(`#/import/${id}`);
    await using other = await open(`#/import/${id}`);
    await untilState([one, other], "Resolving");

    await clickBoth([one, other], "Cancel");

    await untilState([one, other], "Cancelled");
    hold.release();
    expect(await readNow(id)).toMatchObject({ state: "Cancelled", attempt: 1 });
    expect(api.target.tags("cancelled/app")).toEqual({});
  });

  it("show it succeed by one more attempt when both retry it", async () => {
    const { api, open } = dashboard;
    const { id } = await api.importAndWait({ source: from("late/app:1") });
    await using one = await open(`#/import/${id}`);
    await using other = await open(`#/import/${id}`);
    await untilState([one, other], "Failed");
    await api.source.seedImage("late/app", "1", image({ seed: "late" }));

    await clickBoth([one, other], "Retry");

    await untilState([one, other], "Succeeded");
    expect(await readNow(id)).toMatchObject({ state: "Succeeded", attempt: 2 });
  });

  it("show that it is deleted when one deletes it, whatever the other one does then", async () => {
    const { api, open } = dashboard;
    const { id } = await api.importAndWait({ source: from("missing/app:1") });
    await using one = await open(`#/import/${id}`);
    await using retrying = await open(`#/import/${id}`);
    await using deleting = await open(`#/import/${id}`);
    await untilState([one, retrying, deleting], "Failed");
    await deleting.page.getByRole("button", { name: "Delete" }).click();
    await one.page.getByRole("button", { name: "Delete" }).click();
    await one.page.getByRole("button", { name: "Delete it" }).click();
    await one.page.getByRole("heading", { name: "This import was deleted" }).waitFor();

    await retrying.page.getByRole("button", { name: "Retry", exact: true }).click();
    await deleting.page.getByRole("button", { name: "Delete it" }).click();

    for (const { page } of [retrying, deleting])
      await page.getByRole("heading", { name: "This import was deleted" }).waitFor();
    expect((await api.get(`/api/imports/${id}`)).status).toBe(404);
  });
});
