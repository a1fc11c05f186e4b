import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { ImportRecord } from "../../../src/domain/import-record.ts";
import { createEndedImports } from "../../../src/functions/ended-imports.ts";
import { createWaitForEnd } from "../../../src/functions/wait-for-end.ts";
import { anImportId, aRecord } from "../../helpers/import-records.ts";
import { createMemoryImports } from "./memory-stores.ts";

const running = aRecord({ state: "Copying" });
const ended: ImportRecord = { ...running, state: "Succeeded" };
const never = new AbortController().signal;

describe("ended imports", () => {
  it("wake all who wait for that import, and nobody else", async () => {
    const { next, announce } = createEndedImports();
    const stop = new AbortController();
    const woken: string[] = [];
    const waits = [
      next(running.id, never).then(() => woken.push("one")),
      next(running.id, never).then(() => woken.push("two")),
      next(anImportId(), stop.signal).then(() => woken.push("other")),
    ];

    announce(running.id);
    await setImmediate();

    expect(woken).toEqual(["one", "two"]);
    stop.abort();
    await Promise.all(waits);
  });

  it("let a waiting one go when its time is up, also when it was before it came", async () => {
    const { next } = createEndedImports();
    const stop = new AbortController();
    const waiting = next(running.id, stop.signal);

    stop.abort();

    await expect(waiting).resolves.toBeUndefined();
    await expect(next(running.id, stop.signal)).resolves.toBeUndefined();
  });
});

/** Waits for `running` over the given table; looks of its own come after `pollMs`. */
function createWait({ imports = createMemoryImports(running).imports, pollMs = 60_000 } = {}) {
  const endedImports = createEndedImports();
  return {
    announce: endedImports.announce,
    waitForEnd: createWaitForEnd({ imports, ended: endedImports, firstPollMs: pollMs, longestPollMs: pollMs }),
  };
}

describe("waitForEnd", () => {
  it("returns the record of an import that has ended without looking again", async () => {
    const { waitForEnd } = createWait({ imports: createMemoryImports().imports });

    expect(await waitForEnd(ended, 100)).toBe(ended);
  });

  it("returns at once when the import ends in this process", async () => {
    const stores = createMemoryImports(running);
    const { waitForEnd, announce } = createWait(stores);
    const waiting = waitForEnd(running, 100);

    stores.write(ended);
    announce(running.id);

    expect(await waiting).toEqual(ended);
  });

  it("finds by itself what ended in another process", async () => {
    const stores = createMemoryImports(running);
    const { waitForEnd } = createWait({ ...stores, pollMs: 1 });
    const waiting = waitForEnd(running, 100);

    stores.write(ended);

    expect(await waiting).toEqual(ended);
  });

  it("returns the record as it stands when time is up", async () => {
    const { waitForEnd } = createWait();

    expect(await waitForEnd(running, 0.01)).toEqual(running);
  });

  it("returns what it knows when storage fails: the import is accepted", async () => {
    const { imports } = createMemoryImports(running);
    const broken = { ...imports, read: () => Promise.reject(new Error("storage is down")) };
    const { waitForEnd, announce } = createWait({ imports: broken });
    const waiting = waitForEnd(running, 100);

    announce(running.id);

    expect(await waiting).toBe(running);
  });
});
