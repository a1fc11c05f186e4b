import { afterAll, beforeAll, beforeEach } from "vitest";
import type { TableAccess } from "../../src/store/storage-client.ts";
import { type Azurite, openTables, startAzurite } from "./azurite.ts";

export interface TestTables {
  readonly azurite: Azurite;
  /** Those of the test that runs. */
  readonly access: TableAccess;
}

/** One Azurite for the tests of a file, and tables of its own for each of them. Called once, before other hooks. */
export function useTables(): TestTables {
  let azurite: Azurite;
  let access: TableAccess;
  beforeAll(async () => {
    azurite = await startAzurite();
  });
  afterAll(() => azurite[Symbol.asyncDispose]());
  beforeEach(() => {
    access = openTables(azurite);
  });
  return {
    get azurite() {
      return azurite;
    },
    get access() {
      return access;
    },
  };
}
