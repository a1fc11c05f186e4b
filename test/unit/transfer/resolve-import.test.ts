import { describe, expect, it } from "vitest";
import type { ImportSpec } from "../../../src/domain/import-spec.ts";
import { refusal } from "../../../src/local/registry/call.ts";
import { resolveImport } from "../../../src/transfer/resolve-import.ts";
import { fault } from "../../helpers/faults.ts";
import { image } from "../../helpers/images.ts";
import { startRegistry, type TestRegistry } from "../../helpers/registry.ts";
import { createKit } from "./transfer-kit.ts";

/** Resolves `team/app:1` of the source for the same place at the target. */
async function resolve(source: TestRegistry, target: TestRegistry, more: Pick<ImportSpec, "conflict">) {
  await using kit = createKit();
  const spec: ImportSpec = {
    ...{ v: 1, sparseIndex: false, foreignLayers: "auto", verify: "manifest", strategy: "stream" },
    ...{ timeoutSeconds: 60, labels: {}, ...more },
    source: { registry: source.host, repository: "team/app", tag: "1" },
    target: { registry: target.host, tags: [{ repository: "team/app", tag: "1" }], untaggedRepositories: [] },
  };
  const sides = {
    source: kit.repository(source, "source", "team/app"),
    targets: [kit.repository(target, "target", "team/app")],
  };
  const still = {
    trigger: "http",
    pinned: undefined,
    taggedDigest: undefined,
    onPinned: async () => {},
    needsCheckpoints: () => false,
  } as const;
  return await resolveImport({ spec, ...sides, ...still }, new AbortController().signal);
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
});
