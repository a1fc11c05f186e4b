import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { importPageSchema } from "../../src/domain/import-view.ts";
import {
  type PromotionView,
  promotionItemPageSchema,
  promotionPageSchema,
  promotionViewSchema,
} from "../../src/domain/promotion-record.ts";
import { type Azurite, startAzurite } from "../helpers/azurite.ts";
import { image } from "../helpers/images.ts";
import type { Service } from "../helpers/service.ts";
import { openWorld, type World } from "./world.ts";

/** Promotions on the service in a process of its own, with a real queue and real tables. */

let azurite: Azurite;
beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite.close());

const ended: readonly string[] = ["Succeeded", "Failed", "Cancelled"];
const deadlineMs = 90_000;

function viewOf(text: string): PromotionView {
  return promotionViewSchema.parse(JSON.parse(text));
}

async function post(service: Service, path: string, body?: unknown): Promise<PromotionView> {
  const { status, text } = await service.request("POST", path, body);
  expect(status, text).toBe(202);
  return viewOf(text);
}

/** The promotion once it `is` so, with counts of this moment. */
async function until(
  service: Service,
  id: string,
  what: string,
  is: (view: PromotionView) => boolean,
): Promise<PromotionView> {
  for (const endsAt = Date.now() + deadlineMs; ; ) {
    const view = viewOf((await service.request("GET", `/api/promotions/${id}`)).text);
    if (is(view)) return view;
    if (Date.now() > endsAt)
      throw new Error(`promotion ${id} was not ${what}: ${JSON.stringify(view)}\n${service.output()}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function untilEnd(service: Service, id: string): Promise<PromotionView> {
  return until(service, id, "over", ({ state }) => ended.includes(state));
}

async function itemsOf(service: Service, id: string, query = "") {
  const { text } = await service.request("GET", `/api/promotions/${id}/items?limit=1000${query}`);
  return promotionItemPageSchema.parse(JSON.parse(text)).items;
}

/** `count` images of one repository, tags 0 … */
async function seed({ source }: World, count: number, first = 0): Promise<void> {
  for (let at = first; at < first + count; at += 1)
    await source.seedImage("team/app", String(at), image({ layers: [500], seed: `promoted ${at}` }));
}

function listOf({ source }: World, count: number) {
  return { items: Array.from({ length: count }, (_, at) => ({ source: `${source.host}/team/app:${at}` })) };
}

describe("a promotion", () => {
  it("imports a list, says what failed, and a retry brings only that", async () => {
    await using world = await openWorld(azurite);
    await seed(world, 29);
    const service = await world.start();

    const accepted = await post(service, "/api/promotions", listOf(world, 30));
    const failed = await untilEnd(service, accepted.id);
    const [bad] = await itemsOf(service, accepted.id, "&state=Failed");
    await seed(world, 1, 29);
    await post(service, `/api/promotions/${accepted.id}/retry`);
    const mended = await untilEnd(service, accepted.id);
    const imports = await world.rows("Imports");
    const listed = await service.request("GET", `/api/imports?promotion=${accepted.id}`);

    expect(accepted).toMatchObject({ state: "Accepted", attempt: 1 });
    expect(failed).toMatchObject({
      state: "Failed",
      counts: { succeeded: 29, failed: 1, pending: 0, queued: 0, total: 30 },
      error: { code: "PROMOTION_ITEMS_FAILED" },
      firstErrors: [{ item: "0029", error: { code: "SOURCE_NOT_FOUND" } }],
    });
    expect(bad).toMatchObject({ item: "0029", state: "Failed", importState: "Failed" });
    expect(mended).toMatchObject({ state: "Succeeded", attempt: 2, counts: { succeeded: 30, total: 30 } });
    expect(imports).toHaveLength(30);
    expect(importPageSchema.parse(JSON.parse(listed.text)).imports).toHaveLength(30);
    expect(Object.keys(world.target.tags("team/app"))).toHaveLength(30);
    const attempts = await Promise.all(
      (await itemsOf(service, accepted.id)).map(async ({ importId }) => (await service.read(importId)).attempt),
    );
    expect(attempts.filter((attempt) => attempt === 2)).toHaveLength(1);
  });

  it("never has more queued than it may, and lets another import pass", async () => {
    await using world = await openWorld(azurite);
    await seed(world, 12);
    await world.source.seedImage("other", "1", image({ seed: "other" }));
    const service = await world.start();
    const hold = world.source.hold({ kind: "manifest-get", repository: "team/app" }, "request");

    const { id } = await post(service, "/api/promotions", { ...listOf(world, 12), maxConcurrent: 3 });
    await hold.reached;
    const during = await until(service, id, "full", ({ counts }) => counts.queued === 3);
    const manual = await service.importAndWait({ source: `${world.source.host}/other:1` });
    const still = await until(service, id, "still waiting", ({ counts }) => counts.queued <= 3);
    hold.release();
    const end = await untilEnd(service, id);

    expect(during.counts).toMatchObject({ queued: 3, pending: 9 });
    expect(manual.state).toBe("Succeeded");
    expect(still.counts.pending).toBeGreaterThan(0);
    expect(end).toMatchObject({ state: "Succeeded", counts: { succeeded: 12, total: 12 } });
  });

  it("ends cancelled, with what was running, and a retry brings the rest", async () => {
    await using world = await openWorld(azurite);
    await seed(world, 8);
    const service = await world.start();
    const hold = world.source.hold({ kind: "manifest-get", repository: "team/app" }, "request");
    const { id } = await post(service, "/api/promotions", { ...listOf(world, 8), maxConcurrent: 2 });
    await hold.reached;

    await post(service, `/api/promotions/${id}/cancel`);
    const end = await untilEnd(service, id);
    hold.release();
    await post(service, `/api/promotions/${id}/retry`);
    const again = await untilEnd(service, id);

    expect(end.state).toBe("Cancelled");
    expect(end.counts.pending + end.counts.queued).toBe(0);
    expect(end.counts.cancelled).toBeGreaterThanOrEqual(6);
    expect(again).toMatchObject({ state: "Succeeded", counts: { succeeded: 8, total: 8 } });
  });

  it("imports what a selection means", async () => {
    await using world = await openWorld(azurite);
    await seed(world, 5);
    const service = await world.start();

    const { id } = await post(service, "/api/promotions", {
      source: { registry: world.source.host, repositories: ["team/app"], tags: { exclude: ["4"] } },
      target: { repository: "prod/{basename}", tag: "v{tag}" },
    });
    const end = await untilEnd(service, id);

    expect(end).toMatchObject({ state: "Succeeded", counts: { succeeded: 4, total: 4 } });
    expect(Object.keys(world.target.tags("prod/app")).sort()).toEqual(["v0", "v1", "v2", "v3"]);
  });
});

/** The end of imports that nobody was told of is what the sweep finds, in rows that are a minute old. */
async function sweepUntilEnd(world: World, service: Service, id: string): Promise<PromotionView> {
  let looks = 0;
  return await until(service, id, "over", ({ state }) => {
    looks += 1;
    if (looks % 20 === 0) swept = swept.then(() => world.ageOpenRows(61)).then(() => service.sweep());
    return ended.includes(state);
  });
}
let swept: Promise<void> = Promise.resolve();

describe("a service that is killed during a promotion", () => {
  it.each([
    ["its items are rows", { method: "POST", table: "PromotionItems" }],
    ["its record is there", { method: "POST", table: "Promotions", body: '"Accepted' }],
    ["it has queued the first items", { method: "POST", table: "PromotionItems", body: "Queued" }],
    ["an item has ended", { method: "PUT", table: "PromotionItems" }],
    ["its end is written", { method: "PUT", table: "Promotions", body: '"Succeeded' }],
  ] as const)("has every item once and counts right when %s", async (_, match) => {
    await using world = await openWorld(azurite);
    await seed(world, 7);
    const body = { ...listOf(world, 7), maxConcurrent: 3 };
    const key = { "idempotency-key": "the same promotion" };
    const first = await world.start();
    const { reached } = world.gate.stop("after", match);
    const posted = first.request("POST", "/api/promotions", body, key).catch(() => undefined);
    await reached;
    await first.kill("SIGKILL");
    await posted;

    const service = await world.start();
    const { status, text } = await service.request("POST", "/api/promotions", body, key);
    const end = await sweepUntilEnd(world, service, viewOf(text).id);

    expect(status).toBe(202);
    expect(end).toMatchObject({ state: "Succeeded", counts: { succeeded: 7, pending: 0, queued: 0, total: 7 } });
    expect(await world.rows("Imports")).toHaveLength(7);
    expect(await world.rows("PromotionItems")).toHaveLength(7);
    expect(Object.keys(world.target.tags("team/app"))).toHaveLength(7);
  });

  it("goes on by itself once there is a record", async () => {
    await using world = await openWorld(azurite);
    await seed(world, 3);
    const first = await world.start();
    const { reached } = world.gate.stop("after", { method: "POST", table: "Promotions", body: '\\"Accepted' });
    const posted = first.request("POST", "/api/promotions", listOf(world, 3)).catch(() => undefined);
    await reached;
    await first.kill("SIGKILL");
    await posted;
    await world.ageOpenRows(61, "Promotions");

    const service = await world.start();
    const { text } = await service.request("GET", "/api/promotions");
    const [accepted] = promotionPageSchema.parse(JSON.parse(text)).promotions;
    await service.request("POST", "/admin/functions/everyMinute", {});
    const end = await untilEnd(service, accepted?.id ?? "");

    expect(accepted?.state).toBe("Accepted");
    expect(end).toMatchObject({ state: "Succeeded", counts: { succeeded: 3, total: 3 } });
  });
});
