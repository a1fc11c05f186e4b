import { describe, expect, it } from "vitest";
import { digestOf } from "../../../src/digest.ts";
import { descriptorOf, image, multiPlatformImage, pushImage } from "../../helpers/images.ts";
import { startRegistry } from "../../helpers/registry.ts";

const bytes = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(text));

describe("manifests", () => {
  it("gives back the exact bytes and type that were pushed, by tag and by digest", async () => {
    await using registry = await startRegistry();
    const pushed = multiPlatformImage({ attestations: "perPlatform" });
    await pushImage(registry.host, "team/app", "1", pushed);

    const byTag = await fetch(`${registry.url}/v2/team/app/manifests/1`);
    const byDigest = await fetch(`${registry.url}/v2/team/app/manifests/${pushed.root.digest}`);

    expect(new Uint8Array(await byTag.arrayBuffer())).toEqual(pushed.root.bytes);
    expect(new Uint8Array(await byDigest.arrayBuffer())).toEqual(pushed.root.bytes);
    expect(byTag.headers.get("content-type")).toBe(pushed.root.mediaType);
    expect(byTag.headers.get("docker-content-digest")).toBe(pushed.root.digest);
  });

  it("refuses an index whose child is missing", async () => {
    await using registry = await startRegistry();
    const { root } = multiPlatformImage();

    const response = await fetch(`${registry.url}/v2/team/app/manifests/1`, {
      method: "PUT",
      headers: { "content-type": root.mediaType },
      body: new Uint8Array(root.bytes),
    });

    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ errors: [{ code: "MANIFEST_BLOB_UNKNOWN" }] });
  });

  it("lists what refers to a manifest, filtered by type", async () => {
    await using registry = await startRegistry();
    const subject = await registry.seedImage("team/app", "1", image());
    await registry.seedImage("team/app", undefined, image({ subject: descriptorOf(subject), artifactType: "a/b" }));

    const some = await fetch(`${registry.url}/v2/team/app/referrers/${subject.root.digest}?artifactType=a/b`);
    const none = await fetch(`${registry.url}/v2/team/app/referrers/${subject.root.digest}?artifactType=c/d`);

    expect(await some.json()).toMatchObject({ manifests: [{ artifactType: "a/b" }] });
    expect(await none.json()).toMatchObject({ manifests: [] });
  });
});

describe("blobs", () => {
  it("serves the part that a range asks for", async () => {
    await using registry = await startRegistry();
    const blob = await registry.seedBlob({ repository: "team/app", content: bytes("0123456789") });

    const response = await fetch(`${registry.url}/v2/team/app/blobs/${blob.digest}`, {
      headers: { range: "bytes=2-4" },
    });

    expect(response.status).toBe(206);
    expect(response.headers.get("content-range")).toBe("bytes 2-4/10");
    expect(await response.text()).toBe("234");
  });

  it("takes chunks in order and refuses one out of order", async () => {
    await using registry = await startRegistry();
    const content = bytes("abcdef");
    const digest = digestOf(content);
    const location = async (response: Response): Promise<string> => registry.url + response.headers.get("location");
    const patch = (url: string, range: string, body: string): Promise<Response> =>
      fetch(url, { method: "PATCH", headers: { "content-range": range }, body });

    const started = await fetch(`${registry.url}/v2/a/blobs/uploads/`, { method: "POST" });
    const first = await patch(await location(started), "0-2", "abc");
    const wrong = await patch(await location(first), "4-5", "ef");
    const second = await patch(await location(wrong), "3-5", "def");
    const done = await fetch(`${await location(second)}?digest=${digest}`, { method: "PUT" });

    expect([started, first, wrong, second, done].map(({ status }) => status)).toEqual([202, 202, 416, 202, 201]);
    expect(first.headers.get("range")).toBe("0-2");
    expect(await registry.readBlob(digest)).toEqual(content);
    expect(registry.bytesReceived(digest)).toBe(6);
    expect(registry.openSessions()).toEqual([]);
  });
});
