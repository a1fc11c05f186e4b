import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createSealer, randomSealingKey, type Sealer } from "../../../src/store/sealing.ts";
import { createSecrets, type Secrets } from "../../../src/store/secrets.ts";
import type { TableAccess } from "../../../src/store/storage-client.ts";
import { type Azurite, openTables, startAzurite } from "../../helpers/azurite.ts";
import { anImportId } from "../../helpers/import-records.ts";

let azurite: Azurite;
let access: TableAccess;
let sealer: Sealer;
let secrets: Secrets;

beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite[Symbol.asyncDispose]());
beforeEach(() => {
  access = openTables(azurite);
  sealer = createSealer([randomSealingKey()]);
  secrets = createSecrets(access, sealer);
});

const credentials = { username: "robot", password: "hunter2-hunter2" };

describe("createSecrets", () => {
  it("gives credentials back until they are deleted", async () => {
    const id = anImportId();
    await secrets.insert(id, credentials);

    expect(await secrets.read(id)).toEqual(credentials);
    await secrets.delete(id);
    await secrets.delete(id);
    expect(await secrets.read(id)).toBeUndefined();
  });

  it("keeps tokens of any length a request may bring", async () => {
    const id = anImportId();
    const long = { username: "ü".repeat(1_024), password: "😀".repeat(16_384) };

    await secrets.insert(id, long);

    expect(await secrets.read(id)).toEqual(long);
  });

  it("keeps the first credentials when accept is repeated", async () => {
    const id = anImportId();
    await secrets.insert(id, credentials);

    await secrets.insert(id, { username: "other", password: "other" });

    expect(await secrets.read(id)).toEqual(credentials);
  });

  it("stores nothing that shows user or password", async () => {
    const id = anImportId();
    await secrets.insert(id, credentials);

    const stored = await access.table("Secrets").read({ partitionKey: id, rowKey: "source" });

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
    const [id, other] = [anImportId(), anImportId()];
    await secrets.insert(id, credentials);
    const stored = await access.table("Secrets").read({ partitionKey: id, rowKey: "source" });
    const sealed = stored?.row.sealed;
    if (!(sealed instanceof Uint8Array)) throw new Error("there is no sealed column");

    await access.table("Secrets").insert({ partitionKey: other, rowKey: "source", v: 1, sealed });

    await expect(secrets.read(other)).rejects.toMatchObject({ code: "CREDENTIALS_REQUIRED" });
  });

  it("asks for credentials anew when the key is gone", async () => {
    const id = anImportId();
    await secrets.insert(id, credentials);

    const read = createSecrets(access, createSealer([randomSealingKey()])).read(id);

    await expect(read).rejects.toMatchObject({ code: "CREDENTIALS_REQUIRED", side: "source" });
  });

  it("refuses credentials where there is no key, and stores nothing", async () => {
    const id = anImportId();
    const keyless = createSecrets(access, createSealer([]));

    await expect(keyless.insert(id, credentials)).rejects.toMatchObject({
      code: "INVALID_REQUEST",
      message: expect.not.stringContaining("hunter2"),
    });
    expect(await keyless.read(id)).toBeUndefined();
  });
});
