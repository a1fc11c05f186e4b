import { describe, expect, it } from "vitest";
import { digestOf, digestSchema } from "../../../src/digest.ts";
import { cosignTags, decideCosignTag } from "../../../src/domain/cosign-tags.ts";

const encode = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const layer = (signature: string, payload = "payload") => ({
  mediaType: "application/vnd.dev.cosign.simplesigning.v1+json",
  size: payload.length,
  digest: digestOf(encode(payload)),
  annotations: { "dev.cosignproject.cosign/signature": signature },
});
const signed = (...layers: readonly object[]) =>
  encode({
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    config: { mediaType: "application/vnd.oci.image.config.v1+json", size: 2, digest: digestOf(encode({})) },
    layers,
  });
const decide = (current: Uint8Array | undefined, wanted: Uint8Array, tag = "sha256-1.sig") =>
  decideCosignTag({ tag, current, wanted, sbom: "keep" });

describe("cosignTags", () => {
  it("names three tags, and none that is too long", () => {
    const digest = digestOf(new Uint8Array());
    const name = digest.replace(":", "-");

    expect(cosignTags(digest)).toEqual([`${name}.sig`, `${name}.att`, `${name}.sbom`]);
    expect(cosignTags(digestSchema.parse(`sha512:${"0".repeat(128)}`))).toEqual([]);
  });
});

describe("decideCosignTag", () => {
  it.each([
    ["nothing is there", undefined, signed(layer("a")), "put"],
    ["the same is there", signed(layer("a")), signed(layer("a")), "keep"],
    ["the target has more", signed(layer("b"), layer("a")), signed(layer("a")), "keep"],
    ["the source has more", signed(layer("a")), signed(layer("b"), layer("a")), "put"],
    ["what is there cannot be read", encode("x"), signed(layer("a")), "keep"],
  ])("when %s", (_, current, wanted, kind) => {
    expect(decide(current, wanted).kind).toBe(kind);
  });

  it("unites signatures of one payload by two keys, the same for everyone", () => {
    const merged = decide(signed(layer("theirs")), signed(layer("ours")));

    if (merged.kind !== "merge") throw new Error(`decided to ${merged.kind}`);
    const document = JSON.parse(new TextDecoder().decode(merged.bytes));
    expect(document.layers).toEqual([layer("theirs"), layer("ours")]);
    expect(document.config.digest).toBe(merged.config.digest);
    const config = JSON.parse(new TextDecoder().decode(merged.config.bytes));
    expect(config.rootfs.diff_ids).toEqual([layer("theirs").digest, layer("ours").digest]);
    expect(decide(merged.bytes, signed(layer("ours"))).kind).toBe("keep");
    expect(decide(merged.bytes, signed(layer("theirs"))).kind).toBe("keep");
  });

  it("keeps another SBOM unless it may be replaced", () => {
    const question = { tag: "sha256-1.sbom", current: signed(layer("a")), wanted: signed(layer("b")) };

    expect(decideCosignTag({ ...question, sbom: "keep" }).kind).toBe("keep");
    expect(decideCosignTag({ ...question, sbom: "replace" }).kind).toBe("put");
  });
});
