import { describe, expect, it } from "vitest";
import { referrersTag } from "../../../src/registry/referrers.ts";
import { likeEcrPublic, type RegistryKind, registryKinds } from "../../helpers/faults-profiles.ts";
import { artifact, descriptorOf, index, multiPlatformImage } from "../../helpers/images.ts";
import { startRegistry, type TestRegistry } from "../../helpers/registry.ts";
import { thrownBy } from "../../helpers/registry-client.ts";
import { compareWhole, importWhole } from "./whole-import.ts";

/** One whole import from and into each kind of registry in docs/registries.md, with its tag and what refers to it. */

const pushed = multiPlatformImage({ seed: "kinds" });
const sbom = artifact({ artifactType: "a/sbom", subject: descriptorOf(pushed) });
const listTag = referrersTag(pushed.root.digest);
const kinds = Object.entries(registryKinds);
const start = ({ behaviour, faults }: RegistryKind) => startRegistry({ behaviour, faults: faults() });
const plain = "unknown";
const ecrPublic: RegistryKind = { profile: "ecrpublic", faults: likeEcrPublic, behaviour: {}, referrers: "api" };
const sources = [...kinds, ["public.ecr.aws", ecrPublic]] as const; // nobody pushes there by Drayage

/** An image and its SBOM, listed as clients of such a registry list it. */
async function seed(registry: TestRegistry, referrers: RegistryKind["referrers"]): Promise<void> {
  await registry.seedImage("team/app", "1", pushed);
  await registry.seedImage("team/app", undefined, sbom);
  if (referrers === "tag") await registry.seedImage("team/app", listTag, index({ children: [{ image: sbom }] }));
}

const holds = async (registry: TestRegistry, digest: string) =>
  (await registry.readManifest("team/app", digest)) !== undefined;

describe("an image and its SBOM", () => {
  it.each(sources)("come from %s, and compare as equal then", async (_, kind) => {
    await using source = await start(kind);
    await using target = await startRegistry();
    await seed(source, kind.referrers);
    const sides = { source: { registry: source, profile: kind.profile }, target: { registry: target, profile: plain } };

    await importWhole(sides, { referrers: {} });

    expect(target.tags("team/app")).toEqual({ 1: pushed.root.digest });
    expect(await holds(target, sbom.root.digest)).toBe(kind.referrers !== "none");
    expect(await compareWhole(sides)).toMatchObject({ differences: [], warnings: [] });
  });

  it.each(kinds.filter(([, { referrers }]) => referrers !== "none"))(
    "go to %s, and compare as equal then",
    async (_, kind) => {
      await using source = await startRegistry();
      await using target = await start(kind);
      await seed(source, "api");
      const sides = {
        source: { registry: source, profile: plain },
        target: { registry: target, profile: kind.profile },
      };

      await importWhole(sides, { referrers: {} });

      expect(target.tags("team/app")).toMatchObject({ 1: pushed.root.digest });
      expect(await holds(target, sbom.root.digest)).toBe(true);
      expect(await holds(target, listTag)).toBe(kind.referrers === "tag");
      expect(target.openSessions()).toEqual([]);
      expect(await compareWhole(sides)).toMatchObject({ differences: [], warnings: [] });
    },
  );

  it("go to no registry that can list nothing, and the image alone does: GitLab (oras-project/oras#2148)", async () => {
    const kind = registryKinds.GitLab;
    if (kind === undefined) throw new Error("no GitLab");
    await using source = await startRegistry();
    await using target = await start(kind);
    await seed(source, "api");
    const sides = { source: { registry: source, profile: plain }, target: { registry: target, profile: kind.profile } };

    const error = await thrownBy(() => importWhole(sides, { referrers: {} }));
    const tagsAfterError = target.tags("team/app");
    await importWhole(sides);

    expect(error).toMatchObject({ code: "TARGET_TAG_EXISTS", side: "target" });
    expect(tagsAfterError).toEqual({});
    expect(target.tags("team/app")).toEqual({ 1: pushed.root.digest });
  });
});
