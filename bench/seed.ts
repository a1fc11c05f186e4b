import { createCipheriv, createHash } from "node:crypto";

const MiB = 1024 * 1024;

export interface SeededDescriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** Incompressible content that depends on `seed` only: an AES-CTR key stream, in blocks of 1 MiB. */
function* randomContent(seed: string, sizeBytes: number): Generator<Buffer> {
  const key = createHash("sha256").update(seed).digest();
  const cipher = createCipheriv("aes-128-ctr", key.subarray(0, 16), key.subarray(16));
  const zeros = Buffer.alloc(MiB);
  for (let left = sizeBytes; left > 0; left -= MiB) yield cipher.update(left >= MiB ? zeros : zeros.subarray(0, left));
}

/** Uploads one blob in a single PUT; content is made twice (hash, then body) and never held. */
export async function pushBlob(
  host: string,
  repository: string,
  seed: string,
  sizeBytes: number,
): Promise<SeededDescriptor> {
  const hash = createHash("sha256");
  for (const block of randomContent(seed, sizeBytes)) hash.update(block);
  const digest = `sha256:${hash.digest("hex")}`;
  const body = ReadableStream.from(randomContent(seed, sizeBytes));
  await put(host, repository, digest, body, sizeBytes);
  return { mediaType: "application/vnd.oci.image.layer.v1.tar", digest, size: sizeBytes };
}

/** An image of the given layers; returns its manifest's descriptor. */
export async function pushImage(
  host: string,
  repository: string,
  reference: string | undefined,
  layers: readonly SeededDescriptor[],
  architecture = "amd64",
): Promise<SeededDescriptor> {
  const config = JSON.stringify({
    architecture,
    os: "linux",
    rootfs: { type: "layers", diff_ids: layers.map(({ digest }) => digest) },
  });
  const configDigest = digestOf(config);
  await put(host, repository, configDigest, config, Buffer.byteLength(config));
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  const manifest = {
    schemaVersion: 2,
    mediaType,
    config: {
      mediaType: "application/vnd.oci.image.config.v1+json",
      digest: configDigest,
      size: Buffer.byteLength(config),
    },
    layers,
  };
  return await putManifest(host, repository, reference, manifest, mediaType);
}

export async function pushIndex(
  host: string,
  repository: string,
  reference: string,
  children: readonly (SeededDescriptor & {
    readonly platform: { readonly os: string; readonly architecture: string };
  })[],
): Promise<SeededDescriptor> {
  const mediaType = "application/vnd.oci.image.index.v1+json";
  return await putManifest(
    host,
    repository,
    reference,
    { schemaVersion: 2, mediaType, manifests: children },
    mediaType,
  );
}

async function putManifest(
  host: string,
  repository: string,
  reference: string | undefined,
  manifest: object,
  mediaType: string,
): Promise<SeededDescriptor> {
  const text = JSON.stringify(manifest);
  const digest = digestOf(text);
  const response = await fetch(`http://${host}/v2/${repository}/manifests/${reference ?? digest}`, {
    method: "PUT",
    body: text,
    headers: { "content-type": mediaType },
  });
  await expectStatus(response, 201);
  return { mediaType, digest, size: Buffer.byteLength(text) };
}

async function put(host: string, repository: string, digest: string, body: string | ReadableStream, sizeBytes: number) {
  const started = await fetch(`http://${host}/v2/${repository}/blobs/uploads/`, { method: "POST" });
  await expectStatus(started, 202);
  const location = new URL(started.headers.get("location") ?? "", started.url);
  location.searchParams.set("digest", digest);
  const headers = { "content-length": String(sizeBytes) };
  const init = { method: "PUT", body, duplex: "half", headers } as const;
  await expectStatus(await fetch(location, init), 201);
}

async function expectStatus(response: Response, status: number): Promise<void> {
  const text = await response.text();
  if (response.status !== status) throw new Error(`${response.url} answered ${response.status}: ${text.slice(0, 500)}`);
}

function digestOf(text: string): string {
  return `sha256:${createHash("sha256").update(text).digest("hex")}`;
}
