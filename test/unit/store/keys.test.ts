import { beforeEach, describe, expect, it } from "vitest";
import { createKeys, type KeyClaim, type Keys } from "../../../src/store/keys.ts";
import { anImportId } from "../../helpers/import-records.ts";
import { useTables } from "../../helpers/use-tables.ts";

const tables = useTables();
let keys: Keys;

beforeEach(() => {
  keys = createKeys(tables.access);
});

const now = new Date("2026-03-01T12:00:00.000Z");
const hours = (count: number) => new Date(now.getTime() + count * 3_600_000);

const inTime = () => false;

function aClaim(changes: Partial<KeyClaim> = {}): KeyClaim {
  return { caller: "ci", key: "build/42#é?", bodyHash: "hash", importId: anImportId(), now, ...changes };
}

describe("createKeys", () => {
  it("answers a repeat with the import that the first request began", async () => {
    const first = aClaim();

    expect(await keys.claim(first)).toEqual({ importId: first.importId, isNew: true });
    expect(await keys.claim(aClaim({ now: hours(23) }))).toEqual({ importId: first.importId, isNew: false });
  });

  it("refuses a key that came with another body", async () => {
    await keys.claim(aClaim());

    expect(await keys.claim(aClaim({ bodyHash: "another" }))).toBe("other-body");
  });

  it("does not mix up callers, or a caller's end with a key's beginning", async () => {
    await keys.claim(aClaim({ caller: "a", key: "bc" }));

    expect(await keys.claim(aClaim({ caller: "ab", key: "c" }))).toMatchObject({ isNew: true });
    expect(await keys.claim(aClaim({ caller: "b", key: "bc" }))).toMatchObject({ isNew: true });
  });

  it("gives one of several requests at once the import, and the others the same", async () => {
    const claims = Array.from({ length: 6 }, () => aClaim());

    const outcomes = await Promise.all(claims.map((claim) => keys.claim(claim)));

    const ids = new Set(outcomes.map((outcome) => (outcome === "other-body" ? outcome : outcome.importId)));
    expect(ids.size).toBe(1);
    expect(outcomes.filter((outcome) => outcome !== "other-body" && outcome.isNew)).toHaveLength(1);
  });

  it("forgets a key after 24 hours", async () => {
    await keys.claim(aClaim());
    const later = aClaim({ now: hours(24), bodyHash: "another" });

    expect(await keys.claim(later)).toEqual({ importId: later.importId, isNew: true });
    expect(await keys.claim(aClaim({ now: hours(25), bodyHash: "another" }))).toMatchObject({ isNew: false });
  });

  it("deletes what has expired, and nothing else", async () => {
    await keys.claim(aClaim({ key: "old" }));
    await keys.claim(aClaim({ key: "new", now: hours(2) }));

    expect(await keys.deleteExpired(hours(25), inTime)).toBe(1);
    expect(await keys.deleteExpired(hours(25), inTime)).toBe(0);
    expect(await keys.claim(aClaim({ key: "new", now: hours(25) }))).toMatchObject({ isNew: false });
  });

  it("deletes all that has expired, however much it is", async () => {
    await Promise.all(Array.from({ length: 230 }, (_, n) => keys.claim(aClaim({ key: `key ${n}` }))));

    expect(await keys.deleteExpired(hours(25), inTime)).toBe(230);
  });
});
