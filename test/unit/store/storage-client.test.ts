import { inspect } from "node:util";
import { TableClient } from "@azure/data-tables";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createTableAccess } from "../../../src/store/storage-client.ts";
import type { Row, Table } from "../../../src/store/table.ts";
import { type Azurite, openTables, startAzurite, uniquePrefix } from "../../helpers/azurite.ts";
import { type StorageProxy, startStorageProxy } from "../../helpers/storage-proxy.ts";

let azurite: Azurite;
let proxy: StorageProxy;

beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite[Symbol.asyncDispose]());

const key = { partitionKey: "p", rowKey: "r" };
const aRow: Row = {
  ...key,
  text: "it's 😀 \u0001",
  count: 3,
  size: 2n ** 53n,
  yes: true,
  bytes: Buffer.from([0, 255]),
};

describe("createTableAccess", () => {
  it("gives back every kind of column as it was written", async () => {
    const table = openTables(azurite).table("Things");
    await table.insert(aRow);

    const stored = await table.read(key);

    expect(stored?.row).toMatchObject({ ...aRow, bytes: expect.any(Uint8Array) });
    expect(Buffer.from([0, 255]).equals(toBytes(stored?.row.bytes))).toBe(true);
  });

  it("creates a table once for all who use it at the same time", async () => {
    const access = openTables(azurite);
    const seen: string[] = [];
    access.onTransaction(({ method, path }) => seen.push(`${method} ${path}`));

    await Promise.all(["a", "b", "c"].map((rowKey) => access.table("Things").insert({ ...aRow, rowKey })));

    expect(seen.filter((transaction) => transaction === "POST /Tables")).toHaveLength(1);
    expect(access.transactions()).toBe(4);
  });

  it("uses a table that another process has created", async () => {
    const storage = { connectionString: azurite.connectionString };
    const tablePrefix = uniquePrefix();
    await createTableAccess({ storage, tablePrefix }).table("Things").insert(aRow);

    const stored = await createTableAccess({ storage, tablePrefix }).table("Things").read(key);

    expect(stored?.row).toMatchObject({ count: 3 });
  });

  it("keeps tables of different prefixes apart", async () => {
    await openTables(azurite).table("Things").insert(aRow);

    expect(await openTables(azurite).table("Things").read(key)).toBeUndefined();
  });

  it("stops telling a listener that has left", async () => {
    const access = openTables(azurite);
    const seen: string[] = [];
    const leave = access.onTransaction(({ path }) => seen.push(path));
    await access.table("Things").insert(aRow);
    leave();

    await access.table("Things").read(key);

    expect(seen).toEqual(["/Tables", expect.stringMatching(/Things$/)]);
  });
});

describe("tables when storage fails", () => {
  let table: Table;

  beforeEach(async () => {
    proxy = await startStorageProxy(azurite);
    table = openTables(proxy).table("Things");
    await table.insert(aRow);
    return () => proxy[Symbol.asyncDispose]();
  });

  it.each([
    ["a broken connection", { kind: "reset" }],
    ["a busy server", { kind: "refuse", status: 503 }],
  ] as const)("get over %s by themselves", async (_, fault) => {
    proxy.breakNext(fault);

    expect((await table.read(key))?.row).toMatchObject({ count: 3 });
  });

  it("say STORAGE_UNAVAILABLE, retryable, when it stays down", async () => {
    for (let tries = 0; tries < 4; tries += 1) proxy.breakNext({ kind: "refuse", status: 500 });

    await expect(table.read(key)).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE", retryable: true });
  });

  it("say STORAGE_UNAVAILABLE, and not to try again, when access is refused", async () => {
    proxy.breakNext({ kind: "refuse", status: 403 });

    await expect(table.insert(aRow)).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE", retryable: false });
  });

  it("say STORAGE_UNAVAILABLE when nobody listens, and work again when somebody does", async () => {
    const access = openTables({ connectionString: proxy.connectionString });
    for (let tries = 0; tries < 4; tries += 1) proxy.breakNext({ kind: "reset" });
    const attempt = access.table("Things").read(key);

    await expect(attempt).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE", retryable: true });
    expect(await access.table("Things").read(key)).toBeUndefined();
  });

  it("keep no request, header or body in what a log may print of an error", async () => {
    proxy.breakNext({ kind: "refuse", status: 403 });

    const thrown: unknown = await table.insert(aRow).catch((error: unknown) => error);

    expect(inspect(thrown, { depth: 10 })).not.toMatch(/SharedKeyLite|authorization/i);
  });
});

describe("table writes", () => {
  it("replace only what has not changed", async () => {
    const table = openTables(azurite).table("Things");
    await table.insert(aRow);
    const etag = (await table.read(key))?.etag ?? "";

    const first = await table.replace({ ...key, count: 4 }, etag);
    const second = await table.replace({ ...key, count: 5 }, etag);

    expect(first).toEqual({ etag: expect.stringContaining("W/") });
    expect(second).toBe("conflict");
    expect((await table.read(key))?.row).toMatchObject({ count: 4 });
    expect((await table.read(key))?.row).not.toHaveProperty("text");
  });

  it("say conflict for a row that is gone, and delete it twice without complaint", async () => {
    const table = openTables(azurite).table("Things");
    await table.insert(aRow);
    const etag = (await table.read(key))?.etag ?? "";

    expect(await table.delete(key)).toBe("deleted");
    expect(await table.delete(key)).toBe("deleted");
    expect(await table.replace(aRow, etag)).toBe("conflict");
    expect(await table.merge({ ...key, count: 1 })).toBe(false);
  });

  it("delete only what has not changed, if asked to", async () => {
    const table = openTables(azurite).table("Things");
    await table.insert(aRow);
    const etag = (await table.read(key))?.etag ?? "";
    await table.merge({ ...key, count: 9 });

    expect(await table.delete(key, etag)).toBe("conflict");
    expect((await table.read(key))?.row).toMatchObject({ count: 9, text: aRow.text });
  });

  it("come back whole after the table was deleted under them", async () => {
    const storage = { connectionString: azurite.connectionString };
    const tablePrefix = uniquePrefix();
    const table = createTableAccess({ storage, tablePrefix }).table("Things");
    await table.insert(aRow);
    const options = { allowInsecureConnection: true };
    await TableClient.fromConnectionString(storage.connectionString, `${tablePrefix}Things`, options).deleteTable();

    expect(await table.read(key)).toBeUndefined();
    expect(await table.insert(aRow)).toHaveProperty("etag");
  });

  it("tell the server's time with a row and without", async () => {
    const table = openTables(azurite).table("Things");
    await table.insert(aRow);

    const found = await table.readTimed(key);
    const missing = await table.readTimed({ ...key, rowKey: "none" });

    expect(found.found?.row).toMatchObject({ count: 3 });
    expect(missing.found).toBeUndefined();
    for (const { serverTime } of [found, missing])
      expect(Math.abs((serverTime?.getTime() ?? 0) - Date.now())).toBeLessThan(60_000);
  });
});

function toBytes(value: unknown): Uint8Array {
  return value instanceof Uint8Array ? value : Buffer.of();
}
