import { HttpRequest } from "@azure/functions";
import { describe, expect, it } from "vitest";
import type { ImportRecord, ImportState } from "../../../src/domain/import-record.ts";
import { formatImport } from "../../../src/domain/import-view.ts";
import { overviewSchema } from "../../../src/domain/overview.ts";
import { createGetOverview } from "../../../src/functions/triggers/get-overview.ts";
import { aRecord } from "../../helpers/import-records.ts";

const now = new Date("2026-03-01T12:34:56.000Z");

/** What the overview says to run, where `Open` has rows of these imports. */
async function readRunning(records: readonly ImportRecord[]) {
  const handle = createGetOverview({
    imports: {
      summarize: async () => ({ summaries: [], countedSince: undefined }),
      readMany: async (ids) => records.filter(({ id }) => ids.includes(id)),
    },
    open: {
      list: async () => records.map(({ id, createdAt }) => ({ id, createdAt, attempt: 1, isStopped: false })),
    },
    view: async (record) => formatImport(record, undefined, "http://drayage.test"),
    now: () => now,
  });
  const response = await handle(new HttpRequest({ method: "GET", url: "http://drayage.test/api/overview" }));
  const body: unknown = JSON.parse(String(response.body ?? JSON.stringify(response.jsonBody)));
  const { running } = overviewSchema.parse(body);
  return { count: running.count, shown: running.imports.length };
}

const many = (count: number, state: ImportState) => Array.from({ length: count }, () => aRecord({ state }));

describe("what runs", () => {
  it("is nothing where rows of what is open have outlived the end of their imports", async () => {
    expect(await readRunning(many(6, "Failed"))).toEqual({ count: 0, shown: 0 });
  });

  it("is all that is open, of which the newest ten that run are shown, also behind such rows", async () => {
    expect(await readRunning([...many(25, "Succeeded"), ...many(12, "Copying")])).toMatchObject({ shown: 10 });
    expect(await readRunning(many(30, "Copying"))).toEqual({ count: 30, shown: 10 });
  });
});
