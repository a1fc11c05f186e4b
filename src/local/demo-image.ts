import { createCipheriv, createHash } from "node:crypto";
import { Readable } from "node:stream";
import { request } from "undici";
import { type Descriptor, MiB, mediaTypes } from "../descriptor.ts";
import { type Digest, digestOf, parseDigest } from "../digest.ts";

/** Where the image goes. */
export interface DemoTarget {
  /** e.g. `http://127.0.0.1:5001`. */
  readonly registryUrl: string;
  readonly repository: string;
  readonly tag: string;
  /** The header of that name. Default: none. */
  readonly authorization?: string;
}

export interface DemoImage {
  /** Of the index. */
  readonly digest: Digest;
  readonly indexBytes: number;
  readonly platforms: readonly string[];
  readonly layers: number;
  readonly totalBytes: number;
}

/**
 * Makes an image for three platforms and pushes it. The layers are tar archives of one file of pseudo-random bytes that
 * are the same on each run and cannot be compressed; they are made while they are sent, so none is ever in memory whole.
 */
export async function pushDemoImage(target: DemoTarget, signal: AbortSignal): Promise<DemoImage> {
  const push = createPush(target, signal);
  const pushed = new Map<string, Descriptor>();
  const children: object[] = [];
  let otherBytes = 0;
  for (const { platform, layers } of platforms) {
    const { manifest, child, configBytes } = await pushBlobs(push, platform, layers, pushed);
    await push.manifest(child.digest, child, manifest);
    children.push({ ...child, platform });
    otherBytes += configBytes;
  }
  const index = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: children }));
  const root = describe(mediaTypes.ociIndex, index);
  await push.manifest(target.tag, root, index);
  return {
    digest: root.digest,
    indexBytes: root.size,
    platforms: platforms.map(({ platform }) => formatPlatform(platform)),
    layers: pushed.size,
    totalBytes: otherBytes + [...pushed.values()].reduce((sum, { size }) => sum + size, 0),
  };
}

/** Pushes an image of one platform with 320 KiB in two layers; the first is the same in all that are made so. */
export async function pushSmallImage(target: DemoTarget, signal: AbortSignal): Promise<Digest> {
  const [platform] = platforms.map((one) => one.platform);
  if (platform === undefined) throw new Error("the demo has no platform");
  const push = createPush(target, signal);
  const layers = [
    { name: "base", fileBytes: MiB / 4 },
    { name: `${target.repository}-${target.tag}`, fileBytes: MiB / 16 },
  ];
  const { manifest, child } = await pushBlobs(push, platform, layers, new Map());
  await push.manifest(target.tag, child, manifest);
  return child.digest;
}

/** Pushes what an image of one platform consists of, but for its manifest; `pushed` knows the layers that are there. */
async function pushBlobs(
  push: Push,
  platform: Platform,
  layers: readonly Layer[],
  pushed: Map<string, Descriptor>,
): Promise<{ readonly manifest: Buffer; readonly child: Descriptor; readonly configBytes: number }> {
  const descriptors: Descriptor[] = [];
  for (const layer of layers) {
    const descriptor = pushed.get(layer.name) ?? describeLayer(layer);
    if (!pushed.has(layer.name))
      await push.blob(descriptor, () => Readable.from(layerChunks(layer), { objectMode: false }));
    pushed.set(layer.name, descriptor);
    descriptors.push(descriptor);
  }
  const config = Buffer.from(JSON.stringify(configOf(platform, descriptors)));
  const configDescriptor = describe(configType, config);
  await push.blob(configDescriptor, () => config);
  const document = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: configDescriptor,
    layers: descriptors,
  };
  const manifest = Buffer.from(JSON.stringify(document));
  return { manifest, child: describe(mediaTypes.ociManifest, manifest), configBytes: config.byteLength };
}

/** The digest of a tag as the registry answers it, or undefined. */
export async function readTagDigest(target: DemoTarget, signal: AbortSignal): Promise<Digest | undefined> {
  const url = `${target.registryUrl}/v2/${target.repository}/manifests/${target.tag}`;
  const { statusCode, headers, body } = await request(url, {
    method: "HEAD",
    headers: { accept: `${mediaTypes.ociIndex}, ${mediaTypes.ociManifest}` },
    signal,
  });
  await body.dump();
  return statusCode === 200 ? parseDigest(String(headers["docker-content-digest"])) : undefined;
}

interface Layer {
  readonly name: string;
  /** Of the file inside; a multiple of 512, as tar pads to it. */
  readonly fileBytes: number;
}

interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

const layerType = "application/vnd.oci.image.layer.v1.tar";
const configType = "application/vnd.oci.image.config.v1+json";
const sharedLayers: readonly Layer[] = [
  { name: "certificates", fileBytes: 1 * MiB },
  { name: "data", fileBytes: 40 * MiB },
];
const platforms = [
  { os: "linux", architecture: "amd64" },
  { os: "linux", architecture: "arm64", variant: "v8" },
  { os: "linux", architecture: "arm", variant: "v7" },
].map((platform: Platform) => ({
  platform,
  layers: [
    { name: `runtime-${formatPlatform(platform)}`, fileBytes: 44 * MiB },
    ...sharedLayers,
    { name: `app-${formatPlatform(platform)}`, fileBytes: 6 * MiB },
  ],
}));

function formatPlatform({ os, architecture, variant }: Platform): string {
  return [os, architecture, variant].filter((part) => part !== undefined).join("/");
}

const pieceBytes = 1 * MiB;

/** The tar archive of one file: header, content, two empty blocks. */
function* layerChunks({ name, fileBytes }: Layer): Generator<Uint8Array> {
  yield tarHeader(`opt/demo/${name.replaceAll("/", "-")}.bin`, fileBytes);
  const key = createHash("sha256").update(name).digest().subarray(0, 16);
  const stream = createCipheriv("aes-128-ctr", key, Buffer.alloc(16)); // the key stream of AES: random to any compressor
  const zeros = Buffer.alloc(pieceBytes);
  for (let at = 0; at < fileBytes; at += pieceBytes) yield stream.update(zeros.subarray(0, fileBytes - at));
  yield Buffer.alloc(1024);
}

/** POSIX ustar header; the checksum is the sum of its bytes with the checksum field as blanks. */
function tarHeader(path: string, fileBytes: number): Uint8Array {
  const header = Buffer.alloc(512);
  const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, "0")}\0`;
  header.write(path, 0, 100, "latin1");
  header.write(octal(0o644, 7), 100);
  header.write(octal(0, 7), 108);
  header.write(octal(0, 7), 116);
  header.write(octal(fileBytes, 11), 124);
  header.write(octal(0, 11), 136);
  header.write("        0", 148);
  header.write("ustar\u000000", 257);
  let sum = 0;
  for (const byte of header) sum += byte;
  header.write(`${octal(sum, 6)} `, 148);
  return header;
}

function describeLayer(layer: Layer): Descriptor {
  const hash = createHash("sha256");
  let size = 0;
  for (const chunk of layerChunks(layer)) {
    hash.update(chunk);
    size += chunk.byteLength;
  }
  const digest = parseDigest(`sha256:${hash.digest("hex")}`);
  if (digest === undefined) throw new Error("sha256 made no digest");
  return { mediaType: layerType, digest, size };
}

function describe(mediaType: string, content: Uint8Array): Descriptor {
  return { mediaType, digest: digestOf(content), size: content.byteLength };
}

/** Layers are not compressed, so that their digests are the diff ids. */
function configOf(platform: Platform, layers: readonly Descriptor[]): object {
  return {
    ...platform,
    config: { Cmd: ["/opt/demo/app"], Labels: { "org.opencontainers.image.title": "drayage demo" } },
    rootfs: { type: "layers", diff_ids: layers.map(({ digest }) => digest) },
  };
}

interface PushOptions {
  readonly method: "POST" | "PUT";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Readable | Buffer;
}

type Push = ReturnType<typeof createPush>;

function createPush({ registryUrl, repository, authorization }: DemoTarget, signal: AbortSignal) {
  const base = `${registryUrl}/v2/${repository}`;
  const send = async (url: string | URL, options: PushOptions) => {
    const all = { ...options.headers, ...(authorization === undefined ? {} : { authorization }) };
    const { statusCode, headers, body } = await request(url, { ...options, headers: all, signal });
    const said = await body.text();
    if (statusCode < 200 || statusCode > 299) {
      throw new Error(`the source registry answered ${statusCode} to ${options.method}: ${said.slice(0, 300)}`);
    }
    return headers;
  };
  return {
    blob: async ({ digest, size }: Descriptor, content: () => Readable | Buffer) => {
      const { location } = await send(`${base}/blobs/uploads/`, { method: "POST" });
      const url = new URL(String(location), base);
      url.searchParams.set("digest", digest);
      const headers = { "content-type": "application/octet-stream", "content-length": String(size) };
      await send(url, { method: "PUT", headers, body: content() });
    },
    manifest: async (reference: string, { mediaType }: Descriptor, content: Buffer) => {
      const headers = { "content-type": mediaType };
      await send(`${base}/manifests/${reference}`, { method: "PUT", headers, body: content });
    },
  };
}
