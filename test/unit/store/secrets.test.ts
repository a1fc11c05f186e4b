import { beforeEach, describe, expect, it } from "vitest";
import { firstSecretRow, retrySecretName } from "../../../src/domain/secret-row.ts";
import { createSealer, randomSealingKey, type Sealer } from "../../../src/store/sealing.ts";
import { createSecrets, type Secrets } from "../../../src/store/secrets.ts";
import { anImportId } from "../../helpers/import-records.ts";
import { useTables } from "../../helpers/use-tables.ts";

const tables = useTables();
let sealer: Sealer;
let secrets: Secrets;

beforeEach(() => {
  sealer = createSealer([randomSealingKey()]);
  secrets = createSecrets(tables.access, sealer);
});

const aRow = () => firstSecretRow(anImportId());
const credentials = { username: "robot", password: "hunter2-hunter2" };

describe("createSecrets", () => {
  it("gives credentials back until they are deleted", async () => {
    const row = aRow();
    await secrets.insert(row, credentials);

    expect(await secrets.read(row)).toEqual(credentials);
    await secrets.delete(row);
    await secrets.delete(row);
    expect(await secrets.read(row)).toBeUndefined();
  });

  it("keeps tokens of any length a request may bring", async () => {
    const row = aRow();
    const long = { username: "ü".repeat(1_024), password: "😀".repeat(16_384) };

    await secrets.insert(row, long);

    expect(await secrets.read(row)).toEqual(long);
  });

  it("keeps the first credentials when accept is repeated", async () => {
    const row = aRow();
    await secrets.insert(row, credentials);

    await secrets.insert(row, { username: "other", password: "other" });

    expect(await secrets.read(row)).toEqual(credentials);
  });

  it.each([
    ["has put others in their place", true, () => secrets.replace],
    ["has deleted them", false, () => secrets.delete],
  ] as const)("says whether there are credentials when another one %s meanwhile", async (_, isThere, change) => {
    const row = aRow();
    await secrets.insert(row, { password: "entra" });
    const table = (name: string) => {
      const opened = tables.access.table(name);
      const replace: typeof opened.replace = async (changed, etag) => {
        await change()(row, credentials);
        return await opened.replace(changed, etag);
      };
      return { ...opened, replace };
    };

    const replaced = await createSecrets({ ...tables.access, table }, sealer).replace(row, { password: "late" });

    expect(replaced).toBe(isThere);
    expect(await secrets.read(row)).toEqual(isThere ? credentials : undefined);
  });

  it("keeps a token that came without a user name", async () => {
    const row = aRow();

    await secrets.insert(row, { password: "token" });

    expect(await secrets.read(row)).toEqual({ password: "token" });
  });

  it("takes other credentials in their place, and none once they are gone", async () => {
    const row = aRow();
    await secrets.insert(row, credentials);

    const replaced = await secrets.replace(row, { username: "other", password: "other" });
    const read = await secrets.read(row);
    await secrets.delete(row);

    expect([replaced, read]).toEqual([true, { username: "other", password: "other" }]);
    expect(await secrets.replace(row, credentials)).toBe(false);
    expect(await secrets.read(row)).toBeUndefined();
  });

  it("leaves the credentials of a later attempt when an earlier one ends", async () => {
    const first = aRow();
    const { importId } = first;
    const [beaten, second, tenth] = [
      ...[retrySecretName(2, "aa"), retrySecretName(2, "bb"), retrySecretName(10, "cc")].map((name) => ({
        importId,
        name,
      })),
    ];
    if (beaten === undefined || second === undefined || tenth === undefined) throw new Error("a row is missing");
    for (const row of [first, beaten, second, tenth]) await secrets.insert(row, { password: row.name });

    await secrets.deleteUntil(importId, 1);
    const afterFirst = await Promise.all([first, second].map((row) => secrets.read(row)));
    await secrets.deleteUntil(importId, 2);
    const afterSecond = await Promise.all([beaten, second, tenth].map((row) => secrets.read(row)));

    expect(afterFirst).toEqual([undefined, { password: second.name }]);
    expect(afterSecond).toEqual([undefined, undefined, { password: tenth.name }]);
  });

  it("opens what a former key has sealed while both keys are there, and seals with the first", async () => {
    const [former, next] = [randomSealingKey(), randomSealingKey()];
    const [row, later] = [aRow(), aRow()];
    await createSecrets(tables.access, createSealer([former])).insert(row, credentials);
    const changing = createSecrets(tables.access, createSealer([next, former]));
    await changing.insert(later, credentials);

    const read = await Promise.all([
      changing.read(row),
      createSecrets(tables.access, createSealer([next])).read(later),
    ]);

    expect(read).toEqual([credentials, credentials]);
  });

  it("stores nothing that shows user or password", async () => {
    const row = aRow();
    await secrets.insert(row, credentials);

    const stored = await tables.access.table("Secrets").read({ partitionKey: row.importId, rowKey: row.name });

    const bytes = Object.values(stored?.row ?? {}).map((value) =>
      value instanceof Uint8Array ? Buffer.from(value) : Buffer.from(String(value)),
    );
    expect(bytes.length).toBeGreaterThan(0);
    for (const text of bytes) {
      expect(text.includes("robot")).toBe(false);
      expect(text.includes("hunter2")).toBe(false);
    }
  });

  it("opens a row that was copied to another import for nobody", async () => {
    const [row, other] = [aRow(), aRow()];
    await secrets.insert(row, credentials);
    const stored = await tables.access.table("Secrets").read({ partitionKey: row.importId, rowKey: row.name });
    const sealed = stored?.row.sealed;
    if (!(sealed instanceof Uint8Array)) throw new Error("there is no sealed column");

    await tables.access.table("Secrets").insert({ partitionKey: other.importId, rowKey: other.name, v: 1, sealed });

    await expect(secrets.read(other)).rejects.toMatchObject({ code: "CREDENTIALS_REQUIRED" });
  });

  it("asks for credentials anew when the key is gone", async () => {
    const row = aRow();
    await secrets.insert(row, credentials);

    const read = createSecrets(tables.access, createSealer([randomSealingKey()])).read(row);

    await expect(read).rejects.toMatchObject({ code: "CREDENTIALS_REQUIRED", side: "source" });
  });

  it("refuses credentials where there is no key, and stores nothing", async () => {
    const row = aRow();
    const keyless = createSecrets(tables.access, createSealer([]));

    await expect(keyless.insert(row, credentials)).rejects.toMatchObject({
      code: "INVALID_REQUEST",
      message: expect.not.stringContaining("hunter2"),
    });
    expect(await keyless.read(row)).toBeUndefined();
  });
});
