import { beforeEach, describe, expect, it } from "vitest";
import { createOpen, type Open } from "../../../src/store/open.ts";
import { anImportId } from "../../helpers/import-records.ts";
import { useTables } from "../../helpers/use-tables.ts";

const tables = useTables();
let open: Open;

beforeEach(() => {
  open = createOpen(tables.access);
});

const createdAt = "2026-03-01T12:00:00.000Z";

describe("createOpen", () => {
  it("lists what was inserted until it is deleted", async () => {
    const ids = Array.from({ length: 40 }, () => anImportId());
    await Promise.all(ids.map((id) => open.insert({ id, createdAt, attempt: 1 })));
    const [first = anImportId(), ...rest] = ids;

    await open.delete(first, 1);
    await open.delete(first, 1);

    const listed = await open.list();
    expect(listed.map(({ id }) => id).sort()).toEqual([...rest].sort());
    expect(listed[0]).toMatchObject({ createdAt, attempt: 1, isStopped: false });
  });

  it("names the stopped imports, all in one transaction", async () => {
    const ids = Array.from({ length: 20 }, () => anImportId());
    await Promise.all(ids.map((id) => open.insert({ id, createdAt, attempt: 1 })));
    const stopped = ids.slice(0, 3);
    for (const id of stopped) expect(await open.requestStop(id, 1)).toBe(true);
    const before = tables.access.transactions();

    const found = await open.readStopped();

    expect([...found].sort()).toEqual([...stopped].sort());
    expect(tables.access.transactions() - before).toBe(1);
  });

  it("cannot stop what is not open", async () => {
    expect(await open.requestStop(anImportId(), 1)).toBe(false);
    expect(await open.list()).toEqual([]);
  });

  it("keeps a stop when accept is repeated", async () => {
    const id = anImportId();
    await open.insert({ id, createdAt, attempt: 1 });
    await open.requestStop(id, 1);

    await open.insert({ id, createdAt, attempt: 1 });

    expect(await open.readStopped()).toEqual([id]);
  });

  it("keeps the row of an attempt that has begun meanwhile", async () => {
    const id = anImportId();
    await open.insert({ id, createdAt, attempt: 2 });

    await open.delete(id, 1);

    expect(await open.list()).toMatchObject([{ id, attempt: 2 }]);
  });

  it("leaves the attempt running that has begun before the stop of the former one came", async () => {
    const id = anImportId();
    await open.insert({ id, createdAt, attempt: 2 });

    expect(await open.requestStop(id, 1)).toBe(false);

    expect(await open.readStopped()).toEqual([]);
    expect(await open.requestStop(id, 2)).toBe(true);
    expect(await open.readStopped()).toEqual([id]);
  });

  it("forgets the stop of a former attempt when the next one begins", async () => {
    const id = anImportId();
    await open.insert({ id, createdAt, attempt: 1 });
    await open.requestStop(id, 1);

    await open.insert({ id, createdAt: "2026-03-01T13:00:00.000Z", attempt: 2 });

    expect(await open.readStopped()).toEqual([]);
    expect(await open.list()).toEqual([{ id, createdAt: "2026-03-01T13:00:00.000Z", attempt: 2, isStopped: false }]);
  });
});
