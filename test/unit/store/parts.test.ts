import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import type { Part } from "../../../src/domain/import-plan.ts";
import { decodePart, encodePart, packContent, unpackContent } from "../../../src/store/part-row.ts";
import { createParts, type PartResult, type Parts } from "../../../src/store/parts.ts";
import { aDigest, anImportId } from "../../helpers/import-records.ts";
import { useTables } from "../../helpers/use-tables.ts";

const tables = useTables();
let parts: Parts;

beforeEach(() => {
  parts = createParts(tables.access);
});

const mediaType = "application/vnd.oci.image.manifest.v1+json";

function aPart(name: string, changes: Partial<Part> = {}): Part {
  const digest = aDigest(name);
  return { kind: "blob", target: 0, digest, mediaType, sizeBytes: 1_000, state: "pending", ...changes };
}

function aManifest(name: string, content: Uint8Array = Buffer.from(name), changes: Partial<Part> = {}): Part {
  return aPart(name, { kind: "manifest", sizeBytes: content.byteLength, content, ...changes });
}

function done({ kind, target, digest }: Part, changes: Partial<PartResult> = {}): PartResult {
  return { kind, target, digest, via: "copied", ms: 12.6, attempts: 1, ...changes };
}

async function countTransactions(act: () => Promise<unknown>): Promise<number> {
  const before = tables.access.transactions();
  await act();
  return tables.access.transactions() - before;
}

const createsTable = 1;

describe("part rows", () => {
  const anyPart = fc.record(
    {
      kind: fc.constantFrom("manifest" as const, "blob" as const),
      target: fc.nat(50),
      digest: fc.string().map(aDigest),
      mediaType: fc.string(),
      sizeBytes: fc.maxSafeNat(),
      state: fc.constantFrom("pending" as const, "done" as const),
      via: fc.constantFrom("copied" as const, "mounted" as const, "skipped" as const),
      ms: fc.nat(),
      attempts: fc.nat(20),
      platform: fc.string(),
      artifactType: fc.string(),
      referrerOf: fc.string().map(aDigest),
      tags: fc.array(fc.stringMatching(/^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,20}$/), { minLength: 1, maxLength: 3 }),
      children: fc.array(fc.string().map(aDigest), { minLength: 1, maxLength: 3 }),
    },
    { requiredKeys: ["kind", "target", "digest", "mediaType", "sizeBytes", "state"] },
  );

  it("decode what they encode", () => {
    fc.assert(
      fc.property(anyPart, (part) => {
        expect(decodePart(encodePart(anImportId(), part, undefined))).toEqual(part);
      }),
    );
  });

  it("give content back byte for byte, whatever its length", async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(0, 1, 65_535, 65_536, 65_537, 200_000), async (length) => {
        const content = randomBytes(length);

        const packed = await packContent(content);

        const row = encodePart(anImportId(), aPart("x"), packed);
        expect(content.equals((await unpackContent(row)) ?? Buffer.from("none"))).toBe(true);
      }),
      { numRuns: 12 },
    );
  });

  it("have no content beyond 700 KiB packed", async () => {
    expect(await packContent(randomBytes(700 * 1024 + 1))).toBeUndefined();
    expect(await packContent(Buffer.alloc(4 * 1024 * 1024))).toBeDefined();
  });

  it("of an unknown version are refused", () => {
    expect(() => decodePart({ ...encodePart(anImportId(), aPart("x"), undefined), v: 2 })).toThrow();
  });
});

describe("createParts", () => {
  it("lists what was planned, page by page, without content", async () => {
    const id = anImportId();
    const planned = [
      ...Array.from({ length: 30 }, (_, at) => aPart(`blob ${at}`, { target: at % 2, sizeBytes: 5_000_000_000 + at })),
      aManifest("index"),
      aManifest("amd64", Buffer.from("{}"), { platform: "linux/amd64" }),
    ];
    await parts.insertPlanned(id, planned);
    await parts.reportUnit(id, 0, { copiedBytes: 1 });

    const listed: Part[] = [];
    let continuationToken: string | undefined;
    do {
      const page = await parts.list(id, 7, continuationToken);
      expect(page.parts.length).toBeLessThanOrEqual(7);
      listed.push(...page.parts);
      continuationToken = page.continuationToken;
    } while (continuationToken !== undefined);

    expect(new Set(listed)).toEqual(new Set(planned.map(({ content: _, ...part }) => part)));
    expect(listed).toHaveLength(planned.length);
  });

  it("keeps one import's parts from another's", async () => {
    const [one, other] = [anImportId(), anImportId()];
    await parts.insertPlanned(one, [aPart("a"), aManifest("m")]);
    await parts.insertPlanned(other, [aPart("b")]);

    await parts.deleteAll(one);

    expect((await parts.list(one, 10, undefined)).parts).toEqual([]);
    expect((await parts.list(other, 10, undefined)).parts).toEqual([aPart("b")]);
    expect((await parts.readManifests(one, [aDigest("m")])).size).toBe(0);
  });

  it("keeps manifests that are in no plan yet, beside those that are, until the import is forgotten", async () => {
    const id = anImportId();
    const kept = (name: string) => ({ digest: aDigest(name), mediaType, bytes: Buffer.from(name) });
    await parts.keepManifests(id, [kept("left out"), kept("planned")]);
    await parts.insertPlanned(id, [aManifest("planned"), aManifest("found later"), aPart("blob")]);

    let found: Awaited<ReturnType<Parts["readKept"]>> = new Map();
    const transactions = await countTransactions(async () => {
      found = await parts.readKept(id);
    });

    const names = ["left out", "planned", "found later"];
    expect(found).toEqual(new Map(names.map((name) => [aDigest(name), kept(name)])));
    expect(transactions).toBe(1);
    expect(await parts.sum(id)).toMatchObject({ manifests: { total: 2 }, blobs: { total: 1 } });
    expect((await parts.list(id, 10, undefined)).parts).toHaveLength(3);
    await parts.deleteAll(id);
    expect(await parts.readKept(id)).toEqual(new Map());
  });

  it("keeps no manifest that is too large for a row", async () => {
    const id = anImportId();

    await parts.keepManifests(id, [{ digest: aDigest("large"), mediaType, bytes: randomBytes(1024 * 1024) }]);

    expect(await parts.readKept(id)).toEqual(new Map());
  });

  it("writes 250 small parts in three transactions", async () => {
    const planned = Array.from({ length: 250 }, (_, at) => aPart(`${at}`));
    const id = anImportId();

    const transactions = await countTransactions(() => parts.insertPlanned(id, planned));

    expect(transactions).toBe(createsTable + 3);
    expect((await parts.sum(id)).blobs.total).toBe(250);
  });

  it("splits batches by bytes where manifests are large", async () => {
    const planned = Array.from({ length: 7 }, (_, at) => aManifest(`${at}`, randomBytes(690 * 1024)));
    const id = anImportId();

    const transactions = await countTransactions(() => parts.insertPlanned(id, planned));

    expect(transactions).toBe(createsTable + 2 + 1);
    const stored = await parts.readManifests(
      id,
      planned.map(({ digest }) => digest),
    );
    for (const { digest, content } of planned)
      expect(Buffer.from(stored.get(digest)?.content ?? []).equals(content ?? Buffer.of())).toBe(true);
  });

  it("writes the same plan twice without a change, the same part twice in one plan too", async () => {
    const id = anImportId();
    const planned = [aPart("a"), aPart("a"), aManifest("m")];

    await parts.insertPlanned(id, planned);
    await parts.insertPlanned(id, planned);

    expect(await parts.sum(id)).toMatchObject({ blobs: { total: 1 }, manifests: { total: 1 } });
  });

  it("reads a level of small size in one transaction, and only what was asked for", async () => {
    const id = anImportId();
    const planned = Array.from({ length: 12 }, (_, at) => aManifest(`manifest ${at}`));
    await parts.insertPlanned(id, planned);
    const asked = planned.slice(0, 8).map(({ digest }) => digest);

    let stored: Awaited<ReturnType<Parts["readManifests"]>> = new Map();
    const transactions = await countTransactions(async () => {
      stored = await parts.readManifests(id, asked);
    });

    expect(transactions).toBe(1);
    expect(new Set(stored.keys())).toEqual(new Set(asked));
    expect(stored.get(aDigest("manifest 3"))).toEqual({
      mediaType,
      sizeBytes: 10,
      content: Buffer.from("manifest 3"),
    });
  });

  it("reads a level of 100 manifests in one transaction", async () => {
    const id = anImportId();
    const planned = Array.from({ length: 120 }, (_, at) => aManifest(`manifest ${at}`));
    await parts.insertPlanned(id, planned);
    const asked = planned.slice(0, 100).map(({ digest }) => digest);

    const transactions = await countTransactions(async () => {
      expect(new Set((await parts.readManifests(id, asked)).keys())).toEqual(new Set(asked));
    });

    expect(transactions).toBe(1);
  });

  it("finds a manifest that only a later target lacks, and stores the bytes of shared ones once", async () => {
    const id = anImportId();
    const content = randomBytes(600 * 1024);
    const shared = [0, 1, 2].map((target) => aManifest("shared", content, { target }));

    const transactions = await countTransactions(() =>
      parts.insertPlanned(id, [...shared, aManifest("late", Buffer.from("late"), { target: 2 })]),
    );

    expect(transactions).toBe(createsTable + 1);
    const stored = await parts.readManifests(id, [aDigest("shared"), aDigest("late")]);
    expect(content.equals(stored.get(aDigest("shared"))?.content ?? Buffer.of())).toBe(true);
    expect(stored.get(aDigest("late"))?.content).toEqual(Buffer.from("late"));
  });

  it("tells a manifest that is too large for a row from one that was not planned", async () => {
    const id = anImportId();
    await parts.insertPlanned(id, [aManifest("large", randomBytes(1024 * 1024))]);

    const stored = await parts.readManifests(id, [aDigest("large"), aDigest("unknown")]);

    expect(stored.get(aDigest("large"))).toEqual({ mediaType, sizeBytes: 1024 * 1024, content: undefined });
    expect(stored.has(aDigest("unknown"))).toBe(false);
  });

  it("reads inline blobs of any target, and none of what is no inline blob", async () => {
    const id = anImportId();
    await parts.insertPlanned(id, [
      aPart("first", { content: Buffer.from("{}") }),
      aPart("second", { via: "skipped", state: "done" }),
      aPart("second", { target: 1, content: Buffer.from("data") }),
      aPart("plain"),
    ]);

    expect(await parts.readInline(id, aDigest("first"))).toEqual(Buffer.from("{}"));
    expect(await parts.readInline(id, aDigest("second"))).toEqual(Buffer.from("data"));
    expect(await parts.readInline(id, aDigest("plain"))).toBeUndefined();
    expect(await parts.readInline(id, aDigest("unknown"))).toBeUndefined();
  });

  it("counts done parts by how they came, and each byte of a reporting unit once", async () => {
    const id = anImportId();
    const [copied, mounted, skipped] = [aPart("a", { sizeBytes: 10 }), aPart("b", { sizeBytes: 20 }), aPart("c")];
    const planned = [copied, mounted, { ...skipped, state: "done" as const, via: "skipped" as const }, aManifest("m")];
    await parts.insertPlanned(id, planned);
    await parts.reportUnit(id, 3, { copiedBytes: 4 });
    await parts.reportUnit(id, 3, { copiedBytes: 7 });
    const running = await parts.sum(id);

    await parts.markDone(id, [done(copied), done(mounted, { via: "mounted" })], 3);

    const common = { manifests: { total: 1, done: 0 } };
    expect(running).toEqual({
      ...common,
      blobs: { total: 3, done: 1 },
      bytes: { total: 1_030, copied: 7, mounted: 0, skipped: 1_000 },
    });
    expect(await parts.sum(id)).toEqual({
      ...common,
      blobs: { total: 3, done: 3 },
      bytes: { total: 1_030, copied: 10, mounted: 20, skipped: 1_000 },
    });
  });

  it("marks a unit's parts done in one transaction and leaves their content alone", async () => {
    const id = anImportId();
    const planned = Array.from({ length: 32 }, (_, at) => aPart(`${at}`, { content: Buffer.from(`${at}`) }));
    await parts.insertPlanned(id, planned);

    const transactions = await countTransactions(() =>
      parts.markDone(
        id,
        planned.map((part) => done(part)),
        0,
      ),
    );

    expect(transactions).toBe(1);
    expect((await parts.list(id, 1, undefined)).parts[0]).toMatchObject({ state: "done", via: "copied", ms: 13 });
    expect(await parts.readInline(id, aDigest("5"))).toEqual(Buffer.from("5"));
  });

  it("does not bring back parts of an import that was deleted meanwhile", async () => {
    const id = anImportId();
    const planned = [aPart("a"), aPart("b")];
    await parts.insertPlanned(id, planned);
    await parts.deleteAll(id);

    const late = parts.markDone(
      id,
      planned.map((part) => done(part)),
      0,
    );

    await expect(late).rejects.toMatchObject({ code: "IMPORT_NOT_FOUND" });
    expect(await parts.sum(id)).toMatchObject({ blobs: { total: 0 } });
  });

  it("forgets the reports of a former attempt, and nothing else", async () => {
    const id = anImportId();
    await parts.insertPlanned(id, [aPart("a")]);
    await parts.reportUnit(id, 0, { copiedBytes: 500 });

    await parts.deleteUnits(id);

    expect(await parts.sum(id)).toMatchObject({ blobs: { total: 1 }, bytes: { copied: 0 } });
  });

  it("deletes the parts of a large import", async () => {
    const id = anImportId();
    await parts.insertPlanned(
      id,
      Array.from({ length: 1_250 }, (_, at) => aPart(`${at}`)),
    );
    expect((await parts.sum(id)).blobs.total).toBe(1_250);

    await parts.deleteAll(id);

    expect((await parts.sum(id)).blobs.total).toBe(0);
  });
});
