import { describe, expect, it } from "vitest";
import type { Digest } from "../../../src/digest.ts";
import { retried } from "../../../src/domain/import-transitions.ts";
import { createResolveImport } from "../../../src/functions/activities/resolve-import.ts";
import type { StoredImport } from "../../../src/store/imports.ts";
import type { KeptManifest, Parts } from "../../../src/store/parts.ts";
import { resolveImport } from "../../../src/transfer/resolve-import.ts";
import type { Fault } from "../../helpers/faults.ts";
import { hangUp, rateLimited } from "../../helpers/faults-any.ts";
import { image, index } from "../../helpers/images.ts";
import { aRecord } from "../../helpers/import-records.ts";
import { startRegistry } from "../../helpers/registry.ts";
import { createTestClient } from "../../helpers/registry-client.ts";

const signal = new AbortController().signal;
const hourSeconds = 3_600;

/** Table `ImportParts`, as far as manifests go. */
function createMemoryParts() {
  const kept = new Map<Digest, KeptManifest>();
  let writes = 0;
  const parts = {
    keepManifests: async (_, manifests) => {
      if (manifests.length > 0) writes += 1;
      for (const manifest of manifests) kept.set(manifest.digest, manifest);
    },
    insertPlanned: async (_, planned) => {
      writes += 1;
      for (const { kind, digest, mediaType, content } of planned)
        if (kind === "manifest" && content !== undefined) kept.set(digest, { digest, mediaType, bytes: content });
    },
    readKept: async () => kept,
  } satisfies Pick<Parts, "insertPlanned" | "keepManifests" | "readKept">;
  return { parts, writes: () => writes };
}

/** An import of an index with so many images from a registry with these faults, and the step that resolves it. */
async function startResolving(images: number, faults: readonly Fault[]) {
  const source = await startRegistry();
  const target = await startRegistry();
  const client = createTestClient({ limits: { attempts: 1 } });
  const children = Array.from({ length: images }, (_, at) => ({ image: image({ seed: `child ${at}` }) }));
  const seeded = await source.seedImage("library/alpine", "3.20", index({ children }));
  source.setFaults(faults);
  const stored = createMemoryParts();
  let row: StoredImport = { record: aRecord({ sourceRegistry: source.host, targetRegistry: target.host }), etag: "1" };
  const activity = createResolveImport({
    imports: {
      replace: async (changed) => {
        row = changed;
        return row;
      },
      update: async () => expect.fail("nobody else writes"),
    },
    parts: stored.parts,
    repositories: {
      toResolve: async () => ({
        source: client.repository(source.host, { name: "library/alpine" }),
        targets: [client.repository(target.host, { side: "target", name: "alpine", actions: ["pull", "push"] })],
        credentialsEndAt: undefined,
      }),
    },
    locateSource: async (spec) => ({ spec, warnings: [] }),
    leaveToAcr: {
      asRequested: async () => expect.fail("nothing is left to ACR"),
      instead: async (thrown) => {
        throw thrown;
      },
    },
    resolve: resolveImport,
    needsCheckpoints: () => false,
    now: client.clock.now,
  });
  return {
    ...{ source, seeded, client, writes: stored.writes },
    resolve: async () => {
      const { id: importId, attempt } = row.record;
      const budget = { endsAt: Number.POSITIVE_INFINITY, stopping: signal };
      return await activity.work({ v: 1, importId, attempt }, { row, budget, signal, onCut: () => {} });
    },
    /** Ends the attempt and begins the next one with the same digest. */
    retry: () => {
      const failed = { ...row.record, state: "Failed" as const };
      row = { ...row, record: retried(failed, client.clock.now(), { credentials: "absent", digest: "keep" }) };
    },
    /** How often each manifest of the source was served. */
    served: () =>
      seeded.manifests.map(({ digest }) =>
        source.countRequests({ kind: "manifest-get", reference: digest, status: 200 }),
      ),
    [Symbol.asyncDispose]: async () => {
      await client[Symbol.asyncDispose]();
      await target[Symbol.asyncDispose]();
      await source[Symbol.asyncDispose]();
    },
  };
}

const once = (count: number): readonly number[] => Array.from({ length: count }, () => 1);

describe("an image whose manifests cannot be read in one go", () => {
  it("is read on where a quota has ended the first run", async () => {
    const spent = rateLimited({ kind: "manifest-get", from: 12, retryAfter: String(6 * hourSeconds) });
    await using held = await startResolving(20, [spent]);
    await expect(held.resolve()).rejects.toMatchObject({
      code: "SOURCE_RATE_LIMITED",
      retryAfterSeconds: 6 * hourSeconds,
    });
    held.source.setFaults([]);
    held.client.clock.advance(6 * hourSeconds * 1_000);

    const outcome = await held.resolve();

    expect(outcome).toMatchObject({ kind: "done", plan: { kind: "copy" } });
    expect(held.served()).toEqual(once(21));
  });

  it("is read on by a retry of the import, also by one that comes after the plan was made", async () => {
    await using held = await startResolving(20, [hangUp({ kind: "manifest-get", from: 12 })]);
    await expect(held.resolve()).rejects.toMatchObject({ code: "SOURCE_UNAVAILABLE" });
    held.source.setFaults([]);
    held.client.clock.advance(hourSeconds * 1_000);

    held.retry();
    await held.resolve();
    held.retry();
    await held.resolve();

    expect(held.served()).toEqual(once(21));
  });

  it("is stored by the hundred on the way, and a smaller one only with its plan", async () => {
    await using large = await startResolving(120, []);
    await using small = await startResolving(20, []);

    await large.resolve();
    await small.resolve();

    expect([large.writes(), small.writes()]).toEqual([2, 1]);
  });
});
