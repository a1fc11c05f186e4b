import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { Unit } from "../../../src/domain/import-plan.ts";
import { ImportError } from "../../../src/errors.ts";
import type { ActivityContext } from "../../../src/functions/activities/activity-frame.ts";
import { createCopyPlannedUnit } from "../../../src/functions/activities/copy-planned-unit.ts";
import { profileFor } from "../../../src/registry/profiles.ts";
import { createRecentMap } from "../../../src/registry/recent-map.ts";
import type { Registry, RegistryAccess, Repository } from "../../../src/registry/registry.ts";
import type { PartResult } from "../../../src/store/parts.ts";
import type { CopiedPart, CopyUnit, UnitContext, UnitOutcome } from "../../../src/transfer/copy-unit.ts";
import { aDigest, aRecord } from "../../helpers/import-records.ts";

const resolvedAt = Date.parse("2026-03-01T12:00:00.000Z");
const record = aRecord({ state: "Copying", startedAt: new Date(resolvedAt).toISOString() });
const unit: Unit = {
  n: 3,
  blobs: ["one", "two"].map((name) => ({ digest: aDigest(name), sizeBytes: 100, targets: [0] })),
};
const signal = new AbortController().signal;
const context: ActivityContext = {
  row: { record, etag: "1" },
  budget: { endsAt: resolvedAt + 240_000, stopping: signal },
  signal,
  onCut: () => {},
};
const part = (name: string): CopiedPart => ({ target: 0, digest: aDigest(name), via: "copied", ms: 5, attempts: 1 });

interface Script {
  /** What the transfer does with its context; `passed` moves the clock to so many ms after resolve. */
  readonly copy: (context: UnitContext, passed: (ms: number) => void) => Promise<UnitOutcome["end"]>;
  readonly round?: number;
  readonly isRepeated?: boolean;
  readonly processStartedMs?: number;
  /** Ms after resolve at which the activity begins. */
  readonly beganMs?: number;
  readonly reportFails?: boolean;
  readonly targetHost?: string;
}

/** Copies the unit by script, and shows what was stored about it. */
async function copyUnit(script: Script) {
  const {
    copy,
    round = 0,
    isRepeated,
    processStartedMs = -1_000,
    beganMs = 100,
    reportFails = false,
    targetHost,
  } = script;
  let nowMs = beganMs;
  const reports: number[] = [];
  const stored: { readonly results: readonly PartResult[]; readonly finishedUnit: number | undefined }[] = [];
  const contexts: UnitContext[] = [];
  const scripted: CopyUnit = async (_unit, unitContext) => {
    contexts.push(unitContext);
    const end = await copy(unitContext, (ms) => {
      nowMs = ms;
    });
    return { parts: [], end };
  };
  const copyPlannedUnit = createCopyPlannedUnit({
    parts: {
      readInline: async (_, digest) => (digest === aDigest("one") ? new Uint8Array([1]) : undefined),
      reportUnit: async (_, n, { copiedBytes }) => {
        if (reportFails) throw new Error("storage is down");
        expect(n).toBe(unit.n);
        reports.push(copiedBytes);
      },
      markDone: async (_, results, finishedUnit) => {
        stored.push({ results: [...results], finishedUnit });
      },
    },
    repositories: { ofImport: async () => ({ source: nowhere(), targets: [nowhere(targetHost)] }) },
    copyUnit: scripted,
    life: { moved: async () => {} },
    now: () => new Date(resolvedAt + nowMs),
    elapsedMs: () => nowMs,
    processStartedAt: new Date(resolvedAt + processStartedMs),
    wholeBlobBudgetMs: 6_900_000,
  });
  const outcome = await copyPlannedUnit({ importId: record.id, unit, round, isRepeated }, context).catch(
    (error: unknown) => error,
  );
  const [seen] = contexts;
  return {
    outcome,
    reports,
    stored,
    headFirst: seen?.headFirst,
    isRepeated: seen?.isRepeated,
    endsAt: seen?.budget.endsAt,
  };
}

/** A repository that nobody asks anything: the scripted transfer does not. */
function nowhere(apiHost = "t.example"): Repository {
  const unused = () => {
    throw new Error("no request was expected");
  };
  const access: RegistryAccess = {
    ...{ side: "target", registry: "t.example", stage: "copy", insecure: false },
    credentials: { kind: "anonymous" },
  };
  const registry: Registry = {
    ...{ access, apiHost, profile: profileFor(apiHost, undefined), repository: unused, sendToCatalog: unused },
    learned: { maxPutBytes: undefined, refusesChunks: false, uploadRates: createRecentMap(10) },
    learn: async () => undefined,
    recall: async () => undefined,
    ping: unused,
    grantsIn: unused,
  };
  return { registry, name: "team/app", send: unused, acquireDownload: unused, tryAcquireDownload: unused };
}

const progress = (copiedBytes: number) => ({ doneBlobs: 0, bytes: { copied: copiedBytes, mounted: 0, skipped: 0 } });

describe("copyPlannedUnit", () => {
  it("hands over what is in place for the caller to store, and stores nothing itself", async () => {
    const { outcome, stored } = await copyUnit({
      copy: async ({ onPart }) => {
        onPart(part("one"));
        onPart(part("two"));
        return { kind: "done" };
      },
    });

    const results = [part("one"), part("two")].map((copied) => ({ kind: "blob", ...copied }));
    expect(outcome).toEqual({ kind: "done", results, reportedUnit: undefined });
    expect(stored).toEqual([]);
  });

  it("reports bytes after its first 2 s, and then every 2 s at most", async () => {
    const { outcome, reports } = await copyUnit({
      copy: async ({ onProgress }, passed) => {
        for (const ms of [100, 1_000, 2_099, 2_100, 2_200, 4_099, 4_100, 9_000]) {
          passed(ms);
          onProgress(progress(ms));
          await setImmediate();
        }
        return { kind: "done" };
      },
    });

    expect(reports).toEqual([2_100, 4_100, 9_000]);
    expect(outcome).toMatchObject({ reportedUnit: unit.n });
  });

  it("copies on when a report cannot be stored", async () => {
    const { outcome } = await copyUnit({
      reportFails: true,
      copy: async ({ onProgress }, passed) => {
        onProgress(progress(0));
        passed(5_000);
        onProgress(progress(50));
        return { kind: "done" };
      },
    });

    expect(outcome).toMatchObject({ kind: "done" });
  });

  it.each<[string, UnitOutcome["end"], object]>([
    ["waits", { kind: "wait", retryAfterSeconds: 15 }, { kind: "wait", retryAfterSeconds: 15 }],
    ["has more to do", { kind: "more", hasProgressed: true }, { kind: "more" }],
  ])("stores what is in place when it %s", async (_, end, expected) => {
    const { outcome, stored } = await copyUnit({
      copy: async ({ onPart, onProgress }, passed) => {
        onProgress(progress(0));
        passed(5_000);
        onProgress(progress(60));
        onPart(part("one"));
        return end;
      },
    });

    expect(outcome).toEqual(expected);
    expect(stored).toEqual([{ results: [{ kind: "blob", ...part("one") }], finishedUnit: unit.n }]);
  });

  it("stores what is in place when it fails, and passes the error on", async () => {
    const error = new ImportError({ code: "SOURCE_NOT_FOUND", what: "blob is gone" });

    const { outcome, stored } = await copyUnit({
      copy: async ({ onPart }) => {
        onPart(part("two"));
        throw error;
      },
    });

    expect(outcome).toBe(error);
    expect(stored).toEqual([{ results: [{ kind: "blob", ...part("two") }], finishedUnit: undefined }]);
  });

  it("writes nothing when nothing is in place", async () => {
    const { stored } = await copyUnit({ copy: async () => ({ kind: "more", hasProgressed: false }) });

    expect(stored).toEqual([]);
  });

  it("carries the registry's error along with its wish to wait", async () => {
    const error = new ImportError({ code: "SOURCE_RATE_LIMITED", what: "slow down", retryable: true });

    const { outcome } = await copyUnit({ copy: async () => ({ kind: "wait", retryAfterSeconds: 700, error }) });

    expect(outcome).toEqual({ kind: "wait", retryAfterSeconds: 700, error: error.toWire() });
  });

  it.each([
    ["not one chunk", "t.example"],
    ["takes no chunks", "europe-docker.pkg.dev"],
  ])("gives a blob two budgets when none of it stays, and then gives up, saying: %s", async (why, targetHost) => {
    const copy = async () => ({ kind: "more", hasProgressed: false }) as const;

    const first = await copyUnit({ copy, targetHost, round: 0 });
    const second = await copyUnit({ copy, targetHost, round: 1, isRepeated: true });

    expect(first.outcome).toEqual({ kind: "more" });
    expect(second.outcome).toMatchObject({ code: "DEADLINE_EXCEEDED", message: expect.stringContaining(why) });
  });

  it("gives another call to a blob whose target turned out to take no chunks: that one has all of functionTimeout", async () => {
    const { outcome } = await copyUnit({
      ...{ round: 1, isRepeated: true },
      copy: async ({ targets }) => {
        for (const { registry } of targets) Object.assign(registry, { profile: profileFor("gcr.io", undefined) });
        return { kind: "more", hasProgressed: false };
      },
    });

    expect(outcome).toEqual({ kind: "more" });
  });

  it("has a unit that was cut off send in such a way that what arrives stays, and not one that only waited", async () => {
    const copy = async () => ({ kind: "done" }) as const;

    expect((await copyUnit({ copy, round: 1, isRepeated: false })).isRepeated).toBe(false);
    expect((await copyUnit({ copy, round: 1, isRepeated: true })).isRepeated).toBe(true);
    expect((await copyUnit({ copy, round: 1 })).isRepeated).toBe(true); // by an orchestration of a former version
  });

  it.each([
    ["what resolve saw counts", {}, false],
    ["it is handed out again", { round: 1 }, true],
    ["resolve was more than 5 min ago", { beganMs: 300_001 }, true],
    ["resolve ran in a former process", { processStartedMs: 1 }, true],
  ])("looks before it copies only when needed: %s", async (_, script, expected) => {
    const { headFirst } = await copyUnit({ copy: async () => ({ kind: "done" }), ...script });

    expect(headFirst).toBe(expected);
  });

  it("gives a target that takes no chunks nearly all of functionTimeout: a blob goes there in one piece", async () => {
    const copy = async () => ({ kind: "done" }) as const;

    const chunked = await copyUnit({ copy });
    const whole = await copyUnit({ copy, targetHost: "europe-docker.pkg.dev" });

    expect(chunked.endsAt).toBe(context.budget.endsAt);
    expect(whole.endsAt).toBe(100 + 6_900_000);
  });

  it("reads inline content from the parts, and takes missing content for a bug", async () => {
    const { outcome } = await copyUnit({
      copy: async ({ readInline }) => {
        expect(await readInline(aDigest("one"), signal)).toEqual(new Uint8Array([1]));
        await readInline(aDigest("two"), signal);
        return { kind: "done" };
      },
    });

    expect(outcome).not.toBeInstanceOf(ImportError);
    expect(String(outcome)).toContain("is not stored");
  });
});
