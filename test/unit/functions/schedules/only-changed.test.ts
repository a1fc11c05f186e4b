import { beforeEach, describe, expect, it } from "vitest";
import type { Digest } from "../../../../src/digest.ts";
import type { ImportRecord } from "../../../../src/domain/import-record.ts";
import { type Selection, selectionSchema } from "../../../../src/domain/promotion-request-schema.ts";
import { createRegistries } from "../../../../src/domain/registries.ts";
import { newSchedule } from "../../../../src/domain/schedule-record.ts";
import type { SelectedImage } from "../../../../src/functions/promotions/selection-page.ts";
import { createOnlyChanged } from "../../../../src/functions/schedules/only-changed.ts";
import { createRememberImported } from "../../../../src/functions/schedules/remember-imported.ts";
import { createScheduleTags, type ScheduleTags } from "../../../../src/store/schedule-tags.ts";
import { createSchedules, type Schedules } from "../../../../src/store/schedules.ts";
import { image } from "../../../helpers/images.ts";
import { aRecord } from "../../../helpers/import-records.ts";
import { startRegistry, type TestRegistry } from "../../../helpers/registry.ts";
import { createTestClient, type TestClient } from "../../../helpers/registry-client.ts";
import { useTables } from "../../../helpers/use-tables.ts";
import { aSchedule } from "./schedule-builders.ts";

const tables = useTables();
let scheduleTags: ScheduleTags;
let schedules: Schedules;

beforeEach(async () => {
  const { access } = tables;
  scheduleTags = createScheduleTags(access);
  schedules = createSchedules(access);
  const record = newSchedule(aSchedule(), new Date("2026-03-01T12:00:00.000Z"));
  await schedules.put(record.schedule.name, () => record);
});

const never = new AbortController().signal;
const names = {
  defaultTarget: "prod.example",
  registries: createRegistries([], undefined),
  registrySuffix: "azurecr.io",
};

function onlyChangedAt(client: TestClient) {
  return createOnlyChanged({ sourceOf: (host) => client.repository(host).registry, scheduleTags, names });
}

const selectionOf = ({ host }: TestRegistry, more: object = {}): Selection =>
  selectionSchema.parse({ source: { registry: host, repositories: ["team/app"] }, ...more });

const imageOf = ({ host }: TestRegistry, tag: string): SelectedImage => ({
  source: { registry: host, repository: "team/app", tag },
  target: { repository: "team/app", tag },
});

/** An import of the schedule `nightly` as it ends. */
function ended({ host }: TestRegistry, tag: string, digest: Digest, changes: Partial<ImportRecord> = {}): ImportRecord {
  const record = aRecord({ trigger: { kind: "schedule", ref: "nightly" }, state: "Succeeded" });
  return {
    ...record,
    spec: {
      ...record.spec,
      source: { registry: host, repository: "team/app", tag, digest },
      target: { registry: "prod.example", tags: [{ repository: "team/app", tag }], untaggedRepositories: [] },
    },
    source: { digest, mediaType: "application/vnd.oci.image.manifest.v1+json" },
    ...changes,
  };
}

const tagsOf = (images: readonly SelectedImage[]) => images.map(({ source }) => source.tag);

describe("onlyChanged", () => {
  it("leaves out what an import has brought, until its tag moves, by HEAD alone", async () => {
    await using registry = await startRegistry();
    await using client = createTestClient();
    const [first, second] = [image({ seed: "1" }), image({ seed: "2" })];
    for (const tag of ["a", "b"]) await registry.seedImage("team/app", tag, first);
    const onlyChanged = onlyChangedAt(client);
    const scheduled = { schedule: "nightly", selection: selectionOf(registry) };
    const look = () =>
      onlyChanged(
        scheduled,
        ["a", "b", "gone"].map((tag) => imageOf(registry, tag)),
        never,
      );

    const before = await look();
    for (const tag of ["a", "b"])
      await createRememberImported({ schedules, scheduleTags })(ended(registry, tag, first.root.digest));
    const unchanged = await look();
    await registry.seedImage("team/app", "b", second);
    const moved = await look();

    expect(before.map(({ source }) => source)).toEqual(
      ["a", "b"].map((tag) => ({ ...imageOf(registry, tag).source, digest: first.root.digest })),
    );
    expect(unchanged).toEqual([]);
    expect(moved.map(({ source }) => [source.tag, source.digest])).toEqual([["b", second.root.digest]]);
    expect(registry.countRequests()).toBe(registry.countRequests({ kind: "manifest-head" }));
  });

  it("starts anew with another target, name, platform or schedule", async () => {
    await using registry = await startRegistry();
    await using client = createTestClient();
    const seeded = await registry.seedImage("team/app", "a", image());
    await createRememberImported({ schedules, scheduleTags })(ended(registry, "a", seeded.root.digest));
    const a = imageOf(registry, "a");
    const look = async (more: object, looked = a, schedule = "nightly") =>
      tagsOf(await onlyChangedAt(client)({ schedule, selection: selectionOf(registry, more) }, [looked], never));

    expect(await look({})).toEqual([]);
    expect(await look({ target: { registry: "prod.example" }, foreignLayers: "auto", labels: { x: "y" } })).toEqual([]);
    expect(await look({ target: { registry: "other.example" } })).toEqual(["a"]);
    expect(await look({}, { ...a, target: { repository: "team/app", tag: "b" } })).toEqual(["a"]);
    expect(await look({ platforms: ["linux/amd64"] })).toEqual(["a"]);
    expect(await look({}, a, "night")).toEqual(["a"]);
  });

  it.each([
    ["failed", { state: "Failed" }],
    ["was none of a schedule", { trigger: { kind: "promotion", ref: "nightly" } }],
    ["is of a schedule that was deleted", { trigger: { kind: "schedule", ref: "gone" } }],
  ] as const satisfies readonly (readonly [string, Partial<ImportRecord>])[])(
    "does not remember an import that %s",
    async (_, changes: Partial<ImportRecord>) => {
      await using registry = await startRegistry();
      await using client = createTestClient();
      const seeded = await registry.seedImage("team/app", "a", image());

      await createRememberImported({ schedules, scheduleTags })(ended(registry, "a", seeded.root.digest, changes));

      const scheduled = { schedule: changes.trigger?.ref ?? "nightly", selection: selectionOf(registry) };
      expect(tagsOf(await onlyChangedAt(client)(scheduled, [imageOf(registry, "a")], never))).toEqual(["a"]);
    },
  );

  it("asks for no tag whose digest the selection has found out", async () => {
    await using registry = await startRegistry();
    await using client = createTestClient();
    const digest = image().root.digest;
    const pinned = { ...imageOf(registry, "a"), source: { ...imageOf(registry, "a").source, digest } };

    const scheduled = { schedule: "nightly", selection: selectionOf(registry) };
    expect(await onlyChangedAt(client)(scheduled, [pinned], never)).toEqual([pinned]);

    expect(registry.countRequests()).toBe(0);
  });
});

describe("scheduleTags.deleteAll", () => {
  it("forgets all of one schedule, and nothing of another whose name begins alike", async () => {
    const digest = image().root.digest;
    const write = (schedule: string, repository: string, key: string) =>
      scheduleTags.write({ schedule, repository, key }, digest);
    await Promise.all(Array.from({ length: 130 }, (_, at) => write("night", "r/one", `k${at}`)));
    await write("night", "r/two", "k");
    for (const other of ["nightly", "nigh", "night-2"]) await write(other, "r/one", "k");

    await scheduleTags.deleteAll("night");

    const left = await Promise.all(
      ["night", "nightly", "nigh", "night-2"].map((name) => scheduleTags.readRepository(name, "r/one", never)),
    );
    expect(left.map(({ size }) => size)).toEqual([0, 1, 1, 1]);
    expect((await scheduleTags.readRepository("night", "r/two", never)).size).toBe(0);
  });
});
