import { describe, expect, it } from "vitest";
import type { ImportRecord } from "../../../src/domain/import-record.ts";
import { holdRow } from "../../../src/functions/held-row.ts";
import { aRecord } from "../../helpers/import-records.ts";
import { createMemoryImports } from "./memory-stores.ts";

const warned = (record: ImportRecord): ImportRecord => ({ ...record, warnings: [...record.warnings, "seen"] });
const labelled = (record: ImportRecord): ImportRecord => ({ ...record, hasCredentials: true });

/** A row as an activity has read it, and the table behind it. */
async function readRow(changes: Parameters<typeof aRecord>[0] = {}) {
  const record = aRecord({ state: "Copying", ...changes });
  const stores = createMemoryImports(record);
  const row = await stores.imports.read(record.id);
  if (row === undefined) throw new Error("the record was put there");
  return { ...stores, row, id: record.id };
}

describe("holdRow", () => {
  it("writes each change over what the one before has left, without reading", async () => {
    const { imports, row, id, record } = await readRow();
    const held = holdRow({ ...imports, update: () => Promise.reject(new Error("it would read")) }, row);

    await held.change(warned);
    const last = await held.change(labelled);

    expect(last).toMatchObject({ warnings: ["seen"], hasCredentials: true });
    expect(record(id)).toEqual(last);
    expect(held.record()).toEqual(last);
  });

  it("writes nothing when there is nothing to change", async () => {
    const { imports, row, writes } = await readRow();

    const same = await holdRow(imports, row).change((record) => record);

    expect(same).toBe(row.record);
    expect(writes()).toBe(0);
  });

  it("decides again on what another writer has left, from then on each time", async () => {
    const { imports, row, id, write, record } = await readRow();
    const held = holdRow(imports, row);
    write({ ...row.record, cancelRequestedAt: "2026-03-01T12:00:01.000Z" });

    await held.change(warned);
    write({ ...row.record, warnings: ["other"], state: "Publishing" });
    const last = await held.change(warned);

    expect(last).toMatchObject({ warnings: ["other", "seen"], state: "Publishing" });
    expect(record(id)).toEqual(last);
  });

  it("lets through what the change has against the row", async () => {
    const { imports, row } = await readRow();
    const refuse = () => {
      throw new Error("too late");
    };

    await expect(holdRow(imports, row).change(refuse)).rejects.toThrow("too late");
  });

  it("says that the import was deleted", async () => {
    const stores = await readRow();
    stores.delete(stores.id);

    await expect(holdRow(stores.imports, stores.row).change(warned)).rejects.toMatchObject({
      code: "IMPORT_NOT_FOUND",
    });
  });

  it("never changes a later attempt", async () => {
    const { imports, row, id, write, record } = await readRow();
    const later: ImportRecord = { ...row.record, attempt: 2, state: "Accepted" };
    write(later);

    await expect(holdRow(imports, row).change(warned)).rejects.toMatchObject({ code: "CANCELLED" });

    expect(record(id)).toEqual(later);
  });
});
