import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ImportError } from "../../../src/errors.ts";
import { createPoison, type PoisonEntry, poisonRow } from "../../../src/store/poison.ts";
import { type Azurite, openTables, startAzurite } from "../../helpers/azurite.ts";
import { anImportId } from "../../helpers/import-records.ts";

let azurite: Azurite;
beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite[Symbol.asyncDispose]());

const reason = new ImportError({ code: "INVALID_REQUEST", what: "no" }).toWire();

function anEntry(changes: Partial<PoisonEntry> = {}): PoisonEntry {
  const createdAt = "2026-03-01T12:00:00.000Z";
  return { id: anImportId(), createdAt, body: "{}", isCut: false, reason, dequeueCount: 1, ...changes };
}

describe("createPoison", () => {
  it("keeps a body of 64 KiB, and replaces it when the message is given up again", async () => {
    const poison = createPoison(openTables(azurite));
    const entry = anEntry({ body: "é".repeat(32_768), importId: anImportId() });

    await poison.upsert(entry);
    expect((await poison.read(entry.id))?.entry).toEqual(entry);
    await poison.upsert({ ...entry, body: "short" });

    expect((await poison.read(entry.id))?.entry.body).toBe("short");
  });

  it("lists the newest cause first, page by page", async () => {
    const poison = createPoison(openTables(azurite));
    const ids = [1, 3, 2].map((day) => anImportId(new Date(`2026-03-0${day}T00:00:00Z`)));
    for (const id of ids) await poison.upsert(anEntry({ id }));

    const first = await poison.list(2, undefined);
    const second = await poison.list(2, first.continuationToken);

    expect([...first.entries, ...second.entries].map(({ id }) => id)).toEqual(ids.toSorted());
    expect(second.continuationToken).toBeUndefined();
  });

  it("deletes only what has not changed, if asked to", async () => {
    const poison = createPoison(openTables(azurite));
    const entry = anEntry();
    await poison.upsert(entry);
    const etag = (await poison.read(entry.id))?.etag;
    await poison.upsert(entry);

    expect(await poison.delete(entry.id, etag)).toBe("conflict");
    expect(await poison.delete(entry.id)).toBe("deleted");
    expect(await poison.read(entry.id)).toBeUndefined();
  });

  it("reads back every row it writes", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "grapheme", maxLength: 70_000 }),
        fc.boolean(),
        fc.nat(),
        (body, isCut, dequeueCount) => {
          const entry = anEntry({ body, isCut, dequeueCount });
          expect(poisonRow.decode(poisonRow.encode(entry))).toEqual(entry);
        },
      ),
    );
  });
});
