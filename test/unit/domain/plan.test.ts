import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MiB } from "../../../src/descriptor.ts";
import type { Digest } from "../../../src/digest.ts";
import { importPlanSchema } from "../../../src/domain/import-plan.ts";
import { type BlobToPlan, maxUnitBlobs, maxUnitBytes, type PlanRequest, planImport } from "../../../src/domain/plan.ts";
import { digestNamed } from "./records.ts";

const root = digestNamed("root");
const aBlob = (name: string, sizeMiB: number, change: Partial<BlobToPlan> = {}): BlobToPlan => ({
  digest: digestNamed(name),
  sizeBytes: sizeMiB * MiB,
  missingIn: [0],
  isInline: false,
  ...change,
});
const plan = (blobs: readonly BlobToPlan[], change: Partial<PlanRequest> = {}) =>
  planImport({
    root,
    rootIs: "tagged",
    blobs,
    levels: [[root]],
    verifyIn: [],
    needsCheckpoints: (sizeBytes) => sizeBytes >= 200 * MiB,
    ...change,
  });
const names = (digests: readonly Digest[], ...known: readonly string[]) =>
  digests.map((digest) => known.find((name) => digestNamed(name) === digest));

describe("planImport", () => {
  it("makes one activity of a small image", () => {
    const { kind, units } = plan([aBlob("a", 10), aBlob("b", 20), aBlob("c", 1)]);

    expect(kind).toBe("single");
    expect(
      units.map(({ blobs }) =>
        names(
          blobs.map(({ digest }) => digest),
          "a",
          "b",
          "c",
        ),
      ),
    ).toEqual([["b", "a", "c"]]);
  });

  it("makes one activity of an image whose blobs are all there", () => {
    expect(plan([aBlob("a", 500, { missingIn: [] })])).toMatchObject({ kind: "single", units: [], large: [] });
  });

  it("gives a blob above half a unit a unit of its own", () => {
    const { kind, units } = plan([aBlob("a", 33), aBlob("b", 33), aBlob("c", 1), aBlob("d", 100)]);

    expect(kind).toBe("copy");
    expect(units.map(({ blobs }) => blobs.length)).toEqual([1, 1, 1, 1]);
  });

  it("is no single activity when its only blob is larger than a unit", () => {
    expect(plan([aBlob("a", 65)]).kind).toBe("copy");
  });

  it("sets apart the blobs that need checkpoints, numbered after the units", () => {
    const { kind, units, large } = plan([aBlob("a", 300), aBlob("b", 1), aBlob("c", 40)]);

    expect(kind).toBe("copy");
    expect(units.map(({ n }) => n)).toEqual([0, 1]);
    expect(large).toMatchObject([{ n: 2, blobs: [{ digest: digestNamed("a") }] }]);
  });

  it("names a blob once, with all the repositories that lack it", () => {
    const { units } = plan([aBlob("a", 1, { missingIn: [1] }), aBlob("a", 1, { missingIn: [0, 1] })]);

    expect(units).toMatchObject([{ blobs: [{ targets: [0, 1] }] }]);
  });

  it("publishes every manifest once, children first, and leaves the root to the end", () => {
    const [a, b] = [digestNamed("a"), digestNamed("b")];

    expect(plan([], { levels: [[a, b], [a], [root]] }).levels).toEqual([[a, b]]);
  });

  it("is no single activity when it would publish more manifests than one activity should", () => {
    const level = Array.from({ length: 101 }, (_, at) => digestNamed(`m${at}`));

    expect(plan([], { levels: [level] }).kind).toBe("copy");
  });

  const anyBlobs = fc.array(
    fc.record({
      name: fc.integer({ min: 0, max: 400 }),
      sizeMiB: fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 400 })),
      missingIn: fc.uniqueArray(fc.integer({ min: 0, max: 3 })),
    }),
    { maxLength: 200 },
  );
  const toBlobs = (drawn: readonly { name: number; sizeMiB: number; missingIn: number[] }[]) => {
    const sizes = new Map(drawn.map(({ name, sizeMiB }) => [name, sizeMiB]));
    return drawn.map(({ name, missingIn }) => aBlob(`b${name}`, sizes.get(name) ?? 0, { missingIn }));
  };

  it("plans every missing blob of every repository exactly once, within the bounds of a unit", () => {
    fc.assert(
      fc.property(anyBlobs, (drawn) => {
        const blobs = toBlobs(drawn);
        const { units, large } = importPlanSchema.parse(plan(blobs));

        const planned = [...units, ...large].flatMap((unit) =>
          unit.blobs.flatMap(({ digest, targets }) => targets.map((target) => `${digest} ${target}`)),
        );
        const missing = new Set(
          blobs.flatMap(({ digest, missingIn }) => missingIn.map((target) => `${digest} ${target}`)),
        );
        expect(planned.toSorted()).toEqual([...missing].toSorted());
        for (const unit of units) {
          const bytes = unit.blobs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
          expect(unit.blobs.length === 1 || (bytes <= maxUnitBytes && unit.blobs.length <= maxUnitBlobs)).toBe(true);
        }
        expect([...units, ...large].map(({ n }) => n)).toEqual([...units, ...large].map((_, at) => at));
      }),
    );
  });

  it("makes the same plan whatever order the blobs come in", () => {
    const shuffled = anyBlobs.chain((drawn) => {
      const blobs = toBlobs(drawn);
      return fc.tuple(fc.constant(blobs), fc.shuffledSubarray(blobs, { minLength: blobs.length }));
    });
    fc.assert(
      fc.property(shuffled, ([blobs, again]) => {
        expect(plan(again)).toEqual(plan(blobs));
      }),
    );
  });
});
