import { HttpRequest } from "@azure/functions";
import { describe, expect, it } from "vitest";
import type { ImportRecord } from "../../../src/domain/import-record.ts";
import { formatImport } from "../../../src/domain/import-view.ts";
import { ImportError } from "../../../src/errors.ts";
import { createBeginAgain } from "../../../src/functions/begin-again.ts";
import type { DurablePort } from "../../../src/functions/durable-port.ts";
import { createRetryAttempt } from "../../../src/functions/retry-attempt.ts";
import { createRetryImport } from "../../../src/functions/triggers/retry-import.ts";
import { aRecord } from "../../helpers/import-records.ts";
import { createMemoryImports } from "./memory-stores.ts";

const now = new Date("2026-03-01T12:00:00.000Z");
const failed: ImportRecord = { ...aRecord({ state: "Failed" }), hasCredentials: true };
const credentials = { username: "u", password: "p" };
const durable: DurablePort = { start: async () => {}, raise: async () => false, state: async () => "missing" };

/** Retries `failed`, and notes in which order things are done to it. */
async function retry(
  options: { readonly isAllowed?: boolean; readonly isBeaten?: boolean; readonly query?: string } = {},
) {
  const { isAllowed = true, isBeaten = false, query = "" } = options;
  const stores = createMemoryImports(failed);
  const did: string[] = [];
  const note = (what: string) => async () => {
    did.push(what);
  };
  const beginAgain = createBeginAgain({
    imports: {
      read: stores.imports.read,
      replace: async (stored) => {
        if (isBeaten) stores.write({ ...failed, attempt: 2 });
        did.push("record");
        return await stores.imports.replace(stored);
      },
    },
    open: { takeBack: async (_id, _attempt, look) => (await look()) !== undefined },
    parts: { deleteAll: note("forget parts"), deleteUnits: note("forget units") },
    secrets: { insert: note("secret"), delete: note("forget secret") },
    startImport: { reopen: note("open"), start: note("start") },
  });
  const assertAllowed = () => {
    if (!isAllowed) throw new ImportError({ code: "HOST_NOT_ALLOWED", what: "no longer" });
  };
  const handle = createRetryImport({
    imports: stores.imports,
    retry: createRetryAttempt({ beginAgain, assertAllowed, randomBytes: Buffer.alloc, now: () => now }),
    assertMaySeal: () => {},
    view: async (record) => formatImport(record, undefined, "http://drayage.test"),
  });
  const request = new HttpRequest({
    ...{ method: "POST", url: `http://drayage.test/api/imports/x/retry${query}`, params: { id: failed.id } },
    query: Object.fromEntries(new URLSearchParams(query)),
    body: { string: JSON.stringify({ source: { credentials } }) },
  });
  const answer = await handle(request, durable).catch((thrown: unknown) => thrown);
  return { answer, did, record: stores.record(failed.id) };
}

describe("retrying an import", () => {
  it("stores the open row and credentials before the record says Accepted, and starts last", async () => {
    const { answer, did, record } = await retry();

    expect(answer).toMatchObject({ status: 202 });
    expect(did).toEqual(["open", "secret", "record", "forget units", "start"]);
    expect(record).toMatchObject({ state: "Accepted", attempt: 2, hasCredentials: true });
  });

  it("forgets the parts of the former digest when the tag is resolved again", async () => {
    expect((await retry({ query: "?resolve=true" })).did).toContain("forget parts");
  });

  it("is refused, with nothing changed, when the settings do not allow its hosts any more", async () => {
    const { answer, did, record } = await retry({ isAllowed: false });

    expect(answer).toMatchObject({ code: "HOST_NOT_ALLOWED" });
    expect(did).toEqual([]);
    expect(record).toBe(failed);
  });

  it("neither starts anything nor leaves its credentials behind when another retry was faster", async () => {
    const { answer, did } = await retry({ isBeaten: true });

    expect(answer).toMatchObject({ code: "IMPORT_STATE_CONFLICT" });
    expect(did).toEqual(["open", "secret", "record", "forget secret"]);
  });
});
