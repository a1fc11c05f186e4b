import { randomBytes } from "node:crypto";
import * as local from "../../src/local/azurite.ts";
import { createTableAccess, type TableAccess } from "../../src/store/storage-client.ts";

export type Azurite = local.Azurite;

/** An Azurite with nothing in it, in memory. Takes seconds: once per test file (`beforeAll`), and a prefix per test. */
export function startAzurite(): Promise<Azurite> {
  return local.startAzurite({ directory: undefined });
}

/** Letters and digits that no other test has: names of tables begin with them. */
export function uniquePrefix(): string {
  return `t${randomBytes(6).toString("hex")}`;
}

/** Tables of its own for one test. */
export function openTables({ connectionString }: Pick<Azurite, "connectionString">): TableAccess {
  return createTableAccess({ storage: { connectionString }, tablePrefix: uniquePrefix() });
}
