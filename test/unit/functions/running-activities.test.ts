import { describe, expect, it } from "vitest";
import { createRunningActivities } from "../../../src/functions/running-activities.ts";

describe("the activities of a process that is about to end", () => {
  it("are waited for, whether they succeed or fail", async () => {
    const { track, ended } = createRunningActivities();
    const first = Promise.withResolvers<string>();
    const second = Promise.withResolvers<string>();
    const results = Promise.allSettled([track(() => first.promise)("a"), track(() => second.promise)("b")]);
    let hasEnded = false;
    const waiting = ended(60_000).then(() => {
      hasEnded = true;
    });

    first.resolve("done");
    await first.promise;
    expect(hasEnded).toBe(false);
    second.reject(new Error("storage is gone"));
    await waiting;

    expect((await results).map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
  });

  it("are not waited for beyond the time there is", async () => {
    const { track, ended } = createRunningActivities();
    const endless = Promise.withResolvers<void>();
    const running = track(() => endless.promise)("x");

    await ended(1);

    endless.resolve();
    await running;
  });

  it("are not waited for when there are none", async () => {
    await createRunningActivities().ended(60_000);
  });
});
