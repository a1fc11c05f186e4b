import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { createHosts, hostRow } from "../../../src/store/hosts.ts";
import { openTables } from "../../helpers/azurite.ts";
import { startStorageProxy } from "../../helpers/storage-proxy.ts";
import { useTables } from "../../helpers/use-tables.ts";

const tables = useTables();
let time: Date;

beforeEach(() => {
  time = new Date("2026-03-01T12:00:00.000Z");
});

const now = () => time;
const seconds = (count: number) => new Date(time.getTime() + count * 1_000);
const startProcess = () => createHosts(tables.access, { now });

describe("host rows", () => {
  const anyPause = fc.record({
    key: fc.constantFrom("all", "write|anonymous"),
    until: fc.date({ noInvalidDate: true, min: new Date(0), max: new Date("9999-01-01T00:00:00Z") }),
    reason: fc.string(),
  });
  const anyFacts = fc.record(
    { maxPutBytes: fc.maxSafeNat(), refusesChunks: fc.boolean(), profile: fc.string() },
    { requiredKeys: [] },
  );

  it("decode the pauses that they encode", () => {
    fc.assert(
      fc.property(anyPause, (pause) => {
        expect(hostRow.decode(hostRow.encodePause("ghcr.io", pause))).toEqual({ pause, facts: {} });
      }),
    );
  });

  it("decode the facts that they encode", () => {
    fc.assert(
      fc.property(anyFacts, (facts) => {
        const learnedAt = new Date("2026-03-01T12:00:00.000Z");
        expect(hostRow.decode(hostRow.encodeFacts("ghcr.io", facts, learnedAt))).toEqual({ facts, learnedAt });
      }),
    );
  });
});

describe("createHosts", () => {
  const pause = (count: number, key = "all") => ({ key, until: seconds(count), reason: "it has answered 429" });

  it("knows nothing of a host that nobody has spoken of", async () => {
    expect(await startProcess().read("localhost:5000")).toEqual({ pauses: [], facts: {} });
  });

  it("tells another process of a pause, within five seconds", async () => {
    const [one, other] = [startProcess(), startProcess()];
    await other.read("ghcr.io");
    const paused = pause(120, "write|anonymous");

    await one.pause("ghcr.io", paused);

    expect((await other.read("ghcr.io")).pauses).toEqual([]);
    time = seconds(5);
    expect((await other.read("ghcr.io")).pauses).toEqual([paused]);
  });

  it("reads a host once in five seconds, however many ask", async () => {
    const hosts = startProcess();
    await hosts.read("warm.example");
    const before = tables.access.transactions();

    await Promise.all(Array.from({ length: 50 }, () => hosts.read("ghcr.io")));
    time = seconds(4.9);
    await hosts.read("ghcr.io");

    expect(tables.access.transactions() - before).toBe(1);
  });

  it("only ever prolongs a pause", async () => {
    const hosts = startProcess();
    const late = pause(300);
    await hosts.pause("ghcr.io", late);

    await hosts.pause("ghcr.io", { ...pause(10), reason: "it has answered 503" });

    expect((await startProcess().read("ghcr.io")).pauses).toEqual([late]);
  });

  it("heeds no pause that no registry can have meant, and lets another take its place", async () => {
    await startProcess().pause("ghcr.io", pause(25 * 3_600));

    expect((await startProcess().read("ghcr.io")).pauses).toEqual([]);
    await startProcess().pause("ghcr.io", pause(60));
    expect((await startProcess().read("ghcr.io")).pauses).toEqual([pause(60)]);
  });

  it("loses one row that cannot be read, and no other", async () => {
    const row = hostRow.encodePause("ghcr.io", pause(60, "read|anonymous"));
    await tables.access.table("Hosts").upsert({ ...row, pausedUntil: "+033658-09-27T01:46:40.000Z" });
    await startProcess().pause("ghcr.io", pause(60));

    expect((await startProcess().read("ghcr.io")).pauses).toEqual([pause(60)]);
    await startProcess().pause("ghcr.io", pause(30, "read|anonymous"));
    expect((await startProcess().read("ghcr.io")).pauses).toEqual([pause(60), pause(30, "read|anonymous")]);
  });

  it("keeps the pauses of classes and accounts apart", async () => {
    const hosts = startProcess();

    await hosts.pause("ghcr.io", pause(60, "write|anonymous"));
    await hosts.pause("ghcr.io", pause(30, "read|anonymous"));

    expect((await startProcess().read("ghcr.io")).pauses).toEqual([
      pause(30, "read|anonymous"),
      pause(60, "write|anonymous"),
    ]);
  });

  it("keeps what several processes learn at once", async () => {
    await Promise.all([
      startProcess().pause("ghcr.io", pause(60)),
      startProcess().learn("ghcr.io", { maxPutBytes: 100_000_000_000 }),
      startProcess().learn("ghcr.io", { profile: "ghcr" }),
      startProcess().pause("ghcr.io", pause(30)),
    ]);

    expect(await startProcess().read("ghcr.io")).toEqual({
      pauses: [pause(60)],
      facts: { maxPutBytes: 100_000_000_000, profile: "ghcr" },
    });
  });

  it("forgets in a week what was learned, and what is learned then stands alone", async () => {
    await startProcess().learn("ghcr.io", { maxPutBytes: 1_000_000, refusesChunks: true });

    time = seconds(7 * 24 * 3_600 - 1);
    const before = await startProcess().read("ghcr.io");
    time = seconds(1);
    const after = await startProcess().read("ghcr.io");
    await startProcess().learn("ghcr.io", { maxPutBytes: 2_000_000 });

    expect(before.facts).toEqual({ maxPutBytes: 1_000_000, refusesChunks: true });
    expect(after.facts).toEqual({});
    expect((await startProcess().read("ghcr.io")).facts).toEqual({ maxPutBytes: 2_000_000 });
  });

  it("asks again after a read that failed", async () => {
    await using proxy = await startStorageProxy(tables.azurite);
    const hosts = createHosts(openTables(proxy), { now });
    proxy.breakNext({ kind: "refuse", status: 403 });

    await expect(hosts.read("ghcr.io")).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE" });
    expect(await hosts.read("ghcr.io")).toEqual({ pauses: [], facts: {} });
  });
});
