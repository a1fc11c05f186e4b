import { describe, expect, it } from "vitest";
import { MiB } from "../../../src/descriptor.ts";
import { distribution28 } from "../../../src/local/registry/behaviour.ts";
import type { Fault } from "../../helpers/faults.ts";
import * as like from "../../helpers/faults-profiles.ts";
import { forgetUpload, refuseChunks, tooLarge } from "../../helpers/faults-target.ts";
import { startRegistry, type TestRegistry, type TestRegistryOptions } from "../../helpers/registry.ts";
import { createKit, createTestLeases, holds, type KitOptions } from "./transfer-kit.ts";

interface Copy {
  readonly faults?: readonly Fault[];
  readonly behaviour?: TestRegistryOptions["behaviour"];
  readonly profile?: string;
  readonly sizeBytes: number;
  readonly settings?: KitOptions["settings"];
}

const inChunks = { largeBlobBytes: MiB };

/** Copies one blob into a registry of that kind, and expects it there. */
async function copyInto({ faults = [], behaviour = {}, profile, sizeBytes, settings = inChunks }: Copy) {
  await using source = await startRegistry();
  await using target = await startRegistry({ faults, behaviour });
  await using kit = createKit({ settings, ...(profile !== undefined && { profile }) });
  const blob = await source.seedBlob({ sizeBytes });

  const outcome = await kit.copy(source, target, blob, { headFirst: true });

  expect(outcome).toMatchObject({ kind: "done", via: "copied" });
  expect(await holds(target, blob)).toBe(true);
  expect(target.openSessions()).toEqual([]);
  return { outcome, patches: chunksOf(target), puts: target.countRequests({ kind: "upload-put" }) };
}

const chunksOf = ({ requests }: TestRegistry) =>
  requests
    .filter(({ kind }) => kind === "upload-patch")
    .map(({ receivedBytes, status }) => ({ receivedBytes, status }));

describe("uploads to registries as they are", () => {
  it("ECR: takes 201 to a PATCH, and its own count where Range sticks (aws/containers-roadmap#2831, cirruslabs/tart#273)", async () => {
    const { outcome, patches } = await copyInto({ faults: like.likeEcr(), profile: "ecr", sizeBytes: 21 * MiB });

    expect(outcome).toMatchObject({ attempts: 1 });
    expect(patches).toEqual([10, 10, 1].map((size) => ({ receivedBytes: size * MiB, status: 201 })));
  });

  it("ECR: sends no part below 5 MiB but the last, even after a 413 (dotnet/sdk-container-builds#424)", async () => {
    const faults = [tooLarge({ aboveBytes: 6 * MiB }), ...like.likeEcr()];

    const { patches } = await copyInto({ faults, profile: "ecr", sizeBytes: 9 * MiB, settings: {} });

    expect(patches.map(({ receivedBytes }) => receivedBytes)).toEqual([5, 4].map((size) => size * MiB));
  });

  it("GHCR: sends no PATCH above 4 MiB (oras-project/rust-oci-client#35)", async () => {
    const { outcome, patches } = await copyInto({ faults: like.likeGhcr(), profile: "ghcr", sizeBytes: 9 * MiB });

    expect(outcome).toMatchObject({ attempts: 1 });
    expect(patches.map(({ receivedBytes }) => receivedBytes)).toEqual([4, 4, 1].map((size) => size * MiB));
  });

  it("GAR: sends whole blobs, however large (containers/skopeo#1101)", async () => {
    const { patches, puts } = await copyInto({ faults: like.likeGar(), profile: "gar", sizeBytes: 3 * MiB });

    expect({ patches, puts }).toEqual({ patches: [], puts: 1 });
  });

  it("ACR: writes Content-Range as a-b, with a length (dotnet/sdk-container-builds#258, goharbor/harbor#23016)", async () => {
    const { outcome, patches } = await copyInto({ faults: like.likeAcr(), sizeBytes: 9 * MiB });

    expect(outcome).toMatchObject({ attempts: 1 });
    expect(patches.at(-1)).toEqual({ receivedBytes: expect.any(Number), status: 202 });
  });

  it("ACR: begins anew when a session is lost half-way (Azure/azure-sdk-for-js#25448)", async () => {
    const faults = [forgetUpload({ atPatch: 2 })];

    const { outcome } = await copyInto({ faults, profile: "acr", sizeBytes: 17 * MiB });

    expect(outcome).toMatchObject({ attempts: 2 });
  });

  it("ACR: goes over to chunks when a whole blob is refused with 413 (goharbor/harbor#23015)", async () => {
    const faults = [tooLarge({ aboveBytes: 20 * MiB })];

    const { patches } = await copyInto({ faults, profile: "acr", sizeBytes: 21 * MiB, settings: {} });

    expect(patches.map(({ receivedBytes }) => receivedBytes)).toEqual([8, 8, 5].map((size) => size * MiB));
  });

  it.each(["distribution", "harbor", "gitlab"])(
    "%s: uses the newest Location of a stateful session, with Content-Range ignored (docker-registry 2.8.2)",
    async (profile) => {
      const { outcome, patches } = await copyInto({ behaviour: distribution28, profile, sizeBytes: 17 * MiB });

      expect(outcome).toMatchObject({ attempts: 1 });
      expect(patches).toHaveLength(2);
    },
  );

  it("distribution 3: sends chunks in order where Content-Range is checked (distribution/distribution, blobupload.go)", async () => {
    const behaviour = { ...distribution28, contentRange: "checked" } as const;

    const { outcome } = await copyInto({ behaviour, profile: "distribution", sizeBytes: 17 * MiB });

    expect(outcome).toMatchObject({ attempts: 1 });
  });

  it("zot: sends chunks with a Location that stays (project-zot/zot, routes.go)", async () => {
    const behaviour = { interrupted: "forgotten", sessions: "stateless" } as const;

    const { outcome } = await copyInto({ behaviour, profile: "zot", sizeBytes: 17 * MiB });

    expect(outcome).toMatchObject({ attempts: 1 });
  });

  it.each([404, 405, 415, 501])(
    "any other: sends a blob whole when PATCH is refused with %i, and remembers",
    async (status) => {
      await using source = await startRegistry();
      await using target = await startRegistry({ faults: [refuseChunks({ status })] });
      await using kit = createKit({ settings: inChunks });
      const [first, second] = [
        await source.seedBlob({ sizeBytes: 2 * MiB }),
        await source.seedBlob({ sizeBytes: 3 * MiB }),
      ];

      await kit.copy(source, target, first);
      await kit.copy(source, target, second);

      expect([await holds(target, first), await holds(target, second)]).toEqual([true, true]);
      expect(chunksOf(target)).toHaveLength(1);
      expect(target.openSessions()).toEqual([]);
    },
  );

  it("Quay: never asks for a mount without saying where from (google/go-containerregistry#1741)", async () => {
    await using registry = await startRegistry({ faults: like.likeQuay() });
    await using kit = createKit({ profile: "quay" });
    const blob = await registry.seedBlob({ sizeBytes: 1_000 });

    const outcome = await kit.copy(registry, registry, blob);

    expect(outcome).toMatchObject({ kind: "done", via: "mounted" });
    expect(registry.requests.filter(({ kind }) => kind === "mount").map(({ queryKeys }) => queryKeys)).toEqual([
      ["mount", "from"],
    ]);
  });

  it("Quay: takes an empty answer to a write for what it is, though it is typed text/html (helm/helm#30987)", async () => {
    const { outcome } = await copyInto({ faults: like.likeQuay(), profile: "quay", sizeBytes: 17 * MiB });

    expect(outcome).toMatchObject({ attempts: 1 });
  });

  it("Quay: goes on with an upload of another process, though asked for it counts one byte too many (quay/quay, blob.py)", async () => {
    await using source = await startRegistry();
    await using target = await startRegistry({ faults: like.likeQuay() });
    const leases = createTestLeases();
    const kit = { profile: "quay", settings: inChunks, maxPutBytes: MiB } as const;
    await using first = createKit(kit, leases);
    await using second = createKit(kit, leases);
    const blob = await source.seedBlob({ sizeBytes: 3 * MiB });
    const stopping = new AbortController();
    const held = target.hold({ kind: "upload-patch" }, "request");
    const begun = first.copy(source, target, blob, { budget: { endsAt: Infinity, stopping: stopping.signal } });
    await held.reached;
    stopping.abort();
    held.release();
    expect(await begun).toMatchObject({ kind: "more" });

    const outcome = await second.copy(source, target, blob);

    expect(outcome).toMatchObject({ kind: "done", attempts: 1 });
    expect(chunksOf(target).map(({ receivedBytes, status }) => [receivedBytes / MiB, status])).toEqual([
      [1, 202],
      [1, 202],
      [1, 202],
    ]);
    expect(await holds(target, blob)).toBe(true);
  });

  it("Quay: is signed in at where its root says true as text/html (helm/helm#30987)", async () => {
    await using registry = await startRegistry({ faults: like.likeQuay() });
    await using kit = createKit({ profile: "quay" });

    await expect(kit.open(registry, "target").ping(new AbortController().signal)).resolves.toBe("none");
  });

  it("GAR: takes an empty answer to the last byte, though it is typed text/html (oras-project/oras-py#144)", async () => {
    const { outcome } = await copyInto({ faults: like.likeGar(), profile: "gar", sizeBytes: 1_000 });

    expect(outcome).toMatchObject({ attempts: 1 });
  });

  it("Artifactory: takes 403 to the HEAD of a blob for its absence (RTFACT-13797 in google/go-containerregistry)", async () => {
    const { outcome } = await copyInto({ faults: like.likeArtifactory(), profile: "artifactory", sizeBytes: 1_000 });

    expect(outcome).toMatchObject({ attempts: 1 });
  });
});
