import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { scheduleViewSchema } from "../../src/domain/schedule-record.ts";
import { type Azurite, startAzurite, uniquePrefix } from "../helpers/azurite.ts";
import { startDockerRegistry } from "../helpers/docker-registry.ts";
import { image, pushImage } from "../helpers/images.ts";
import { needs } from "../helpers/needs.ts";
import { type Service, type ServiceAnswer, settingsFor, startService } from "../helpers/service.ts";
import { expectImage, openWorld } from "./world.ts";

let azurite: Azurite;
beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite.close());

const promotionSchema = z.looseObject({
  id: z.string(),
  state: z.string(),
  trigger: z.looseObject({ kind: z.string(), ref: z.string().optional() }),
  counts: z.looseObject({ total: z.int(), succeeded: z.int(), skipped: z.int() }),
});
type Promotion = z.infer<typeof promotionSchema>;

const endStates = ["Succeeded", "Failed", "Cancelled"];
const deadlineMs = 60_000;

const bodyOf = ({ text }: ServiceAnswer): unknown => JSON.parse(text);

function createSchedules(service: Service) {
  const at = (name: string) => `/api/schedules/${name}`;
  const put = (name: string, schedule: object) =>
    service.request("PUT", at(name), { cron: "0 3 1 1 *", timeZone: "UTC", ...schedule });
  const run = (name: string) => service.request("POST", `${at(name)}/run`);
  const read = async (name: string) => scheduleViewSchema.parse(bodyOf(await service.request("GET", at(name))));
  const waitForEnd = async (id: string): Promise<Promotion> => {
    for (const endsAt = Date.now() + deadlineMs; ; ) {
      const answer = await service.request("GET", `/api/promotions/${id}`);
      const promotion = promotionSchema.parse(bodyOf(answer));
      if (endStates.includes(promotion.state)) return promotion;
      if (Date.now() > endsAt) throw new Error(`promotion ${id} did not end: ${answer.text}\n${service.output()}`);
      await pause(50);
    }
  };
  const runAndWait = async (name: string): Promise<Promotion> => {
    const answer = await run(name);
    expect(answer.status, answer.text).toBe(202);
    return await waitForEnd(promotionSchema.parse(bodyOf(answer)).id);
  };
  return { put, run, read, waitForEnd, runAndWait };
}

describe("schedules", () => {
  it("import what has changed, and read nothing else of the source than heads", async () => {
    await using world = await openWorld(azurite);
    const { source, target } = world;
    const service = await world.start();
    const schedules = createSchedules(service);
    const [first, second] = [image({ seed: "first" }), image({ seed: "second" })];
    for (const tag of ["1.0", "1.1", "edge"]) await source.seedImage("team/app", tag, first);
    await source.seedImage("team/web", "1.0", first);
    const made = await schedules.put("all", {
      source: { registry: source.host, repositories: ["team/*"], tags: { include: ["1.*"] } },
      target: { registry: target.host, repository: "mirror/{basename}" },
    });
    expect(made.status, made.text).toBe(201);

    const run = await schedules.runAndWait("all");

    expect(run).toMatchObject({
      state: "Succeeded",
      trigger: { kind: "schedule", ref: "all" },
      counts: { total: 3, succeeded: 3 },
    });
    await expectImage(target, "mirror/app", first, "1.1");
    await expectImage(target, "mirror/web", first, "1.0");
    expect(target.tags("mirror/app")).not.toHaveProperty("edge");
    expect(await schedules.read("all")).toMatchObject({
      lastRun: { promotionId: run.id, by: "request", state: "Succeeded" },
      nextRuns: expect.toSatisfy((ticks) => ticks.length === 3),
    });

    const before = source.requests.length;
    const unchanged = await schedules.runAndWait("all");

    expect(unchanged).toMatchObject({ state: "Succeeded", counts: { total: 0 } });
    const kinds = source.requests.slice(before).map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === "manifest-head")).toHaveLength(3);
    expect(kinds.filter((kind) => !["manifest-head", "tags", "catalog"].includes(kind))).toEqual([]);

    await source.seedImage("team/app", "1.1", second);
    const moved = await schedules.runAndWait("all");

    expect(moved).toMatchObject({ state: "Succeeded", counts: { total: 1, succeeded: 1 } });
    await expectImage(target, "mirror/app", second, "1.1");
    expect(target.tags("mirror/app")["1.0"]).toBe(first.root.digest);
    expect((await world.rows("ScheduleTags")).length).toBe(3);

    expect((await service.request("DELETE", "/api/schedules/all")).status).toBe(204);
    expect(await world.rows("ScheduleTags")).toEqual([]);
  });

  it("does not run beside itself, and goes on after a killed process", async () => {
    await using world = await openWorld(azurite);
    const { source, target } = world;
    const seeded = await source.seedImage("team/app", "1", image());
    const service = await world.start();
    const schedules = createSchedules(service);
    await schedules.put("slow", {
      source: { registry: source.host, repositories: ["team/app"] },
      target: { registry: target.host },
    });
    const hold = source.hold({ kind: "blob-get" });
    const started = promotionSchema.parse(bodyOf(await schedules.run("slow")));
    await source.waitForRequest({ kind: "blob-get" }, deadlineMs);

    const second = await schedules.run("slow");

    expect(second.status).toBe(409);
    expect(bodyOf(second)).toMatchObject({ code: "SCHEDULE_RUNNING", detail: expect.stringContaining(started.id) });
    await service.kill("SIGKILL");
    hold.release();
    const again = createSchedules(await world.start());
    expect(await again.waitForEnd(started.id)).toMatchObject({ state: "Succeeded", counts: { total: 1 } });
    await expectImage(target, "team/app", seeded, "1");
  });

  it("refuses what can never run", async () => {
    await using world = await openWorld(azurite);
    const schedules = createSchedules(await world.start());
    const source = { registry: world.source.host, repositories: ["team/*"] };
    const target = { registry: world.target.host };
    const refused = async (schedule: object, status: number) => {
      const answer = await schedules.put("bad", { source, target, ...schedule });
      expect(answer.status, answer.text).toBe(status);
      return answer.text;
    };

    expect(await refused({ cron: "* * *" }, 400)).toContain("cron: has not five fields");
    expect(await refused({ timeZone: "Mars/Olympus" }, 400)).toContain("timeZone: is no time zone");
    expect(await refused({ target: { registry: "elsewhere.example" } }, 403)).toContain("HOST_NOT_ALLOWED");
    expect(await refused({ target: { registry: world.source.host } }, 400)).toContain("matches its own source");
    expect(await refused({ target: { ...target, repository: "{nothing}" } }, 400)).toContain("target.repository");
    expect(await refused({ source: { ...source, tags: { semver: "new" } } }, 400)).toContain("source.tags.semver");
    expect((await schedules.run("bad")).status).toBe(404);
  });
});

describe.runIf(needs("docker-registry"))("schedules between two docker-registry processes", () => {
  it("finds repositories by globs and imports their newest tags", async () => {
    await using cleanup = new AsyncDisposableStack();
    const [source, target] = await Promise.all([startDockerRegistry(), startDockerRegistry()]);
    cleanup.use(source);
    cleanup.use(target);
    const directory = await mkdtemp(join(tmpdir(), "schedules-"));
    cleanup.defer(() => rm(directory, { recursive: true, force: true }));
    const settings = settingsFor({ source: source.host, target: target.host }, { TABLE_PREFIX: uniquePrefix() });
    const storage = azurite.connectionString;
    const service = cleanup.use(await startService({ directory, storage, settings }));
    const schedules = createSchedules(service);
    for (const repository of ["team/app", "team/web", "other/app"])
      for (const tag of ["1.9", "1.10", "1.8"]) await pushImage(source.host, repository, tag, image({ seed: tag }));
    await schedules.put("newest", {
      source: { registry: source.host, repositories: ["team/"], tags: { newest: 2 } },
    });

    expect(await schedules.runAndWait("newest")).toMatchObject({ state: "Succeeded", counts: { succeeded: 4 } });
    expect(await schedules.runAndWait("newest")).toMatchObject({ state: "Succeeded", counts: { total: 0 } });

    const listed = await (await fetch(`http://${target.host}/v2/team/web/tags/list`)).text();
    expect(
      z
        .object({ tags: z.array(z.string()) })
        .parse(JSON.parse(listed))
        .tags.sort(),
    ).toEqual(["1.10", "1.9"]);
    expect((await fetch(`http://${target.host}/v2/other/app/tags/list`)).status).toBe(404);
  });
});
