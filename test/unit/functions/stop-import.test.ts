import { describe, expect, it } from "vitest";
import type { ImportRecord } from "../../../src/domain/import-record.ts";
import { cancelRequested } from "../../../src/domain/import-transitions.ts";
import { createStopImport } from "../../../src/functions/stop-import.ts";
import { aRecord } from "../../helpers/import-records.ts";

/** What is told to stop when an import in this state is cancelled, and `next` is there by then. */
async function cancel(record: ImportRecord, next = record): Promise<readonly string[]> {
  const told: string[] = [];
  const stop = createStopImport({
    imports: { read: async () => ({ record: next, etag: "2" }), update: async (_, change) => change(record) ?? record },
    open: {
      requestStop: async (_, attempt) => {
        const isOpen = attempt === next.attempt;
        if (isOpen) told.push("open row");
        return isOpen;
      },
      takeBack: async (_id, _attempt, look) => {
        const found = await look();
        if (found !== undefined) told.push("taken back");
        return found !== undefined;
      },
    },
    cancellation: { notify: () => told.push("activities") },
  });
  await stop(record.id, (current) => cancelRequested(current, new Date()));
  return told;
}

describe("stopImport", () => {
  it("marks the open row, then tells the activities of this process", async () => {
    expect(await cancel(aRecord({ state: "Copying" }))).toEqual(["open row", "activities"]);
  });

  it("leaves an attempt alone that has begun since the record was read", async () => {
    expect(await cancel(aRecord({ state: "Copying", attempt: 1 }), aRecord({ state: "Accepted", attempt: 2 }))).toEqual(
      [],
    );
  });

  it("leaves the open row of an ended import alone: it is that of a retry that just begins", async () => {
    expect(await cancel(aRecord({ state: "Cancelled" }))).toEqual([]);
  });
});
