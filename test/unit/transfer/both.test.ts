import { describe, expect, it } from "vitest";
import { both } from "../../../src/transfer/both.ts";

const never = new AbortController().signal;

/** Work that goes on until it is ended, and then needs a moment to clear up. */
function startWork() {
  const ended: unknown[] = [];
  const work = async (signal: AbortSignal): Promise<never> => {
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    await new Promise(setImmediate);
    ended.push(signal.reason);
    throw signal.reason;
  };
  return { work, ended };
}

describe("both", () => {
  it("returns what both come to", async () => {
    const results = await both(
      async () => 1,
      async () => "two",
      never,
    );

    expect(results).toEqual([1, "two"]);
  });

  it.each(["one", "other"])("throws what fails first, when the rest has ended: %s", async (which) => {
    const failure = new Error("refused");
    const fails = async (): Promise<never> => {
      throw failure;
    };
    const { work, ended } = startWork();

    const outcome = which === "one" ? both(fails, work, never) : both(work, fails, never);

    await expect(outcome).rejects.toBe(failure);
    expect(ended).toEqual([failure]);
  });

  it("ends both when the caller gives up", async () => {
    const caller = new AbortController();
    const [first, second] = [startWork(), startWork()];
    const outcome = both(first.work, second.work, caller.signal);
    const reason = new Error("cancelled");

    caller.abort(reason);

    await expect(outcome).rejects.toBe(reason);
    expect([...first.ended, ...second.ended]).toEqual([reason, reason]);
  });
});
