import { describe, expect, it } from "vitest";
import { digestOf } from "../../../src/digest.ts";
import { referrersTag } from "../../../src/registry/referrers.ts";
import { createPublishing } from "../../../src/transfer/publishing.ts";
import { likeGitlab } from "../../helpers/faults-profiles.ts";
import { claimsOciSubject, emptyReferrers, noOciSubject } from "../../helpers/faults-referrers.ts";
import { artifact, descriptorOf, image, multiPlatformImage, type TestImage } from "../../helpers/images.ts";
import { startRegistry, type TestRegistry } from "../../helpers/registry.ts";
import { thrownBy } from "../../helpers/registry-client.ts";
import { createKit } from "./transfer-kit.ts";

const signal = new AbortController().signal;
const subject = image({ seed: "subject" });
const tag = referrersTag(subject.root.digest);
const referrer = (name: string): TestImage =>
  artifact({ artifactType: "a/b", subject: descriptorOf(subject), content: new TextEncoder().encode(name) });
const noApi = { referrers: "missing", conditionalPuts: "ignored" } as const;

async function seedBlobs(registry: TestRegistry, images: readonly TestImage[]): Promise<void> {
  for (const { content } of images.flatMap(({ blobs }) => blobs)) {
    await registry.seedBlob({ repository: "team/app", content });
  }
}

async function listed(registry: TestRegistry): Promise<readonly string[]> {
  const held = await registry.readManifest("team/app", tag);
  const index: { manifests: { digest: string }[] } = JSON.parse(new TextDecoder().decode(held?.bytes));
  return index.manifests.map(({ digest }) => digest).sort();
}

const digests = (images: readonly TestImage[]) => images.map(({ root }) => root.digest).sort();

describe("publishing referrers", () => {
  it.each([
    ["says that it lists them", []],
    ["has the API and does not say so", [noOciSubject()]],
  ])("leaves the list to a registry that %s", async (_, faults) => {
    await using registry = await startRegistry({ faults });
    await using kit = createKit();
    const one = referrer("one");
    await seedBlobs(registry, [one]);
    const targets = [kit.repository(registry, "target", "team/app")];

    const { publishManifests } = createPublishing({ sleep: kit.clock.sleep, random: () => 0.5, giveUp: kit.giveUp });
    await publishManifests({ manifests: [one.root], targets, conflict: "fail" }, signal);

    expect(registry.tags("team/app")).toEqual({});
  });

  it("asks a registry only once whether it has the API that it claims", async () => {
    await using registry = await startRegistry();
    await using kit = createKit();
    const all = ["one", "two", "three"].map(referrer);
    await seedBlobs(registry, all);
    const targets = [kit.repository(registry, "target", "team/app")];
    const { publishManifests } = createPublishing({ sleep: kit.clock.sleep, random: () => 0.5, giveUp: kit.giveUp });

    for (const { root } of all) await publishManifests({ manifests: [root], targets, conflict: "fail" }, signal);

    expect(registry.countRequests({ kind: "referrers" })).toBe(1);
  });

  it.each([
    ["has no API", []],
    ["claims to keep it and has no API", [claimsOciSubject(subject.root.digest)]],
    ["answers an empty list and has no API", [emptyReferrers()]],
  ])("keeps the list under the fallback tag where the registry %s", async (_, faults) => {
    await using registry = await startRegistry({ behaviour: noApi, faults });
    await using kit = createKit();
    const all = ["one", "two", "three"].map(referrer);
    await seedBlobs(registry, all);
    const targets = [kit.repository(registry, "target", "team/app")];
    const { publishManifests } = createPublishing({ sleep: kit.clock.sleep, random: () => 0.5, giveUp: kit.giveUp });

    for (let times = 0; times < 2; times += 1) {
      await publishManifests({ manifests: all.map(({ root }) => root), targets, conflict: "fail" }, signal);
    }

    expect(await listed(registry)).toEqual(digests(all));
    expect(registry.countRequests({ kind: "manifest-put", reference: tag })).toBe(1);
  });

  it("says so when the fallback tag holds something else", async () => {
    await using registry = await startRegistry({ behaviour: noApi });
    await using kit = createKit();
    const one = referrer("one");
    await seedBlobs(registry, [one]);
    await registry.seedImage("team/app", tag, image({ seed: "foreign" }));
    const targets = [kit.repository(registry, "target", "team/app")];

    const { publishManifests } = createPublishing({ sleep: kit.clock.sleep, random: () => 0.5, giveUp: kit.giveUp });
    const publishing = publishManifests({ manifests: [one.root], targets, conflict: "overwrite" }, signal);

    await expect(publishing).rejects.toMatchObject({ code: "TARGET_TAG_EXISTS" });
  });

  it.each([
    ["an image", subject],
    ["an index", multiPlatformImage({})],
  ])(
    "leaves %s as it is where the fallback tag stands for it, and says so (oras-project/oras#2148)",
    async (_, pushed) => {
      await using registry = await startRegistry({ behaviour: noApi, faults: likeGitlab() });
      await using kit = createKit();
      const one = artifact({ artifactType: "a/b", subject: descriptorOf(pushed) });
      await seedBlobs(registry, [one]);
      await registry.seedImage("team/app", "1", pushed);
      const targets = [kit.repository(registry, "target", "team/app")];
      const { publishManifests } = createPublishing({ sleep: kit.clock.sleep, random: () => 0.5, giveUp: kit.giveUp });

      const error = await thrownBy(() =>
        publishManifests({ manifests: [one.root], targets, conflict: "overwrite" }, signal),
      );

      expect(error).toMatchObject({ code: "TARGET_TAG_EXISTS", side: "target" });
      expect(String(error)).toContain("import without referrers");
      expect(String(error)).not.toContain("delete");
      expect(registry.tags("team/app")).toEqual({ 1: pushed.root.digest });
    },
  );

  it.each([
    ["of one process", "ignored", 1],
    ["of several processes, where If-Match is heeded", "heeded", 3],
  ] as const)("loses no entry of writers %s", async (_, conditionalPuts, count) => {
    await using registry = await startRegistry({ behaviour: { referrers: "missing", conditionalPuts } });
    await using kit = createKit();
    const all = Array.from({ length: 12 }, (_entry, at) => referrer(`writer ${at}`));
    await seedBlobs(registry, all);
    const targets = [kit.repository(registry, "target", "team/app")];
    const processes = Array.from({ length: count }, () =>
      createPublishing({ sleep: kit.clock.sleep, random: () => 0.5, giveUp: kit.giveUp }),
    );

    await Promise.all(
      all.map((each, at) =>
        processes[at % count]?.publishManifests({ manifests: [each.root], targets, conflict: "fail" }, signal),
      ),
    );

    expect(await listed(registry)).toEqual(digests(all));
  });

  it("adds again what another process has overwritten meanwhile", async () => {
    await using registry = await startRegistry({ behaviour: noApi });
    await using kit = createKit();
    const [mine, theirs] = [referrer("mine"), referrer("theirs")];
    await seedBlobs(registry, [mine, theirs]);
    const targets = [kit.repository(registry, "target", "team/app")];
    const publish = (sleep: typeof kit.clock.sleep, { root }: TestImage) =>
      createPublishing({ sleep, random: () => 0.5, giveUp: kit.giveUp }).publishManifests(
        { manifests: [root], targets, conflict: "fail" },
        signal,
      );
    // The other process has read the list, and its PUT is under way while this one reads, puts and looks again.
    const held = registry.hold({ kind: "manifest-put", reference: tag }, "request");
    const other = publish(kit.clock.sleep, theirs);
    await held.reached;

    await publish(async () => {
      held.release();
      await other;
    }, mine);

    expect(await listed(registry)).toEqual(digests([mine, theirs]));
  });
});

describe("a cosign tag at the target", () => {
  const signature = (name: string): TestImage =>
    image({ layers: [new TextEncoder().encode(name)], seed: "cosign", annotations: { name } });
  const sig = `${subject.root.digest.replace(":", "-")}.sig`;

  it("unites signatures of both sides", async () => {
    await using registry = await startRegistry();
    await using kit = createKit();
    const [ours, theirs] = [signature("ours"), signature("theirs")];
    await registry.seedImage("team/app", sig, theirs);
    await seedBlobs(registry, [ours]);
    const targets = [kit.repository(registry, "target", "team/app")];

    const { publishManifests } = createPublishing({ sleep: kit.clock.sleep, random: () => 0.5, giveUp: kit.giveUp });
    await publishManifests({ manifests: [{ ...ours.root, tags: [sig] }], targets, conflict: "fail" }, signal);

    const held = await registry.readManifest("team/app", sig);
    const merged: { layers: { digest: string }[] } = JSON.parse(new TextDecoder().decode(held?.bytes));
    const want = ["theirs", "ours"].map((name) => digestOf(new TextEncoder().encode(name)));
    expect(merged.layers.map(({ digest }) => digest)).toEqual(want);
  });
});
