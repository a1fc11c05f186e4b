import { describe, expect, it } from "vitest";
import { createEveryMinute } from "../../../../src/functions/housekeeping/every-minute.ts";
import { noDurable } from "../schedules/schedule-builders.ts";

describe("everyMinute", () => {
  it("tells of itself when all is done, and not before", async () => {
    const { told, tasks, everyMinute } = setUp();
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    tasks.sweepPromotions = () => held;

    const ended = everyMinute();
    await Promise.resolve();
    expect(told).toEqual([]);
    release();
    await ended;

    expect(told).toEqual(["beat"]);
  });

  it("does the others when one fails, says which it was, and stays silent otherwise", async () => {
    const { told, performed, tasks, everyMinute } = setUp();
    tasks.sweepImports = () => Promise.reject(new Error("storage is away"));

    await everyMinute();

    expect(performed).toEqual(["sweepPromotions"]);
    expect(told).toEqual(['sweep-failed {"task":"sweepImports","error":"Error: storage is away"}']);
  });
});

function setUp() {
  const told: string[] = [];
  const performed: string[] = [];
  const task = (name: string) => async () => {
    performed.push(name);
  };
  const tasks: Record<string, () => Promise<void>> = {
    sweepImports: task("sweepImports"),
    sweepPromotions: task("sweepPromotions"),
  };
  const beat = () => told.push("beat");
  const log = (event: string, fields: object) => told.push(`${event} ${JSON.stringify(fields)}`);
  return { told, performed, tasks, everyMinute: () => createEveryMinute({ tasks, beat, log })(noDurable) };
}
