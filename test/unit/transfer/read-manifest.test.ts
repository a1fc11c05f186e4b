import { describe, expect, it } from "vitest";
import { MiB, mediaTypes } from "../../../src/descriptor.ts";
import { digestOf } from "../../../src/digest.ts";
import { createReadManifest } from "../../../src/transfer/read-manifest.ts";
import { image } from "../../helpers/images.ts";
import { startRegistry } from "../../helpers/registry.ts";
import { createKit } from "./transfer-kit.ts";

const never = new AbortController().signal;

describe("createReadManifest", () => {
  it("holds no more than the memory for one import, whatever it is read for", async () => {
    const [last, next] = [image({ seed: "last" }), image({ seed: "next" })];
    await using registry = await startRegistry();
    for (const each of [last, next]) await registry.seedImage("team/app", undefined, each);
    await using kit = createKit();
    const digest = digestOf(new Uint8Array());
    const bytes = new Uint8Array(192 * MiB - last.root.bytes.byteLength);
    const known = new Map([[digest, { digest, bytes, mediaType: mediaTypes.ociIndex }]]);
    const source = kit.repository(registry, "source", "team/app");
    const read = createReadManifest(source, { known, onFetched: async () => {} });

    await read(last.root.digest, never);
    await read(last.root.digest, never); // holds it already

    await expect(read(next.root.digest, never)).rejects.toMatchObject({ code: "NOT_SUPPORTED", side: "source" });
  });
});
