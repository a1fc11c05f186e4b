import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KiB, MiB } from "../../src/descriptor.ts";
import type { Digest } from "../../src/digest.ts";
import { conformant, distribution28 } from "../../src/local/registry/behaviour.ts";
import { type Azurite, startAzurite } from "../helpers/azurite.ts";
import { image, type TestBlob } from "../helpers/images.ts";
import type { TestRegistry } from "../helpers/registry.ts";
import { expectImage, openWorld, type World } from "./world.ts";

/** A blob that travels in chunks is gone on from where it was, in another process. */

let azurite: Azurite;
beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite.close());

const repository = "team/large";
const settings = { LARGE_BLOB_BYTES: String(MiB) };
const checkpointBytes = 64 * MiB;

interface Interruption {
  readonly signal: "SIGKILL" | "SIGTERM";
  /** When the process is to end. */
  readonly at: Promise<unknown>;
  /** Lets the registry go on: right after SIGTERM, and once a killed process is gone. */
  readonly release?: () => void;
}

/** Starts an import, ends the service in the middle of it, and waits for the import's end in a new process. */
async function interrupt(world: World, { signal, at, release }: Interruption) {
  const first = await world.start();
  const { id } = await first.startImport({ source: `${world.source.host}/${repository}:1` });
  await at;
  const ended = first.kill(signal);
  if (signal === "SIGTERM") release?.();
  const exitCode = await ended;
  release?.();
  const second = await world.start();
  return { exitCode, record: await second.waitForEnd(id) };
}

function bytesOf(target: TestRegistry, kind: "upload-patch"): number {
  return target.requests.filter((request) => request.kind === kind).reduce((sum, one) => sum + one.receivedBytes, 0);
}

describe("a large blob at a target whose upload addresses stay valid", () => {
  it("sends at most a checkpoint's interval again after SIGKILL, in the same session", async () => {
    const sizeBytes = 80 * MiB;
    const pushed = image({ layers: [sizeBytes, 300 * KiB], seed: "stateless" });
    await using world = await openWorld(azurite, {
      target: { behaviour: conformant },
      targetProfile: "zot",
      settings,
    });
    const { source, target } = world;
    await source.seedImage(repository, "1", pushed);
    const { reached, release } = target.hold({ kind: "upload-patch", from: 5 }, { receivedBytes: 8 * MiB });

    const { record } = await interrupt(world, { signal: "SIGKILL", at: reached, release });

    expect(record).toMatchObject({ state: "Succeeded", attempt: 1 });
    await expectImage(target, repository, pushed, "1");
    const againBytes = bytesOf(target, "upload-patch") - sizeBytes;
    expect(againBytes).toBeLessThanOrEqual(checkpointBytes);
    const patched = target.requests.filter(({ kind }) => kind === "upload-patch").map(({ session }) => session);
    expect(new Set(patched).size).toBe(1);
    expect(target.openSessions()).toEqual([]);
  });

  it("goes on with the closing request alone when all chunks had come", async () => {
    const sizeBytes = 20 * MiB;
    const pushed = image({ layers: [sizeBytes], seed: "closing" });
    await using world = await openWorld(azurite, { targetProfile: "zot", settings });
    const { source, target } = world;
    await source.seedImage(repository, "1", pushed);
    const [, layer] = pushed.blobs;
    const { reached } = target.hold({ kind: "upload-put", digest: digestOf(layer) });

    const { record } = await interrupt(world, { signal: "SIGKILL", at: reached });

    expect(record.state).toBe("Succeeded");
    await expectImage(target, repository, pushed, "1");
    expect(bytesOf(target, "upload-patch")).toBe(sizeBytes);
  });
});

describe("a large blob at a target whose upload addresses hold the offset", () => {
  const chunkBytes = 16 * MiB;
  const sizeBytes = 3 * chunkBytes;
  const pushed = image({ layers: [sizeBytes, 300 * KiB], seed: "stateful" });

  async function openStatefulWorld(): Promise<World> {
    const world = await openWorld(azurite, { target: { behaviour: distribution28 }, settings });
    await world.source.seedImage(repository, "1", pushed);
    return world;
  }

  it("sends nothing again after SIGTERM, which lets the running chunk end", async () => {
    await using world = await openStatefulWorld();
    const { target } = world;
    const { reached, release } = target.hold({ kind: "upload-patch", from: 2 }, { receivedBytes: 8 * MiB });

    const { exitCode, record } = await interrupt(world, { signal: "SIGTERM", at: reached, release });

    expect(exitCode).toBe(0);
    expect(record).toMatchObject({ state: "Succeeded", attempt: 1 });
    await expectImage(target, repository, pushed, "1");
    expect(bytesOf(target, "upload-patch")).toBe(sizeBytes);
  });

  it("sends nothing again after SIGKILL between two chunks", async () => {
    await using world = await openStatefulWorld();
    const { target } = world;
    const { reached } = target.hold({ kind: "upload-patch", from: 3 }, "request");

    const { record } = await interrupt(world, { signal: "SIGKILL", at: reached });

    expect(record.state).toBe("Succeeded");
    await expectImage(target, repository, pushed, "1");
    expect(bytesOf(target, "upload-patch")).toBe(sizeBytes);
  });

  it("sends that blob again, and no other, after SIGKILL in the middle of a chunk", async () => {
    await using world = await openStatefulWorld();
    const { target } = world;
    const small = pushed.blobs.filter(({ descriptor }) => descriptor.size < MiB).map(digestOf);
    const smallAreThere = Promise.all(
      small.map((digest) => target.waitForRequest({ kind: "upload-put", digest, status: 201 }, 30_000)),
    );
    const { reached, release } = target.hold({ kind: "upload-patch", from: 2 }, { receivedBytes: 8 * MiB });
    const at = Promise.all([reached, smallAreThere]);

    const { record } = await interrupt(world, { signal: "SIGKILL", at, release });

    expect(record.state).toBe("Succeeded");
    await expectImage(target, repository, pushed, "1");
    expect(bytesOf(target, "upload-patch")).toBeLessThanOrEqual(sizeBytes + 2 * chunkBytes);
    for (const { descriptor } of pushed.blobs.filter((blob) => blob.descriptor.size < MiB))
      expect(target.bytesReceived(descriptor.digest)).toBe(descriptor.size);
  });
});

function digestOf(blob: TestBlob | undefined): Digest {
  if (blob === undefined) throw new Error("the image lacks a blob");
  return blob.descriptor.digest;
}
