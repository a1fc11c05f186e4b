import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createSealer, randomSealingKey, type Sealer } from "../../../src/store/sealing.ts";
import { createTableAccess, type TableAccess } from "../../../src/store/storage-client.ts";
import { decodeUpload, encodeUpload } from "../../../src/store/upload-row.ts";
import { type AbandonedUpload, createUploads, type Uploads } from "../../../src/store/uploads.ts";
import { type Checkpoint, LeaseLostError, type UploadLease } from "../../../src/transfer/upload-lease.ts";
import { type Azurite, startAzurite, uniquePrefix } from "../../helpers/azurite.ts";
import { aDigest } from "../../helpers/import-records.ts";
import { type StorageProxy, startStorageProxy } from "../../helpers/storage-proxy.ts";

let azurite: Azurite;
let proxy: StorageProxy;

beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite[Symbol.asyncDispose]());

const key = { registry: "target.example", repository: "team/app", digest: aDigest("large blob") };
const checkpoint: Checkpoint = {
  location: "https://target.example/v2/team/app/blobs/uploads/1?_state=signed",
  offsetBytes: 5_000_000_000,
  profile: "distribution",
};
const signal = AbortSignal.timeout(60_000);

/** A process: its own clock and renewal timer, and the tables of the test. */
interface Process {
  readonly uploads: Uploads;
  readonly access: TableAccess;
  /** Lets time pass for this process's clock and for the server, and runs the renewals that fall due. */
  readonly runTimers: () => void;
  readonly timers: () => number;
}

let tablePrefix: string;
let sealer: Sealer;
let aheadMs: number;

beforeEach(async () => {
  proxy = await startStorageProxy(azurite);
  tablePrefix = uniquePrefix();
  sealer = createSealer([randomSealingKey()]);
  aheadMs = 0;
  return () => proxy[Symbol.asyncDispose]();
});

function startProcess(changes: { readonly sealer?: Sealer; readonly clockErrorMs?: number } = {}): Process {
  const access = createTableAccess({ storage: { connectionString: proxy.connectionString }, tablePrefix });
  const timers = new Set<() => void>();
  const every = (_: number, run: () => void) => {
    timers.add(run);
    return () => {
      timers.delete(run);
    };
  };
  const now = () => new Date(Date.now() + aheadMs + (changes.clockErrorMs ?? 0));
  return {
    access,
    uploads: createUploads(access, { sealer: changes.sealer ?? sealer, every, now }),
    runTimers: () => {
      for (const run of timers) run();
    },
    timers: () => timers.size,
  };
}

function passTime(ms: number): void {
  aheadMs += ms;
  proxy.advanceClock(ms);
}

async function acquire({ uploads }: Process, owner: string): Promise<UploadLease> {
  const lease = await uploads.acquire(key, owner, signal);
  if (lease === "busy") throw new Error(`the upload is busy for ${owner}`);
  return lease;
}

describe("upload rows", () => {
  const anyUpload = fc.record({
    owner: fc.string(),
    epoch: fc.nat(),
    leaseUntil: fc.date({ noInvalidDate: true, min: new Date(0), max: new Date("9999-01-01T00:00:00Z") }),
    checkpoint: fc.option(
      fc.record({
        location: fc.webUrl({ withQueryParameters: true }),
        offsetBytes: fc.maxSafeNat(),
        profile: fc.string(),
      }),
      { nil: undefined },
    ),
  });

  it("decode what they encode, and show nothing of a location", () => {
    const keys = { partitionKey: "p", rowKey: key.digest };

    fc.assert(
      fc.property(anyUpload, (upload) => {
        const row = encodeUpload(keys, upload, sealer);

        expect(decodeUpload(row, sealer)).toEqual(upload);
        if (upload.checkpoint) expect(rowText(row)).not.toContain(upload.checkpoint.location);
      }),
    );
  });
});

describe("createUploads", () => {
  it("gives an upload to one import at a time", async () => {
    const [one, other] = [startProcess(), startProcess()];
    await acquire(one, "import-1");

    expect(await other.uploads.acquire(key, "import-2", signal)).toBe("busy");
    expect(await other.uploads.acquire({ ...key, repository: "team/other" }, "import-2", signal)).not.toBe("busy");
  });

  it("lets exactly one of several that come at once win", async () => {
    const processes = Array.from({ length: 5 }, () => startProcess());

    const outcomes = await Promise.all(
      processes.map(({ uploads }, at) => uploads.acquire(key, `import-${at}`, signal)),
    );

    expect(outcomes.filter((outcome) => outcome !== "busy")).toHaveLength(1);
  });

  it("hands an import its own upload at once, with the checkpoint, and stops the former holder", async () => {
    const former = await acquire(startProcess(), "import-1");
    await former.save(checkpoint);

    const next = await acquire(startProcess(), "import-1");

    expect(next.checkpoint).toEqual(checkpoint);
    await expect(former.save(checkpoint)).rejects.toBeInstanceOf(LeaseLostError);
    await expect(former.save(checkpoint)).rejects.toBeInstanceOf(LeaseLostError);
    await next.save({ ...checkpoint, offsetBytes: 7 });
  });

  it("frees an upload whose holder has died, ten seconds after its minute by the server's clock", async () => {
    const other = startProcess();
    await (await acquire(startProcess(), "import-1")).save(checkpoint);

    passTime(68_000);
    const early = await other.uploads.acquire(key, "import-2", signal);
    passTime(6_000);
    const late = await acquire(other, "import-2");

    expect(early).toBe("busy");
    expect(late.checkpoint).toEqual(checkpoint);
  });

  it("is not misled by a process whose own clock is wrong", async () => {
    const slow = startProcess({ clockErrorMs: -3_600_000 });
    const fast = startProcess({ clockErrorMs: 3_600_000 });
    const lease = await acquire(slow, "import-1");
    await lease.save(checkpoint);

    expect(await fast.uploads.acquire(key, "import-2", signal)).toBe("busy");
    passTime(75_000);
    expect(await fast.uploads.acquire(key, "import-2", signal)).not.toBe("busy");
  });

  it("keeps an upload for as long as its holder renews it", async () => {
    const [holder, other] = [startProcess(), startProcess()];
    const lease = await acquire(holder, "import-1");

    for (let minutes = 0; minutes < 3; minutes += 1) {
      passTime(60_000);
      holder.runTimers();
      await lease.save(checkpoint); // comes after the renewal
    }

    expect(await other.uploads.acquire(key, "import-2", signal)).toBe("busy");
    await lease.save(undefined);
  });

  it("renews without losing the checkpoint", async () => {
    const holder = startProcess();
    const lease = await acquire(holder, "import-1");
    await lease.save(checkpoint);
    passTime(20_000);

    holder.runTimers();
    await lease.keep(60);

    expect((await acquire(startProcess(), "import-1")).checkpoint).toEqual(checkpoint);
  });

  it("tells a holder at its next save that a renewal found another one", async () => {
    const holder = startProcess();
    const lease = await acquire(holder, "import-1");
    passTime(75_000);
    const winner = await acquire(startProcess(), "import-2");

    holder.runTimers();

    await expect(lease.save(checkpoint)).rejects.toBeInstanceOf(LeaseLostError);
    expect(holder.timers()).toBe(0);
    await lease.release();
    await winner.save(checkpoint); // the loser's release has not taken the row away
  });

  it("keeps an upload ten minutes for an activity that will go on, without renewal", async () => {
    const [holder, other] = [startProcess(), startProcess()];
    const lease = await acquire(holder, "import-1");
    await lease.save(checkpoint);

    await lease.keep(600);

    expect(holder.timers()).toBe(0);
    passTime(605_000);
    expect(await other.uploads.acquire(key, "import-2", signal)).toBe("busy");
    passTime(10_000);
    expect((await acquire(other, "import-2")).checkpoint).toEqual(checkpoint);
  });

  it("is free for everybody once it was released", async () => {
    const holder = startProcess();
    const lease = await acquire(holder, "import-1");
    await lease.save(checkpoint);

    await lease.release();

    expect(holder.timers()).toBe(0);
    expect((await acquire(startProcess(), "import-2")).checkpoint).toBeUndefined();
  });

  it("forgets a checkpoint that was taken back", async () => {
    const lease = await acquire(startProcess(), "import-1");
    await lease.save(checkpoint);

    await lease.save(undefined);

    expect((await acquire(startProcess(), "import-1")).checkpoint).toBeUndefined();
  });

  it("takes its own write for no other's when the answer to it is lost", async () => {
    const lease = await acquire(startProcess(), "import-1");
    proxy.breakNext({ kind: "loseAnswer" }, isPut);
    await lease.save(checkpoint);

    await lease.save({ ...checkpoint, offsetBytes: 6 });

    expect((await acquire(startProcess(), "import-1")).checkpoint?.offsetBytes).toBe(6);
  });

  it("is released even after a save of which nobody knows whether it was done", async () => {
    const lease = await acquire(startProcess(), "import-1");
    proxy.breakNext({ kind: "loseAnswer" }, isPut);
    for (let tries = 0; tries < 3; tries += 1) proxy.breakNext({ kind: "reset" }, isPut);
    await expect(lease.save(checkpoint)).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE", retryable: true });

    await lease.release();

    expect(await startProcess().uploads.acquire(key, "import-2", signal)).not.toBe("busy");
  });

  it("writes one transaction per checkpoint, and three for an upload without one", async () => {
    const { uploads, access } = startProcess();
    const lease = await uploads.acquire(key, "import-1", signal);
    if (lease === "busy") throw new Error("busy");
    const created = 1;

    const before = access.transactions();
    await lease.save(checkpoint);
    const perCheckpoint = access.transactions() - before;
    await lease.release();

    expect(perCheckpoint).toBe(1);
    expect(access.transactions() - created - perCheckpoint).toBe(3);
  });

  it("starts over where the key of a checkpoint is gone", async () => {
    await (await acquire(startProcess(), "import-1")).save(checkpoint);

    const elsewhere = startProcess({ sealer: createSealer([randomSealingKey()]) });

    expect((await acquire(elsewhere, "import-1")).checkpoint).toBeUndefined();
  });

  it("goes on in the same process where the operator has given no key", async () => {
    const keyless = startProcess({ sealer: createSealer([]) });
    const lease = await acquire(keyless, "import-1");
    await lease.save(checkpoint);
    await lease.keep(600);

    expect((await acquire(keyless, "import-1")).checkpoint).toEqual(checkpoint);
  });

  it("waits for nobody once the signal is aborted", async () => {
    const aborted = AbortSignal.abort(new Error("the import was stopped"));

    await expect(startProcess().uploads.acquire(key, "import-1", aborted)).rejects.toThrow("the import was stopped");
  });

  it("sweeps what nobody has held for a day, and nothing else", async () => {
    const { uploads } = startProcess();
    await (await acquire(startProcess(), "import-1")).save(checkpoint);
    const now = new Date();
    const { registry, repository } = key;

    const take = async (at: Date) => {
      const taken: AbandonedUpload[] = [];
      for await (const one of uploads.takeAbandoned(at)) taken.push(one);
      return taken;
    };

    expect(await take(now)).toEqual([]);
    const taken = await take(new Date(now.getTime() + 25 * 3_600_000));
    expect(taken).toMatchObject([{ target: { registry, repository }, checkpoint }]);
    for (const { forget } of taken) await forget();
    expect(await uploads.acquire(key, "import-2", signal)).not.toBe("busy");
  });
});

function isPut(method: string): boolean {
  return method === "PUT";
}

function rowText(row: Readonly<Record<string, unknown>>): string {
  return Object.values(row)
    .map((value) => (value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : String(value)))
    .join(" ");
}
