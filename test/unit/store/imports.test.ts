import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { createImports, type Imports, importRow } from "../../../src/store/imports.ts";
import { aDigest, anImportId, aRecord } from "../../helpers/import-records.ts";
import { useTables } from "../../helpers/use-tables.ts";

const tables = useTables();
let imports: Imports;

beforeEach(() => {
  imports = createImports(tables.access);
});

const anyText = fc.string({ unit: "grapheme", maxLength: 200 });

describe("importRow", () => {
  it("decodes what it encodes, whatever the texts and however long the spec", () => {
    const records = fc
      .record({ warnings: fc.array(anyText, { maxLength: 5 }), label: anyText, tags: fc.nat(3_000), message: anyText })
      .map(({ warnings, label, tags, message }) => {
        const record = aRecord({ warnings, error: { code: "INTERNAL", message, retryable: false } });
        const many = Array.from({ length: tags }, (_, at) => ({ repository: `team/app-${at}`, tag: `v${at}` }));
        const target = { ...record.spec.target, tags: many };
        return { ...record, spec: { ...record.spec, labels: { label }, target } };
      });

    fc.assert(
      fc.property(records, (record) => {
        expect(importRow.decode(importRow.encode(record))).toEqual(record);
      }),
      { numRuns: 50 },
    );
  });

  it("keeps every column within the service's 32k characters", () => {
    const labels = Object.fromEntries(Array.from({ length: 9_000 }, (_, at) => [`label-${at}`, "😀"]));
    const record = aRecord();

    const row = importRow.encode({ ...record, spec: { ...record.spec, labels } });

    const longest = Math.max(...Object.values(row).map((value) => (typeof value === "string" ? value.length : 0)));
    expect(longest).toBeLessThanOrEqual(32 * 1024);
    expect(importRow.decode(row).spec.labels).toEqual(labels);
  });

  it("reads a record to which a newer build has added something", () => {
    const record = aRecord();
    const { spec: _, ...rest } = record;

    const row = { ...importRow.encode(record), record: JSON.stringify({ ...rest, ofTheNextBuild: 1 }) };

    expect(importRow.decode(row)).toEqual(record);
  });

  it("reads a record whose errors have codes that only a newer build knows, with their texts", () => {
    const record = aRecord({ state: "Failed" });
    const { spec: _, ...rest } = record;
    const error = { code: "TARGET_ON_FIRE", message: "run", retryable: true, extinguisher: "foam" };
    const waiting = { until: "2026-03-01T18:00:00.000Z", code: "TARGET_SMOKES", message: "look" };

    const row = { ...importRow.encode(record), record: JSON.stringify({ ...rest, error, waiting }) };

    expect(importRow.decode(row)).toEqual({
      ...record,
      error: { code: "INTERNAL", message: "TARGET_ON_FIRE: run", retryable: true },
      waiting: { ...waiting, code: "INTERNAL" },
    });
  });

  it("refuses a spec that asks for what it does not know", () => {
    const record = aRecord();

    const row = { ...importRow.encode(record), spec: JSON.stringify({ ...record.spec, ofTheNextBuild: 1 }) };

    expect(() => importRow.decode(row)).toThrow("ofTheNextBuild");
  });

  it("refuses a row of a version it does not know", () => {
    expect(() => importRow.decode({ ...importRow.encode(aRecord()), v: 2 })).toThrow();
  });
});

describe("createImports", () => {
  it("summarizes what was caused or has ended since a time, and tells whether that is all", async () => {
    const at = (second: number) => anImportId(new Date(Date.UTC(2026, 4, 1, 12, 0, second)));
    const progress = {
      manifests: { total: 1, done: 1 },
      blobs: { total: 2, done: 2 },
      bytes: { total: 6, copied: 1, mounted: 2, skipped: 3 },
      bytesPerSecond: 0,
    };
    const error = { code: "SOURCE_NOT_FOUND", message: "gone", retryable: false } as const;
    const finishedAt = "2026-05-01T12:30:00.000Z";
    const [old, retried, done, failed, running] = [
      aRecord({ id: at(-1), state: "Failed", error, finishedAt: "2026-05-01T12:00:00.999Z" }),
      aRecord({ id: at(0), state: "Failed", error, finishedAt }),
      aRecord({ id: at(1), state: "Succeeded", progress, finishedAt }),
      aRecord({ id: at(2), state: "Failed", error }),
      aRecord({ id: at(3), state: "Copying", progress }),
    ];
    for (const record of [old, retried, done, failed, running]) await imports.insert(record);
    const since = new Date(Date.UTC(2026, 4, 1, 12, 0, 1));

    const whole = await imports.summarize(since, 2);
    const cut = await imports.summarize(since, 1);

    const { createdAt } = done;
    const unsaid = { createdAt, finishedAt: undefined, errorCode: undefined };
    const bytes = { copied: 0, mounted: 0, skipped: 0 };
    const errorCode = "SOURCE_NOT_FOUND";
    expect(whole.summaries).toEqual([
      { ...unsaid, id: running.id, state: "Copying", bytes },
      { ...unsaid, id: failed.id, state: "Failed", errorCode, bytes },
      { ...unsaid, id: done.id, state: "Succeeded", finishedAt, bytes: { copied: 1, mounted: 2, skipped: 3 } },
      { ...unsaid, id: retried.id, state: "Failed", finishedAt, errorCode, bytes },
    ]);
    expect(whole.countedSince).toBeUndefined();
    expect(cut.summaries).toEqual(whole.summaries.slice(0, 3));
    expect(cut.countedSince).toEqual(new Date(createdAt)); // which is before the window: of that all was seen
  });

  it("reads back what it inserted, emoji, control characters and large specs too", async () => {
    const record = aRecord({ warnings: ["gerüstet 😀", "quote ' and \u0001"] });
    const tags = Array.from({ length: 4_000 }, (_, at) => ({ repository: `team/app-${at}`, tag: "v1" }));
    const large = { ...record, spec: { ...record.spec, target: { ...record.spec.target, tags } } };

    const outcome = await imports.insert(large);
    const stored = await imports.read(record.id);

    expect(outcome).toBe("inserted");
    expect(stored?.record).toEqual(large);
  });

  it("answers with the import that is there already and leaves it alone", async () => {
    const first = aRecord({ state: "Copying" });
    await imports.insert(first);

    const outcome = await imports.insert({ ...first, state: "Accepted" });

    expect(outcome).toEqual(first);
    expect((await imports.read(first.id))?.record).toEqual(first);
  });

  it("knows no import that was never inserted or has been deleted", async () => {
    const record = aRecord();
    await imports.insert(record);

    const { etag = "" } = (await imports.read(record.id)) ?? {};
    expect(await imports.delete(record.id, etag)).toBe("deleted");
    expect(await imports.delete(record.id, etag)).toBe("deleted");

    expect(await imports.read(record.id)).toBeUndefined();
    expect(await imports.update(record.id, (found) => found)).toBeUndefined();
  });

  it("is not deleted by who has read what it was before", async () => {
    const record = aRecord({ state: "Failed" });
    await imports.insert(record);
    const { etag = "" } = (await imports.read(record.id)) ?? {};
    await imports.update(record.id, (found) => ({ ...found, state: "Accepted", attempt: 2 }));

    expect(await imports.delete(record.id, etag)).toBe("conflict");

    expect((await imports.read(record.id))?.record).toMatchObject({ state: "Accepted", attempt: 2 });
  });

  it("lets every one of several writers at once change the record exactly once", async () => {
    const record = aRecord();
    await imports.insert(record);

    const changes = Array.from({ length: 5 }, (_, at) =>
      imports.update(record.id, (found) => ({ ...found, warnings: [...found.warnings, `writer ${at}`] })),
    );
    await Promise.all(changes);

    const warnings = (await imports.read(record.id))?.record.warnings ?? [];
    expect([...warnings].sort()).toEqual(["writer 0", "writer 1", "writer 2", "writer 3", "writer 4"]);
  });

  it("writes nothing when there is nothing to do", async () => {
    const record = aRecord();
    await imports.insert(record);
    const before = tables.access.transactions();

    const after = await imports.update(record.id, () => undefined);
    const same = await imports.update(record.id, (found) => found);

    expect([after, same]).toEqual([record, record]);
    expect(tables.access.transactions() - before).toBe(2);
  });

  it("writes a record that was just read with one transaction, and only the first of two who read it", async () => {
    const record = aRecord();
    await imports.insert(record);
    const stored = await imports.read(record.id);
    if (!stored) throw new Error("the import is gone");
    const before = tables.access.transactions();

    const first = await imports.replace({ ...stored, record: { ...record, state: "Resolving" } });
    const second = await imports.replace({ ...stored, record: { ...record, state: "Failed" } });

    expect(tables.access.transactions() - before).toBe(2);
    expect(second).toBe("conflict");
    expect(first).toEqual(await imports.read(record.id));
    expect((await imports.read(record.id))?.record.state).toBe("Resolving");
  });

  it("reads many at once and leaves out what is not there", async () => {
    const records = Array.from({ length: 20 }, () => aRecord({ id: anImportId() }));
    for (const record of records) await imports.insert(record);

    const found = await imports.readMany([anImportId(), ...records.map(({ id }) => id)]);

    expect(found).toEqual(records);
  });
});

describe("createImports list", () => {
  const hours = (count: number) => new Date(Date.UTC(2026, 0, 1, count));

  /** 24 imports, 3 hours apart, over several partitions; odd ones failed and came from ghcr.io. */
  async function insertMany() {
    const records = Array.from({ length: 24 }, (_, at) =>
      aRecord({
        id: anImportId(hours(3 * at)),
        state: at % 2 ? "Failed" : "Succeeded",
        sourceRegistry: at % 2 ? "ghcr.io" : "docker.io",
        trigger: { kind: at % 3 ? "http" : "queue" },
        ...(at % 2 === 1 && { source: { digest: aDigest(`${at}`), mediaType: "m" } }),
      }),
    );
    await Promise.all(records.map((record) => imports.insert(record)));
    return records.toReversed();
  }

  async function listAll(request: Parameters<Imports["list"]>[0]) {
    const found = [];
    let continuationToken: string | undefined;
    do {
      const page = await imports.list({ ...request, ...(continuationToken !== undefined && { continuationToken }) });
      expect(page.records.length).toBeLessThanOrEqual(request.limit);
      found.push(...page.records);
      continuationToken = page.continuationToken;
    } while (continuationToken !== undefined);
    return found;
  }

  it("lists newest first over all partitions, page by page", async () => {
    const records = await insertMany();

    expect(await listAll({ limit: 7 })).toEqual(records);
    expect(await listAll({ limit: 100 })).toEqual(records);
  });

  it("filters by state, registries and trigger", async () => {
    const records = await insertMany();

    const failed = await listAll({ limit: 5, state: "Failed", source: "ghcr.io", trigger: "queue" });

    expect(failed).toEqual(records.filter(({ state, trigger }) => state === "Failed" && trigger.kind === "queue"));
    expect(failed.length).toBeGreaterThan(0);
    expect(await listAll({ limit: 5, target: "other.example" })).toEqual([]);
    expect(await listAll({ limit: 5, target: "it's" })).toEqual([]);
  });

  it("takes since as inclusive and until as exclusive", async () => {
    const records = await insertMany();

    const found = await listAll({ limit: 100, since: hours(6), until: hours(30) });

    expect(found).toEqual(records.slice(-10, -2));
  });

  it("copes with times that no import can have", async () => {
    const records = await insertMany();

    expect(await listAll({ limit: 100, since: new Date(-1), until: new Date(8.64e15) })).toEqual(records);
  });

  it("reads at most two pages of the table", async () => {
    await insertMany();
    const before = tables.access.transactions();

    await imports.list({ limit: 50, target: "nobody.example" });

    expect(tables.access.transactions() - before).toBeLessThanOrEqual(2);
  });

  it.each(["", "nonsense", Buffer.from("{}").toString("base64url"), "bnVsbA"])(
    "refuses the continuation token %j",
    async (continuationToken) => {
      await expect(imports.list({ limit: 5, continuationToken })).rejects.toMatchObject({ code: "INVALID_REQUEST" });
    },
  );
});
