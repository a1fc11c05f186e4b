import { describe, expect, it } from "vitest";
import { cancelRequested, replaced } from "../../../src/domain/import-transitions.ts";
import { createBeginAgain } from "../../../src/functions/begin-again.ts";
import type { DurablePort } from "../../../src/functions/durable-port.ts";
import { createStartImport } from "../../../src/functions/start-import.ts";
import { createStopImport } from "../../../src/functions/stop-import.ts";
import { createImports } from "../../../src/store/imports.ts";
import { createOpen } from "../../../src/store/open.ts";
import { createParts } from "../../../src/store/parts.ts";
import { createSealer, randomSealingKey } from "../../../src/store/sealing.ts";
import { createSecrets } from "../../../src/store/secrets.ts";
import { anImportId, aRecord } from "../../helpers/import-records.ts";
import { useTables } from "../../helpers/use-tables.ts";

const tables = useTables();
const now = () => new Date("2026-03-01T13:00:00.000Z");
const course = {
  retry: { firstMs: 1, attempts: 1, backoff: 1, maxMs: 1 },
  ...{ maxActivities: 300, maxWaitSeconds: 1, maxUnreachableRounds: 1 },
};
const refuse = () => Promise.reject(new Error("no orchestration is to begin"));
const durable: DurablePort = { start: refuse, state: refuse, raise: refuse };

/** The first attempt of an import that copies, as somebody has read it who takes it for stuck. */
async function startWorld() {
  const { access } = tables;
  const [imports, open, parts] = [createImports(access), createOpen(access), createParts(access)];
  const secrets = createSecrets(access, createSealer([randomSealingKey()]));
  const startImport = createStartImport({ imports, open, secrets, course, now });
  const record = aRecord({ id: anImportId(), state: "Copying" });
  const { id, createdAt } = record;
  await open.insert({ id, attempt: 1, createdAt });
  await imports.insert(record);
  const stored = await imports.read(id);
  if (stored === undefined) throw new Error("the import is gone");
  const next = replaced(stored.record, now());
  const beginAgain = createBeginAgain({ imports, open, parts, secrets, startImport });
  const notified: string[] = [];
  const stop = createStopImport({ imports, open, cancellation: { notify: (one) => notified.push(one) } });
  return {
    ...{ id, open, notified },
    cancel: () => stop(id, (current) => cancelRequested(current, now())),
    /** As when the process ends before the record of the next attempt is written. */
    reopen: () => startImport.reopen(next),
    replace: () => beginAgain({ record: next, etag: stored.etag, forget: "units" }, durable),
    move: () => imports.update(id, (current) => ({ ...current, warnings: ["it moves"] })),
  };
}

describe("an attempt that another one was to replace", () => {
  it("is open as before where it has moved meanwhile", async () => {
    const { open, move, replace } = await startWorld();
    await move();

    expect(await replace()).toBe("conflict");

    expect(await open.list()).toMatchObject([{ attempt: 1, isStopped: false }]);
  });

  it("can be cancelled after that", async () => {
    const { id, open, notified, cancel, move, replace } = await startWorld();
    await move();
    await replace();

    await cancel();

    expect(await open.readStopped()).toEqual([id]);
    expect(notified).toEqual([id]);
  });

  it("stays cancelled where that was what has come between", async () => {
    const { id, open, cancel, replace } = await startWorld();
    await cancel();

    expect(await replace()).toBe("conflict");

    expect(await open.readStopped()).toEqual([id]);
  });

  it("can be cancelled where the process ended before the other one began, and retried as any other", async () => {
    const { id, open, notified, cancel, reopen } = await startWorld();
    await reopen();

    await cancel();

    expect(await open.readStopped()).toEqual([id]);
    expect(notified).toEqual([id]);
    await reopen();
    expect(await open.list()).toMatchObject([{ attempt: 2, isStopped: false }]);
  });
});
