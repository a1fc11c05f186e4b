import { describe, expect, it } from "vitest";
import { digestOf, digestSchema } from "../../../src/digest.ts";
import type { ImportSpec } from "../../../src/domain/import-spec.ts";
import { learnSource } from "../../../src/transfer/delegated-facts.ts";
import { findSource } from "../../../src/transfer/find-source.ts";
import { changeHeaders, type Fault, fault } from "../../helpers/faults.ts";
import { image } from "../../helpers/images.ts";
import { startRegistry } from "../../helpers/registry.ts";
import { thrownBy } from "../../helpers/registry-client.ts";
import { createKit } from "./transfer-kit.ts";

const never = new AbortController().signal;
const asked = image({ seed: "asked" });
const other = image({ seed: "other" });
const sha512 = digestOf(asked.root.bytes, digestSchema.parse(`sha512:${"0".repeat(128)}`));

/** HEAD answers with this digest, whatever it is asked for. */
function tells(digest: string | undefined): Fault {
  return fault("tells", { kind: "manifest-head" }, async (call, next) =>
    changeHeaders(await next(call), { "docker-content-digest": digest }),
  );
}

async function startSource(told: string | undefined) {
  const source = await startRegistry({ faults: [tells(told)] });
  for (const each of [asked, other]) await source.seedImage("team/app", undefined, each);
  await source.seedImage("team/app", "1", asked);
  return source;
}

function specOf(digest: string): ImportSpec {
  const target = { registry: "target.example", tags: [], untaggedRepositories: ["team/app"] };
  return {
    ...{ v: 1, conflict: "fail", sparseIndex: false, foreignLayers: "auto", verify: "manifest" },
    ...{ strategy: "delegate", timeoutSeconds: 60, labels: {}, target },
    source: { registry: "source.example", repository: "team/app", digest: digestSchema.parse(digest) },
  };
}

describe("findSource", () => {
  it("lets a digest stand for itself: a registry that tells another one is not believed", async () => {
    await using source = await startSource(other.root.digest);
    await using kit = createKit();
    const repository = kit.repository(source, "source", "team/app");

    const thrown = await thrownBy(() => findSource(repository, asked.root.digest, never));

    expect(thrown).toMatchObject({ code: "SOURCE_CONTENT_CORRUPT", side: "source", retryable: false });
  });

  it("takes the same for what ACR is to copy", async () => {
    await using source = await startSource(other.root.digest);
    await using kit = createKit();
    const sides = { spec: specOf(asked.root.digest), targets: [], pinned: undefined };

    const thrown = await thrownBy(() =>
      learnSource({ ...sides, source: kit.repository(source, "source", "team/app") }, never),
    );

    expect(thrown).toMatchObject({ code: "SOURCE_CONTENT_CORRUPT", side: "source" });
  });

  it("hashes the bytes where a digest is of another algorithm than the one that is told", async () => {
    await using source = await startSource(asked.root.digest);
    await source.seedImage("team/app", undefined, {
      ...asked,
      manifests: [{ ...asked.root, digest: sha512 }],
      root: { ...asked.root, digest: sha512 },
    });
    await using kit = createKit();

    const found = await findSource(kit.repository(source, "source", "team/app"), sha512, never);

    expect(found).toMatchObject({ source: { digest: sha512 }, manifest: { digest: sha512 } });
  });

  it.each([
    ["a digest by a HEAD, though none is told", asked.root.digest, 0],
    ["a tag by a GET where none is told", "1", 1],
  ])("finds %s", async (_, reference, gets) => {
    await using source = await startSource(undefined);
    await using kit = createKit();

    const found = await findSource(kit.repository(source, "source", "team/app"), reference, never);

    expect(found?.source).toEqual({ digest: asked.root.digest, mediaType: asked.root.mediaType });
    expect(source.countRequests({ kind: "manifest-get" })).toBe(gets);
  });
});
