import { describe, expect, it } from "vitest";
import { createSignsOfLife } from "../../../src/functions/signs-of-life.ts";
import type { Motion } from "../../../src/store/heartbeat.ts";
import { aRecord } from "../../helpers/import-records.ts";
import { createMemoryLog } from "./memory-stores.ts";

const startMs = Date.parse("2026-03-01T12:00:00.000Z");
const at = (seconds: number) => new Date(startMs + seconds * 1_000);

/** A process that started at second 0. */
function startProcess(fails = false) {
  let now = at(0);
  const told: Motion[] = [];
  const alive: Date[] = [];
  const { log, events } = createMemoryLog();
  const life = createSignsOfLife({
    heartbeat: {
      advance: async (motion) => {
        if (fails) throw new Error("storage is away");
        told.push(motion);
      },
    },
    open: { noteAlive: async (_id, when) => void alive.push(when) },
    log,
    now: () => now,
  });
  const pass = (seconds: number) => {
    now = at(seconds);
  };
  return { life, told, alive, events, pass };
}

const accepted = (second: number) => aRecord({ createdAt: at(second).toISOString() });

describe("the signs of life of a process", () => {
  it("tell once a minute, after its first one, how far the queue of steps has got", async () => {
    const { life, told, pass } = startProcess();

    for (const second of [1, 59, 60, 61, 119, 120]) {
      pass(second);
      await life.begun(accepted(second - 30));
    }

    expect(told).toEqual([
      { movedAt: at(60), reachedAt: at(30) },
      { movedAt: at(120), reachedAt: at(90) },
    ]);
  });

  it("tell that bytes move although no step begins", async () => {
    const { life, told, pass } = startProcess();
    await life.begun(accepted(0));

    pass(600);
    await life.moved();

    expect(told).toEqual([{ movedAt: at(600), reachedAt: at(0) }]);
  });

  it("take a step of an import that has begun for queued when that was, at the earliest", async () => {
    const { life, told, pass } = startProcess();

    pass(600);
    await life.begun(aRecord({ createdAt: at(0).toISOString(), startedAt: at(500).toISOString() }));

    expect(told).toEqual([{ movedAt: at(600), reachedAt: at(500) }]);
  });

  it("cost young imports nothing", async () => {
    const { life, alive, pass } = startProcess();

    for (const second of [0, 299, 300]) {
      pass(second);
      await life.paused(accepted(0));
    }

    expect(alive).toEqual([at(300)]);
  });

  it("are none where storage is away, which fails no step", async () => {
    const { life, events, pass } = startProcess(true);

    pass(60);
    await life.begun(accepted(0));

    expect(events()).toEqual(["sign-of-life-failed"]);
  });
});
