import { describe, expect, it } from "vitest";
import { itemCancelled, itemEnded, itemRefused, itemReset } from "../../../src/domain/promotion-item.ts";
import { aRecord } from "../../helpers/import-records.ts";
import { anItem } from "../../helpers/promotion-records.ts";

const now = new Date("2026-03-01T13:00:00.000Z");
const error = { code: "SOURCE_NOT_FOUND", message: "source docker.io: no such tag", retryable: false } as const;
const queued = anItem({ state: "Queued" });
const failedImport = aRecord({ id: queued.importId, state: "Failed", error, finishedAt: now.toISOString() });

describe("an item", () => {
  it("ends as its import does, with bytes and error", () => {
    expect(itemEnded(queued, failedImport)).toMatchObject({
      state: "Failed",
      importAttempt: 1,
      result: { importState: "Failed", error: { code: "SOURCE_NOT_FOUND" }, finishedAt: now.toISOString() },
    });
  });

  it("takes no end of another import, none that is no end, and none twice", () => {
    const ended = itemEnded(queued, failedImport);

    expect(itemEnded(queued, aRecord({ state: "Failed", error }))).toBe(queued);
    expect(itemEnded(queued, { ...failedImport, state: "Copying" })).toBe(queued);
    expect(itemEnded(ended, failedImport)).toBe(ended);
  });

  it("takes no late end of the attempt before a retry, and takes that of the retry", () => {
    const again = { ...itemReset(itemEnded(queued, failedImport), 2), state: "Queued" as const };

    expect(itemEnded(again, failedImport)).toBe(again);
    expect(itemEnded(again, { ...failedImport, state: "Succeeded", attempt: 2 })).toMatchObject({
      state: "Succeeded",
      importAttempt: 2,
    });
  });

  it("that was reset takes no end of an import that was begun before, unless it brought the image", () => {
    const promotion = { id: queued.promotion, item: queued.key, attempt: 1 };
    const reset = { ...itemReset(itemCancelled(queued, now), 2), state: "Queued" as const };

    const late = { ...failedImport, promotion };
    expect(itemEnded(reset, late)).toBe(reset);
    expect(itemEnded(reset, { ...late, state: "Cancelled" })).toBe(reset);
    expect(itemEnded(reset, { ...late, state: "Succeeded" }).state).toBe("Succeeded");
    expect(itemEnded(reset, { ...late, promotion: { ...promotion, attempt: 2 } }).state).toBe("Failed");
  });

  it("is reset once per attempt, and never when it has succeeded", () => {
    const failed = itemRefused(queued, error, now);
    const reset = itemReset(failed, 2);

    expect(reset).toMatchObject({ state: "Pending", attempt: 2 });
    expect(reset).not.toHaveProperty("result");
    const failedAgain = itemRefused({ ...reset, state: "Queued" }, error, now);
    expect(itemReset(failedAgain, 2)).toBe(failedAgain);
    const succeeded = anItem({ state: "Succeeded" });
    expect(itemReset(succeeded, 2)).toBe(succeeded);
  });

  it("that has ended is not cancelled", () => {
    const failed = itemRefused(queued, error, now);

    expect(itemCancelled(failed, now)).toBe(failed);
    expect(itemCancelled(queued, now)).toMatchObject({ state: "Cancelled", result: { finishedAt: now.toISOString() } });
  });
});
