import { describe, expect, it } from "vitest";
import type { Conflict } from "../../../src/domain/import-spec.ts";
import { refusal } from "../../../src/local/registry/call.ts";
import { createPublishing } from "../../../src/transfer/publishing.ts";
import type { TagRequest } from "../../../src/transfer/put-tags.ts";
import { fault } from "../../helpers/faults.ts";
import { image, index, type TestImage } from "../../helpers/images.ts";
import { startRegistry, type TestRegistry } from "../../helpers/registry.ts";
import { thrownBy } from "../../helpers/registry-client.ts";
import { createKit } from "./transfer-kit.ts";

const planned = image({ seed: "planned" });
const other = image({ seed: "other" });

/** A registry that has the planned image by digest, and a tag if asked for. */
async function startTarget(tagged?: TestImage): Promise<TestRegistry> {
  const target = await startRegistry();
  await target.seedImage("team/app", undefined, planned);
  if (tagged !== undefined) await target.seedImage("team/app", "1", tagged);
  return target;
}

async function putTag(registry: TestRegistry, more: Partial<TagRequest> & { readonly conflict: Conflict }) {
  await using kit = createKit();
  const target = kit.repository(registry, "target", "team/app");
  const tags = [{ target, tag: "1" }];
  const request: TagRequest = { manifest: planned.root, tags, verify: "manifest", ...more };
  const { putTags } = createPublishing({ sleep: kit.clock.sleep, random: () => 0.5, giveUp: kit.giveUp });
  return await putTags(request, new AbortController().signal);
}

/** Takes the image, and shows neither its tag nor its manifest until it is released. */
const quarantine = fault("quarantine", { kind: ["manifest-get", "manifest-head"] }, async ({ route }) =>
  route.kind === "manifest" && route.reference.startsWith("sha256:")
    ? refusal(405, "UNSUPPORTED", "The operation is disallowed on this registry, repository or image.")
    : refusal(404, "MANIFEST_UNKNOWN", "manifest unknown"),
);

/** Takes what is pushed, and shows no manifest that is there (HEAD: no body, GET: the reason). */
const policy = () =>
  fault("deployment policy", { kind: ["manifest-get", "manifest-head"] }, async (call, next) => {
    const shown = await next(call);
    return shown.kind === "answer" && shown.status === 200
      ? refusal(412, "PROJECTPOLICYVIOLATION", "The image is not signed by cosign.")
      : shown;
  });

describe("putTags", () => {
  it.each(["fail", "skipIfSame", "overwrite"] as const)(
    "warns that a tag was put and is shown to nobody, since Harbor's policy forbids it (%s, goharbor/harbor#19408)",
    async (conflict) => {
      await using target = await startTarget();
      target.addFault(policy());

      const { warnings } = await putTag(target, { conflict });

      expect(warnings).toEqual([expect.stringMatching(/team\/app:1 was put.*not signed by cosign.*signed/)]);
      expect(target.tags("team/app")).toEqual({ "1": planned.root.digest });
    },
  );

  it("moves a tag that Harbor's policy shows to nobody where it may be overwritten (goharbor/harbor#23638)", async () => {
    await using target = await startTarget(other);
    target.addFault(policy());

    await putTag(target, { conflict: "overwrite" });

    expect(target.tags("team/app")).toEqual({ "1": planned.root.digest });
  });

  it.each(["fail", "skipIfSame"] as const)(
    "takes such a tag for another image's where it may not (%s)",
    async (conflict) => {
      await using target = await startTarget(planned);
      target.addFault(policy());

      const thrown = await thrownBy(() => putTag(target, { conflict }));

      expect(thrown).toMatchObject({ code: "TARGET_TAG_EXISTS" });
      expect(String(thrown)).toContain("held back by a policy");
    },
  );

  it("says that an image is in quarantine, rather than that its tag is lost (Azure/acr, quarantine)", async () => {
    await using target = await startTarget();
    target.addFault(quarantine);

    await expect(putTag(target, { conflict: "fail" })).rejects.toMatchObject({
      code: "TARGET_QUARANTINED",
      side: "target",
      retryable: false,
    });
    expect(target.tags("team/app")).toEqual({ "1": planned.root.digest });
  });

  it.each(["fail", "skipIfSame", "overwrite"] as const)("tags what is not tagged yet (%s)", async (conflict) => {
    await using target = await startTarget();

    await putTag(target, { conflict });

    expect(target.tags("team/app")).toEqual({ "1": planned.root.digest });
    expect((await target.readManifest("team/app", "1"))?.bytes).toEqual(planned.root.bytes);
  });

  it.each(["fail", "skipIfSame", "overwrite"] as const)(
    "leaves a tag alone that is right already (%s)",
    async (conflict) => {
      await using target = await startTarget(planned);

      await putTag(target, { conflict });

      expect(target.countRequests({ kind: "manifest-put" })).toBe(0);
    },
  );

  it.each(["fail", "skipIfSame"] as const)("refuses to move a tag (%s)", async (conflict) => {
    await using target = await startTarget(other);

    await expect(putTag(target, { conflict })).rejects.toMatchObject({ code: "TARGET_TAG_EXISTS", side: "target" });
    expect(target.tags("team/app")).toEqual({ "1": other.root.digest });
  });

  it("moves a tag that may be overwritten", async () => {
    await using target = await startTarget(other);

    await putTag(target, { conflict: "overwrite" });

    expect(target.tags("team/app")).toEqual({ "1": planned.root.digest });
  });

  it("asks for the manifest where a HEAD tells no digest", async () => {
    await using target = await startTarget(planned);
    target.addFault(
      fault("no digest", { kind: "manifest-head" }, async (call, next) => {
        const done = await next(call);
        if (done.kind !== "answer") return done;
        const { "docker-content-digest": _, ...headers } = done.headers;
        return { ...done, headers };
      }),
    );

    await putTag(target, { conflict: "fail" });

    expect(target.countRequests({ kind: "manifest-put" })).toBe(0);
  });

  it("fails when the tag reads back as something else", async () => {
    await using target = await startTarget();
    target.addFault(
      fault("moved at once", { kind: "manifest-put" }, async (call, next) => {
        const done = await next(call);
        await target.seedImage("team/app", "1", other);
        return done;
      }),
    );

    await expect(putTag(target, { conflict: "overwrite" })).rejects.toMatchObject({ code: "TARGET_DIGEST_REJECTED" });
    await expect(putTag(target, { conflict: "overwrite", verify: "none" })).resolves.toMatchObject({ refused: [] });
  });
});

describe("publishManifests", () => {
  it("puts the exact bytes by digest into every repository", async () => {
    const parent = index({ children: [{ image: planned }] });
    await using target = await startRegistry();
    await using kit = createKit();
    const signal = new AbortController().signal;
    const names = ["team/app", "team/other"];
    for (const name of names)
      for (const blob of planned.blobs) await target.seedBlob({ repository: name, content: blob.content });
    const targets = names.map((name) => kit.repository(target, "target", name));

    const { publishManifests } = createPublishing({ sleep: kit.clock.sleep, random: () => 0.5, giveUp: kit.giveUp });

    await publishManifests({ manifests: [planned.root], targets, conflict: "fail" }, signal);
    await publishManifests({ manifests: [parent.root], targets, conflict: "fail" }, signal);

    for (const name of names)
      for (const { digest, bytes } of [planned.root, parent.root])
        expect((await target.readManifest(name, digest))?.bytes).toEqual(bytes);
    expect(target.tags("team/app")).toEqual({});
  });
});
