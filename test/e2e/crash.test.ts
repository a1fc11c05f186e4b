import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Azurite, startAzurite } from "../helpers/azurite.ts";
import type { TestImage } from "../helpers/images.ts";
import { image, multiPlatformImage } from "../helpers/images.ts";
import type { TestRegistry } from "../helpers/registry.ts";
import type { GateMatch } from "./storage-gate.ts";
import { expectImage, openWorld, type World } from "./world.ts";

/** The service is killed with SIGKILL at a chosen point and started again on the same state. */

let azurite: Azurite;
beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite.close());

const credentials = { username: "puller", password: "open-sesame" };
const repository = "team/app";
const users = { puller: "open-sesame" };
const key = "the same request";

describe("a service that is killed while it accepts an import", () => {
  const small = image({ layers: [3_000, 200], seed: "accept" });

  async function openProtectedWorld(): Promise<World> {
    const world = await openWorld(azurite, { source: { auth: { kind: "basic", users } } });
    await world.source.seedImage(repository, "1", small);
    return world;
  }

  const requestOf = ({ source }: World) => ({
    source: { registryUri: source.host, sourceImage: `${repository}:1`, credentials },
  });

  /** Sends a request whose answer never comes, since the service dies when `match` has passed. */
  async function killAfter(world: World, match: GateMatch): Promise<void> {
    const service = await world.start();
    const { reached } = world.gate.stop("after", match);
    const posted = service.post(requestOf(world), { idempotencyKey: key }).catch((thrown: unknown) => thrown);
    await reached;
    await service.kill("SIGKILL");
    expect(await posted).toBeInstanceOf(Error);
  }

  it.each([
    ["the key is claimed", { method: "POST", table: "Keys" }],
    ["its open row is there", { method: "POST", table: "Open" }],
    ["the credentials are sealed", { method: "POST", table: "Secrets" }],
    ["its record is there", { method: "POST", table: "Imports" }],
  ])("goes on when the request is repeated after %s", async (_, match) => {
    await using world = await openProtectedWorld();
    await killAfter(world, match);

    const service = await world.start();
    const record = await service.importAndWait(requestOf(world), { idempotencyKey: key });

    expect(record).toMatchObject({ state: "Succeeded", attempt: 1 });
    await expectImage(world.target, repository, small, "1");
    expect(await world.rows("Imports")).toHaveLength(1);
    await expect.poll(() => world.rows("Open"), { timeout: 20_000 }).toEqual([]);
    expect(await world.rows("Secrets")).toEqual([]);
  });

  it("goes on by itself once there is a record", async () => {
    await using world = await openProtectedWorld();
    await killAfter(world, { method: "POST", table: "Imports" });
    await world.ageOpenRows(61);

    const service = await world.start();
    const [accepted] = await world.rows("Imports");
    await service.sweep();
    const record = await service.waitForEnd(String(accepted?.rowKey));

    expect(record.state).toBe("Succeeded");
    await expectImage(world.target, repository, small, "1");
    expect(await world.rows("Secrets")).toEqual([]);
  });

  it("forgets a request without a record, with its credentials", async () => {
    await using world = await openProtectedWorld();
    await killAfter(world, { method: "POST", table: "Secrets" });
    expect(await world.rows("Secrets")).toHaveLength(1);
    await world.ageOpenRows(601);

    const service = await world.start();
    await service.sweep();

    await expect.poll(() => world.rows("Open"), { timeout: 20_000 }).toEqual([]);
    expect(await world.rows("Secrets")).toEqual([]);
    expect(world.target.countRequests()).toBe(0);
  });

  it("forgets the credentials of a retry that never began", async () => {
    await using world = await openProtectedWorld();
    const first = await world.start();
    const wrong = { ...requestOf(world).source, credentials: { ...credentials, password: "not it" } };
    const { id } = await first.importAndWait({ source: wrong });
    const { reached } = world.gate.stop("after", { method: "POST", table: "Secrets" });
    const retried = first.retry(id, { source: { credentials } }).catch((thrown: unknown) => thrown);
    await reached;
    await first.kill("SIGKILL");
    expect(await retried).toBeInstanceOf(Error);
    expect(await world.rows("Secrets")).toHaveLength(1);
    await world.ageOpenRows(61);

    const service = await world.start();
    await service.sweep();

    await expect.poll(() => world.rows("Open"), { timeout: 20_000 }).toEqual([]);
    expect(await world.rows("Secrets")).toEqual([]);
    expect(await service.read(id)).toMatchObject({ state: "Failed", attempt: 1 });
  });

  it("goes on by itself when the orchestration was started and did nothing yet", async () => {
    await using world = await openProtectedWorld();
    const first = await world.start();
    const { reached } = world.gate.stop("before", { method: "GET", table: "Imports" });
    const { id } = await first.startImport(requestOf(world));
    await reached;
    await first.kill("SIGKILL");

    const service = await world.start();
    const record = await service.waitForEnd(id);

    expect(record.state).toBe("Succeeded");
    await expectImage(world.target, repository, small, "1");
  });
});

describe("a service that is killed while it imports", () => {
  /** With the settings below: a unit of small blobs, a large blob in two chunks, a level of manifests, and the index. */
  const pushed = multiPlatformImage({ sharedLayers: [2_000_000, 90_000], layers: [60_000, 700], seed: "stages" });
  const [large] = pushed.blobs.filter(({ descriptor }) => descriptor.size === 2_000_000);
  const settings = { LARGE_BLOB_BYTES: "1048576" };
  const [small] = pushed.blobs.filter(({ descriptor }) => descriptor.size === 90_000);
  const [child] = pushed.manifests;
  if (large === undefined || small === undefined || child === undefined) throw new Error("the image lacks a part");

  interface Stage {
    readonly at: string;
    /** Resolves when the point is reached. */
    readonly reach: (world: World) => Promise<void>;
    readonly hasTag: boolean;
  }
  const atTarget = (...hold: Parameters<TestRegistry["hold"]>) => {
    return ({ target }: World) => target.hold(...hold).reached;
  };
  const atRecord = (state: string) => {
    return ({ gate }: World) => gate.stop("after", { method: "PUT", table: "Imports", body: state }).reached;
  };

  const stages: readonly Stage[] = [
    {
      at: "resolving",
      reach: ({ source }) => source.hold({ kind: "manifest-get", from: 2 }, "request").reached,
      hasTag: false,
    },
    { at: "the plan was stored and not yet carried out", reach: atRecord('"Copying'), hasTag: false },
    {
      at: "a blob was half-way",
      reach: atTarget({ kind: "upload-put", digest: small.descriptor.digest }, { receivedBytes: 50_000 }),
      hasTag: false,
    },
    {
      at: "a blob had come and nobody was told",
      reach: atTarget({ kind: "upload-put", digest: small.descriptor.digest }),
      hasTag: false,
    },
    { at: "one manifest of a level was there", reach: atTarget({ kind: "manifest-put" }), hasTag: false },
    { at: "the record had turned to Publishing", reach: atRecord('"Publishing'), hasTag: false },
    {
      at: "the tag was about to be set",
      reach: atTarget({ kind: "manifest-put", reference: "1" }, "request"),
      hasTag: false,
    },
    {
      at: "the tag was set and nobody was told",
      reach: atTarget({ kind: "manifest-put", reference: "1" }),
      hasTag: true,
    },
    { at: "the record had its end", reach: atRecord('"Succeeded'), hasTag: true },
  ];

  it.each(stages.map((stage) => [stage.at, stage] as const))(
    "brings the import to its end when it was killed as %s",
    async (_, { reach, hasTag }) => {
      await using world = await openWorld(azurite, { settings });
      const { source, target } = world;
      await source.seedImage(repository, "1", pushed);
      const first = await world.start();
      const reached = reach(world);
      const { id } = await first.startImport({ source: `${source.host}/${repository}:1` });
      await reached;
      await first.kill("SIGKILL");
      expect(Object.keys(target.tags(repository))).toEqual(hasTag ? ["1"] : []);
      const thereBefore = await presentBlobs(target, pushed);
      const receivedBefore = new Map(thereBefore.map((digest) => [digest, target.bytesReceived(digest)]));

      const service = await world.start();
      const record = await service.waitForEnd(id);

      expect(record).toMatchObject({ state: "Succeeded", attempt: 1, target: { digest: pushed.root.digest } });
      await expectImage(target, repository, pushed, "1");
      for (const [digest, bytes] of receivedBefore) expect(target.bytesReceived(digest)).toBe(bytes);
      expect(source.countRequests({ kind: "manifest-get", reference: child.digest })).toBeLessThanOrEqual(2);
      expect(target.countRequests(({ kind, status }) => kind === "manifest-put" && (status ?? 0) >= 400)).toBe(0);
      expect(target.bytesReceived(large.descriptor.digest)).toBeLessThanOrEqual(4_000_000);
      const parts = await service.parts(id);
      expect(parts.filter(({ state }) => state !== "done")).toEqual([]);
    },
  );

  it("clears up what an import that had ended has left behind", async () => {
    await using world = await openWorld(azurite, { source: { auth: { kind: "basic", users } } });
    await world.source.seedImage(repository, "1", pushed);
    const first = await world.start();
    const { reached } = world.gate.stop("before", { method: "DELETE", table: "Secrets" });
    await first.startImport({
      source: { registryUri: world.source.host, sourceImage: `${repository}:1`, credentials },
    });
    await reached;
    await first.kill("SIGKILL");
    expect(await world.rows("Secrets")).toHaveLength(1);
    await world.ageOpenRows(61);

    const service = await world.start();
    await service.sweep();

    await expect.poll(() => world.rows("Open"), { timeout: 20_000 }).toEqual([]);
    expect(await world.rows("Secrets")).toEqual([]);
  });
});

async function presentBlobs(target: TestRegistry, { blobs }: TestImage) {
  const present = await Promise.all(
    blobs.map(async ({ descriptor: { digest } }) => ((await target.holdsBlob(digest, repository)) ? [digest] : [])),
  );
  return present.flat();
}
