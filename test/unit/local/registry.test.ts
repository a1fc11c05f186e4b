import { describe, expect, it } from "vitest";
import { z } from "zod";
import { MiB, mediaTypes } from "../../../src/descriptor.ts";
import { digestOf } from "../../../src/digest.ts";
import { artifact, descriptorOf, image, multiPlatformImage, pushImage } from "../../helpers/images.ts";
import { startRegistry, type TestRegistry } from "../../helpers/registry.ts";

const errorsSchema = z.object({ errors: z.array(z.object({ code: z.string() })) });
const codesOf = async (responses: readonly Response[]): Promise<(string | undefined)[]> =>
  Promise.all(responses.map(async (response) => errorsSchema.parse(await response.json()).errors[0]?.code));
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

describe("manifest checks", () => {
  const put = (registry: TestRegistry, reference: string, body: string, mediaType: string) =>
    fetch(`${registry.url}/v2/team/app/manifests/${reference}`, {
      method: "PUT",
      headers: { "content-type": mediaType },
      body,
    });

  it("refuses what is not a manifest, has another digest or is larger than 4 MiB", async () => {
    await using registry = await startRegistry();
    const other = digestOf(bytes("other"));

    const responses = [
      await put(registry, "1", "not json", mediaTypes.ociManifest),
      await put(registry, other, "{}", mediaTypes.ociManifest),
      await put(registry, "1", JSON.stringify({ pad: "x".repeat(4 * MiB) }), mediaTypes.ociManifest),
      await put(registry, "1", JSON.stringify({ mediaType: mediaTypes.ociIndex }), mediaTypes.ociManifest),
    ];

    expect(responses.map(({ status }) => status)).toEqual([400, 400, 413, 400]);
    expect(await codesOf(responses)).toEqual([
      "MANIFEST_INVALID",
      "DIGEST_INVALID",
      "SIZE_INVALID",
      "MANIFEST_INVALID",
    ]);
  });

  it("takes an incomplete index where the behaviour says so", async () => {
    await using registry = await startRegistry({ behaviour: { missingChildren: "accepted" } });
    const { root } = multiPlatformImage();

    const response = await put(registry, "1", Buffer.from(root.bytes).toString(), root.mediaType);

    expect(response.status).toBe(201);
  });

  it("hides a manifest from a client that does not accept its type", async () => {
    await using registry = await startRegistry();
    const { root } = await registry.seedImage("team/app", "1", multiPlatformImage());
    const get = (accept: string) => fetch(`${registry.url}/v2/team/app/manifests/1`, { headers: { accept } });

    const statuses = [await get(mediaTypes.ociManifest), await get("*/*"), await get(`a/b, ${root.mediaType};q=0.9`)];

    expect(statuses.map(({ status }) => status)).toEqual([404, 200, 200]);
  });

  it("names the subject of what was pushed, and tags it as often as asked", async () => {
    await using registry = await startRegistry();
    const subject = await registry.seedImage("team/app", undefined, image());
    const signature = artifact({ artifactType: "a/b", subject: descriptorOf(subject) });
    for (const { content } of signature.blobs) await registry.seedBlob({ repository: "team/app", content });
    const body = Buffer.from(signature.root.bytes).toString();

    const response = await put(registry, `${signature.root.digest}?tag=x&tag=y`, body, signature.root.mediaType);

    expect(response.headers.get("oci-subject")).toBe(subject.root.digest);
    expect(response.headers.get("oci-tag")).toBe("x, y");
    expect(registry.tags("team/app")).toEqual({ x: signature.root.digest, y: signature.root.digest });
  });

  it("deletes a tag alone by tag, and a manifest with its tags by digest", async () => {
    await using registry = await startRegistry();
    const { root } = await registry.seedImage("team/app", "1", image());
    await registry.seedImage("team/app", "2", image());
    const remove = (reference: string) =>
      fetch(`${registry.url}/v2/team/app/manifests/${reference}`, { method: "DELETE" });

    await remove("1");
    const left = registry.tags("team/app");
    await remove(root.digest);

    expect(left).toEqual({ "2": root.digest });
    expect(registry.tags("team/app")).toEqual({});
    expect(await registry.readManifest("team/app", root.digest)).toBeUndefined();
  });
});

describe("lists", () => {
  it.each(["relative", "absolute"] as const)("pages tags with %s links", async (urls) => {
    await using registry = await startRegistry({ behaviour: { urls } });
    for (const tag of ["c", "a", "b"]) await registry.seedImage("team/app", tag, image());
    const pages: unknown[] = [];

    let next: string | undefined = "/v2/team/app/tags/list?n=2";
    while (next !== undefined) {
      const response: Response = await fetch(new URL(next, registry.url));
      pages.push(await response.json());
      next = /<(.*)>; rel="next"/.exec(response.headers.get("link") ?? "")?.[1];
      expect(next?.startsWith("http") ?? urls === "absolute").toBe(urls === "absolute");
    }

    expect(pages).toEqual([
      { name: "team/app", tags: ["a", "b"] },
      { name: "team/app", tags: ["c"] },
    ]);
  });

  it("pages repositories and does not know others", async () => {
    await using registry = await startRegistry();
    await registry.seedImage("team/app", "1", image());
    await registry.seedImage("team/base", "1", image());

    const catalog = await fetch(`${registry.url}/v2/_catalog?n=1`);
    const unknown = await fetch(`${registry.url}/v2/team/other/tags/list`);

    expect(await catalog.json()).toEqual({ repositories: ["team/app"] });
    expect(catalog.headers.get("link")).toBe('</v2/_catalog?n=1&last=team%2Fapp>; rel="next"');
    expect(await codesOf([unknown])).toEqual(["NAME_UNKNOWN"]);
  });
});
