import { describe, expect, it } from "vitest";
import { ImportError } from "../../../src/errors.ts";
import type { HostBoard, HostFacts, HostNotes, Pause } from "../../../src/registry/host-board.ts";
import { createHostLimits } from "../../../src/registry/limits.ts";
import type { RateLimits } from "../../../src/registry/rate-limits.ts";
import type { SlotKind } from "../../../src/registry/request-class.ts";
import { createFakeClock, emptyBoard, thrownBy } from "../../helpers/registry-client.ts";

const never = new AbortController().signal;
const place = { side: "source", registry: "r.example", stage: "copy" } as const;

interface LimitsOptions {
  readonly rates?: readonly RateLimits[];
  readonly limitShares?: number;
  readonly requestsPerHost?: number;
  readonly connectionsPerHost?: number;
  readonly board?: HostBoard;
  readonly clock?: ReturnType<typeof createFakeClock>;
}

/** The limits of one process at `r.example`. */
function create(options: LimitsOptions = {}) {
  const { rates = [], limitShares = 1, requestsPerHost = 2, board = emptyBoard, clock = createFakeClock() } = options;
  const { connectionsPerHost = requestsPerHost } = options;
  const facts: HostFacts[] = [];
  const host = createHostLimits({
    ...{ host: "r.example", board, requestsPerHost, connectionsPerHost, maxWaitSeconds: 60, limitShares, ...clock },
    onFacts: (found) => facts.push(found),
  });
  return { clock, host, facts, limits: host.of("anonymous", () => rates) };
}

/** What processes have written for each other. */
function createBoard() {
  const pauses: Pause[] = [];
  let facts: HostFacts = {};
  let reads = 0;
  const board: HostBoard = {
    read: async (): Promise<HostNotes> => {
      reads += 1;
      return { pauses: [...pauses], facts };
    },
    pause: (_, pause) => {
      pauses.push(pause);
    },
    learn: (_, found) => {
      facts = { ...facts, ...found };
    },
  };
  return { board, pauses, reads: () => reads };
}

describe("pauses of a host", () => {
  it("hold back the paused class and no other", async () => {
    const { clock, limits } = create();
    limits.pause("write", 5_000, "it has answered 429");

    await limits.acquire("read", place, never);
    const sleptForRead = [...clock.sleeps];
    await limits.acquire("write", place, never);

    expect(sleptForRead).toEqual([]);
    expect(clock.sleeps).toEqual([5_000]);
  });

  it("hold back the paused account and no other", async () => {
    const { clock, host, limits } = create();
    limits.pause("read", 5_000, "it has answered 429");

    await host.of("somebody", () => []).acquire("read", place, never);
    const sleptForOther = [...clock.sleeps];
    await limits.acquire("read", place, never);

    expect(sleptForOther).toEqual([]);
    expect(clock.sleeps).toEqual([5_000]);
  });

  it("hold back everybody and everything where the host itself is paused", async () => {
    const { clock, host, limits } = create();
    limits.pause("all", 3_000, "it has answered 503");

    await host.of("somebody", () => []).acquire("read", place, never);

    expect(clock.sleeps).toEqual([3_000]);
  });

  it("last as long as the longer of two", async () => {
    const { clock, limits } = create();
    limits.pause("read", 9_000, "it has answered 429");
    limits.pause("read", 1_000, "it has answered 429");

    await limits.acquire("read", place, never);

    expect(clock.sleeps).toEqual([9_000]);
  });

  it("are thrown when they are too long to be waited for, and give the place back", async () => {
    const { clock, limits } = create();
    limits.pause("read", 90_500, "it has answered 429");

    const errors = [];
    for (let count = 0; count < 3; count += 1) errors.push(await thrownBy(() => limits.acquire("read", place, never)));
    clock.advance(90_500);
    await limits.acquire("read", place, never);

    expect(errors.every((error) => error instanceof ImportError)).toBe(true);
    expect(errors[2]).toMatchObject({
      code: "SOURCE_RATE_LIMITED",
      message: "source r.example: no request is made for another 91 s, because it has answered 429",
      retryable: true,
      retryAfterSeconds: 91,
    });
    expect(clock.sleeps).toEqual([]);
  });

  it("last six hours at most, whatever a registry asks for", async () => {
    const { board, pauses } = createBoard();
    const { clock, host, limits } = create({ board });
    const sixHours = 6 * 3_600_000;

    limits.pause("read", 1e20, "it has answered 429");

    expect(pauses.map(({ until }) => until)).toEqual([new Date(clock.now().getTime() + sixHours)]);
    clock.advance(sixHours);
    await limits.acquire("read", place, never);
    expect(host.state().pauses).toEqual([]);
    expect(clock.sleeps).toEqual([]);
  });

  it("are shared with other processes from 5 s on, which see them within 5 s", async () => {
    const { board } = createBoard();
    const clock = createFakeClock();
    const [one, other] = [create({ board, clock }), create({ board, clock })];
    await other.limits.acquire("write", place, never);

    one.limits.pause("write", 4_000, "it has answered 429");
    one.limits.pause("write", 40_000, "it has answered 429");
    await other.limits.acquire("write", place, never);
    const sleptAtOnce = [...clock.sleeps];
    clock.advance(5_000);
    (await other.limits.acquire("read", place, never))(); // asks the board again, and does not wait for the answer
    await other.limits.acquire("read", place, never);

    expect(sleptAtOnce).toEqual([]);
    expect(other.host.state().pauses).toEqual([
      { requestClass: "write", until: new Date(clock.now().getTime() + 35_000), reason: "it has answered 429" },
    ]);
  });

  it("are written once while a Retry-After counts down to the same end", async () => {
    const { board, pauses } = createBoard();
    const { clock, limits } = create({ board });

    for (let left = 60; left > 50; left -= 1) {
      limits.pause("write", left * 1_000, "it has answered 429");
      clock.advance(1_000);
    }

    expect(pauses).toHaveLength(1);
  });

  it("that others have written hold back the very first request of a process", async () => {
    const { board } = createBoard();
    create({ board }).limits.pause("all", 20_000, "it cannot be reached");
    const { clock, limits } = create({ board });

    await limits.acquire("read", place, never);

    expect(clock.sleeps).toEqual([20_000]);
  });
});

describe("notes of other processes", () => {
  it("are read every 5 s at most, however many requests are made", async () => {
    const { board, reads } = createBoard();
    const { clock, limits } = create({ board });

    for (let second = 0; second < 20; second += 1) {
      (await limits.acquire("read", place, never))();
      clock.advance(1_000);
    }

    expect(reads()).toBe(4);
  });

  it("are known before the first request is made", async () => {
    const { board } = createBoard();
    board.learn("r.example", { maxPutBytes: 1_000_000 });
    const { facts, host } = create({ board });

    await host.sync(never);

    expect(facts).toEqual([{ maxPutBytes: 1_000_000 }]);
  });
});

describe("a time of day that is set back", () => {
  const hourMs = 3_600_000;

  it("prolongs no pause, be it one's own or noted by another process", async () => {
    const { board } = createBoard();
    const { clock, limits, host } = create({ board });
    board.pause("r.example", { key: "all", until: new Date(clock.now().getTime() + 9_000), reason: "it rests" });
    limits.pause("write", 5_000, "it has answered 429");
    await host.sync(never);

    clock.setBack(hourMs);
    clock.advance(6_000);
    const shown = host.state().pauses.map(({ until }) => until.getTime() - clock.now().getTime());
    await limits.acquire("write", place, never);

    expect(shown).toEqual([3_000]);
    expect(clock.sleeps).toEqual([3_000]);
  });

  it("gives a budget what has come together meanwhile", async () => {
    const { clock, limits } = create({ rates: [{ writesPerMinute: 10 }] });
    (await limits.acquire("write", place, never))();

    clock.setBack(hourMs);
    clock.advance(60_000);
    await limits.acquire("write", place, never);

    expect(clock.sleeps).toEqual([]);
  });

  it("leaves the notes of other processes to be read as often", async () => {
    const { board, reads } = createBoard();
    const { clock, host } = create({ board });
    await host.sync(never);

    clock.setBack(hourMs);
    clock.advance(5_000);
    await host.sync(never);

    expect(reads()).toBe(2);
  });
});

describe("the first look at the notes", () => {
  it("keeps nobody who has given up", async () => {
    const { limits } = create({ board: { ...emptyBoard, read: () => new Promise(() => undefined) } });
    const aborter = new AbortController();

    const entering = limits.acquire("read", place, aborter.signal);
    aborter.abort(new Error("cancelled"));

    await expect(entering).rejects.toThrow("cancelled");
  });
});

describe("slots at a host", () => {
  it.each<readonly [SlotKind, SlotKind, string]>([
    ["download", "write", "a download held open does not keep its upload from starting"],
    ["download", "read", "an upload can be looked after while its source is read"],
    ["write", "token", "an upload can be signed in anew"],
  ])("are apart for %s and %s, so that %s", async (held, other) => {
    const { limits } = create({ requestsPerHost: 1 });
    await limits.acquire(held, place, never);

    await expect(limits.acquire(other, place, never)).resolves.toBeTypeOf("function");
  });

  it("that carry blobs are no more than there may be connections", async () => {
    const { limits } = create({ requestsPerHost: 2, connectionsPerHost: 1 });
    const kinds = ["download", "write", "read", "token"] as const;

    const free = kinds.filter((kind) => [limits.tryAcquire(kind), limits.tryAcquire(kind)].every(Boolean));

    expect(free).toEqual(["read", "token"]);
  });

  it("are taken beside the line only where nobody stands in it", async () => {
    const clock = { ...createFakeClock(), sleep: () => new Promise<void>(() => undefined) };
    const { limits } = create({ rates: [{ readsPerMinute: 10 }], requestsPerHost: 10, clock });
    await limits.acquire("read", place, never);
    const whileNobodyWaits = limits.tryAcquire("download");
    limits.acquire("read", place, never).catch(() => undefined); // waits for its turn for ever
    await limits.acquire("write", place, never); // by now it stands in its line

    const whileOneWaits = limits.tryAcquire("download");

    expect(whileNobodyWaits).toBeTypeOf("function");
    expect(whileOneWaits).toBeUndefined();
  });

  it("are waited for in a line of their own also where a budget is shared: a look at an upload passes full downloads", async () => {
    const { limits } = create({ rates: [{ readsPerMinute: 1_000 }], requestsPerHost: 1 });
    await limits.acquire("download", place, never);
    const aborter = new AbortController();
    const waiting = thrownBy(() => limits.acquire("download", place, aborter.signal));

    const release = await limits.acquire("read", place, never);

    expect(release).toBeTypeOf("function");
    aborter.abort();
    await waiting;
  });

  it("that are held on to see a pause out before the next request, and pay for it", async () => {
    const { clock, limits } = create({ rates: [{ readsPerMinute: 10 }] });
    await limits.acquire("download", place, never);
    limits.pause("all", 3_000, "it has answered 503");

    await limits.turn("read", place, never);

    const [pause, ...turn] = clock.sleeps;
    expect(pause).toBe(3_000);
    expect(turn).toHaveLength(1);
  });
});

describe("budgets of a host", () => {
  const minuteMs = 60_000;
  const writes = (writesPerMinute: number) => [{ writesPerMinute }];

  /** When each of `count` writes left that were asked for at once, in ms from the first. */
  async function spend(count: number, options: LimitsOptions) {
    const { clock, limits } = create({ requestsPerHost: 1, ...options });
    const times: number[] = [];
    const beganMs = clock.now().getTime();
    for (let number = 0; number < count; number += 1) {
      const leave = await limits.acquire("write", place, never);
      times.push(clock.now().getTime() - beganMs);
      leave();
    }
    return times;
  }

  it("let no minute see more than the limit, even where requests come 2 s late, and use at least 85 % of it", async () => {
    const times = await spend(5_000, { rates: writes(1_000) });

    const busiest = Math.max(
      ...times.map((begin) => times.filter((time) => time >= begin && time < begin + minuteMs + 2_000).length),
    );
    const perMinute = (times.length / (times.at(-1) ?? 0)) * minuteMs;
    expect(busiest).toBeLessThanOrEqual(1_000);
    expect(perMinute).toBeGreaterThanOrEqual(850);
  });

  it("are divided among the processes that share them", async () => {
    const times = await spend(1_000, { rates: writes(1_000), limitShares: 4 });

    const inOneMinute = times.filter((time) => time < minuteMs).length;
    expect(inOneMinute).toBeLessThanOrEqual(250);
    expect(inOneMinute).toBeGreaterThanOrEqual(240);
  });

  it("cost nothing where there is none", async () => {
    const { clock, limits } = create({ requestsPerHost: 1_000 });

    for (let count = 0; count < 1_000; count += 1) await limits.acquire("write", place, never);

    expect(clock.sleeps).toEqual([]);
  });

  it("make requests leave in the order they came, without those who gave up", async () => {
    const { limits } = create({ rates: writes(10), requestsPerHost: 100 });
    await limits.acquire("write", place, never);
    const aborter = new AbortController();
    const order: number[] = [];
    const waiting = [1, 2, 3, 4].map(async (number) => {
      await limits.acquire("write", place, number === 2 ? aborter.signal : never);
      order.push(number);
    });

    aborter.abort(new Error("cancelled"));
    const ends = await Promise.allSettled(waiting);

    expect(ends.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled", "fulfilled"]);
    expect(order).toEqual([1, 3, 4]);
  });

  it("throw a wait that is longer than a minute, and say how long it is", async () => {
    const { limits } = create({ rates: writes(10), requestsPerHost: 1 });
    await limits.acquire("write", place, never); // holds the only place: the line stands still
    const others = Array.from({ length: 8 }, () => limits.acquire("write", place, never));

    const error = await thrownBy(() => limits.acquire("write", place, never));

    expect(others).toHaveLength(8);
    expect(error).toMatchObject({ code: "SOURCE_RATE_LIMITED", retryable: true, retryAfterSeconds: 62 });
  });

  it("count a list of referrers as a read, too", async () => {
    const { clock, limits } = create({ rates: [{ readsPerMinute: 10, referrersPerMinute: 1_000 }] });
    (await limits.acquire("read", place, never))();

    await limits.acquire("referrers", place, never);

    expect(clock.sleeps).toHaveLength(1);
  });

  it("give nothing back that was spent when their rate changes", async () => {
    const { clock, host } = create({ requestsPerHost: 100 });
    let perMinute = 100;
    const limits = host.of("anonymous", () => writes(perMinute));

    for (let count = 0; count < 8; count += 1) await limits.acquire("write", place, never);
    const sleptBefore = [...clock.sleeps];
    perMinute = 50;
    await limits.acquire("write", place, never);
    perMinute = 100;
    await limits.acquire("write", place, never);

    expect(sleptBefore).toEqual([]);
    expect(clock.sleeps).toHaveLength(2);
  });

  it("fall to the next lower limits when the host refuses what was thought to be granted", async () => {
    const { host, limits } = create({ rates: [{ writesPerMinute: 2_000 }, { writesPerMinute: 1_000 }] });
    (await limits.acquire("write", place, never))();
    const [before] = host.state().budgets;

    limits.exceeded("write");
    limits.exceeded("write"); // several were on their way when the first was refused
    (await limits.acquire("write", place, never))();

    expect(before).toMatchObject({ requestClass: "write", perMinute: 2_000 });
    expect(host.state().budgets).toMatchObject([{ requestClass: "write", perMinute: 1_000 }]);
  });

  it("are tried as before an hour after the last refusal, which others may have caused", async () => {
    const { clock, host, limits } = create({ rates: [{ writesPerMinute: 2_000 }, { writesPerMinute: 1_000 }] });
    limits.exceeded("write");
    (await limits.acquire("write", place, never))();
    const [lowered] = host.state().budgets;

    clock.advance(3_600_000);
    (await limits.acquire("write", place, never))();

    expect(lowered).toMatchObject({ perMinute: 1_000 });
    expect(host.state().budgets).toMatchObject([{ perMinute: 2_000 }]);
  });
});
