import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createHosts, hostRow } from "../../../src/store/hosts.ts";
import type { TableAccess } from "../../../src/store/storage-client.ts";
import { type Azurite, openTables, startAzurite } from "../../helpers/azurite.ts";
import { startStorageProxy } from "../../helpers/storage-proxy.ts";

let azurite: Azurite;
let access: TableAccess;
let time: Date;

beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite[Symbol.asyncDispose]());
beforeEach(() => {
  access = openTables(azurite);
  time = new Date("2026-03-01T12:00:00.000Z");
});

const now = () => time;
const seconds = (count: number) => new Date(time.getTime() + count * 1_000);
const startProcess = () => createHosts(access, { now });

describe("host rows", () => {
  it("decode what they encode", () => {
    const anyFacts = fc.record(
      {
        pausedUntil: fc.date({ noInvalidDate: true, min: new Date(0), max: new Date("9999-01-01T00:00:00Z") }),
        reason: fc.string(),
        maxPutBytes: fc.maxSafeNat(),
      },
      { requiredKeys: [] },
    );

    fc.assert(
      fc.property(anyFacts, (facts) => {
        expect(hostRow.decode(hostRow.encode("ghcr.io", facts))).toEqual(facts);
      }),
    );
  });
});

describe("createHosts", () => {
  it("knows nothing of a host that nobody has spoken of", async () => {
    expect(await startProcess().read("localhost:5000")).toEqual({});
  });

  it("tells another process of a pause, within five seconds", async () => {
    const [one, other] = [startProcess(), startProcess()];
    await other.read("ghcr.io");
    const until = seconds(120);

    await one.pause("ghcr.io", until, "429");

    expect(await one.read("ghcr.io")).toEqual({ pausedUntil: until, reason: "429" });
    expect(await other.read("ghcr.io")).toEqual({});
    time = seconds(5);
    expect(await other.read("ghcr.io")).toEqual({ pausedUntil: until, reason: "429" });
  });

  it("reads a host once in five seconds, however many ask", async () => {
    const hosts = startProcess();
    await hosts.read("warm.example");
    const before = access.transactions();

    await Promise.all(Array.from({ length: 50 }, () => hosts.read("ghcr.io")));
    time = seconds(4.9);
    await hosts.read("ghcr.io");

    expect(access.transactions() - before).toBe(1);
  });

  it("only ever prolongs a pause", async () => {
    const hosts = startProcess();
    const late = seconds(300);
    await hosts.pause("ghcr.io", late, "503");

    await hosts.pause("ghcr.io", seconds(10), "429");

    expect(await startProcess().read("ghcr.io")).toEqual({ pausedUntil: late, reason: "503" });
  });

  it("keeps what several processes learn at once", async () => {
    const until = seconds(60);

    await Promise.all([
      startProcess().pause("ghcr.io", until, "429"),
      startProcess().learn("ghcr.io", { maxPutBytes: 100_000_000_000 }),
      startProcess().pause("ghcr.io", seconds(30), "429"),
    ]);

    expect(await startProcess().read("ghcr.io")).toMatchObject({ pausedUntil: until, maxPutBytes: 100_000_000_000 });
  });

  it("asks again after a read that failed", async () => {
    await using proxy = await startStorageProxy(azurite);
    const hosts = createHosts(openTables(proxy), { now });
    proxy.breakNext({ kind: "refuse", status: 403 });

    await expect(hosts.read("ghcr.io")).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE" });
    expect(await hosts.read("ghcr.io")).toEqual({});
  });
});
