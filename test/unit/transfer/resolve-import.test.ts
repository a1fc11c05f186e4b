import { describe, expect, it } from "vitest";
import type { ImportSpec } from "../../../src/domain/import-spec.ts";
import { refusal } from "../../../src/local/registry/call.ts";
import { learnTags } from "../../../src/transfer/delegated-facts.ts";
import { createReadManifest } from "../../../src/transfer/read-manifest.ts";
import { resolveImport } from "../../../src/transfer/resolve-import.ts";
import { changeHeaders, type Fault, fault } from "../../helpers/faults.ts";
import { image } from "../../helpers/images.ts";
import { startRegistry, type TestRegistry } from "../../helpers/registry.ts";
import { createKit } from "./transfer-kit.ts";

const never = new AbortController().signal;

function tellsNoDigest(): Fault {
  return fault("no digest", { kind: "manifest-head" }, async (call, next) =>
    changeHeaders(await next(call), { "docker-content-digest": undefined }),
  );
}

function specOf(source: TestRegistry, target: TestRegistry, more: Pick<ImportSpec, "conflict">): ImportSpec {
  return {
    ...{ v: 1, sparseIndex: false, foreignLayers: "auto", verify: "manifest", strategy: "stream" },
    ...{ timeoutSeconds: 60, labels: {}, ...more },
    source: { registry: source.host, repository: "team/app", tag: "1" },
    target: { registry: target.host, tags: [{ repository: "team/app", tag: "1" }], untaggedRepositories: [] },
  };
}

/** Resolves `team/app:1` of the source for the same place at the target. */
async function resolve(source: TestRegistry, target: TestRegistry, more: Pick<ImportSpec, "conflict">) {
  await using kit = createKit();
  const spec = specOf(source, target, more);
  const from = kit.repository(source, "source", "team/app");
  const sides = {
    ...{ source: from, readManifest: createReadManifest(from) },
    targets: [kit.repository(target, "target", "team/app")],
  };
  const still = {
    trigger: "http",
    pinned: undefined,
    taggedDigest: undefined,
    onPinned: async () => {},
    needsCheckpoints: () => false,
  } as const;
  return await resolveImport({ spec, ...sides, ...still }, never);
}

describe("resolveImport", () => {
  it("goes on where Harbor shows nobody what the tag holds, and the tag may be overwritten (goharbor/harbor#23638)", async () => {
    const wanted = image({ seed: "wanted" });
    await using source = await startRegistry();
    await source.seedImage("team/app", "1", wanted);
    await using target = await startRegistry();
    await target.seedImage("team/app", "1", image({ seed: "vulnerable" }));
    target.addFault(
      fault("policy", { kind: ["manifest-head", "manifest-get"] }, async (call, next) => {
        const shown = await next(call);
        const isShown = shown.kind === "answer" && shown.status === 200;
        return isShown ? refusal(412, "PROJECTPOLICYVIOLATION", "vulnerabilities") : shown;
      }),
    );

    expect(await resolve(source, target, { conflict: "overwrite" })).toMatchObject({
      targetDigest: wanted.root.digest,
    });
    await expect(resolve(source, target, { conflict: "fail" })).rejects.toMatchObject({ code: "TARGET_TAG_EXISTS" });
  });

  it("compares a tag whose HEAD tells no digest by its manifest (deitch/docker_registry2#83)", async () => {
    const [wanted, other] = [image({ seed: "wanted" }), image({ seed: "other" })];
    await using source = await startRegistry();
    await source.seedImage("team/app", "1", wanted);
    await using same = await startRegistry({ faults: [tellsNoDigest()] });
    await same.seedImage("team/app", "1", wanted);
    await using different = await startRegistry({ faults: [tellsNoDigest()] });
    await different.seedImage("team/app", "1", other);

    expect((await resolve(source, same, { conflict: "skipIfSame" })).plan.kind).toBe("skip");
    expect(await resolve(source, different, { conflict: "overwrite" })).toMatchObject({
      targetDigest: wanted.root.digest,
    });
    await expect(resolve(source, different, { conflict: "skipIfSame" })).rejects.toThrow(
      `tag holds another digest: team/app:1 (${other.root.digest})`,
    );
  });
});

describe("what ACR is to be asked", () => {
  it("takes a tag whose HEAD tells no digest for one that is there", async () => {
    const held = image({ seed: "held" });
    await using target = await startRegistry({ faults: [tellsNoDigest()] });
    await target.seedImage("team/app", "1", held);
    await using kit = createKit();
    const targets = [kit.repository(target, "target", "team/app")];

    const tags = await learnTags({ spec: specOf(target, target, { conflict: "fail" }), targets }, never);

    expect(tags).toEqual({ fact: [{ repository: "team/app", tag: "1", digest: held.root.digest }] });
  });
});
