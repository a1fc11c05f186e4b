import { createCipheriv, createHash } from "node:crypto";
import { type Descriptor, mediaTypes } from "../../src/descriptor.ts";
import { type Digest, digestOf, digestSchema } from "../../src/digest.ts";

/** Content with what a manifest says about it. */
export interface TestBlob {
  readonly descriptor: ImageDescriptor;
  readonly content: Uint8Array;
}

export interface ImageDescriptor extends Descriptor {
  readonly urls?: readonly string[];
  readonly data?: string;
  readonly platform?: Platform;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly artifactType?: string;
}

export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
  readonly "os.version"?: string;
}

export interface TestManifest {
  readonly bytes: Uint8Array;
  readonly mediaType: string;
  readonly digest: Digest;
}

/** Everything that one tag needs. `manifests` has each once, children before parents, `root` last. */
export interface TestImage {
  readonly root: TestManifest;
  readonly manifests: readonly TestManifest[];
  /** Each digest once; foreign layers are not among them. */
  readonly blobs: readonly TestBlob[];
}

const layerTypes = {
  oci: "application/vnd.oci.image.layer.v1.tar+gzip",
  docker: "application/vnd.docker.image.rootfs.diff.tar.gzip",
  ociForeign: "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
  dockerForeign: "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
} as const;
const configTypes = {
  oci: "application/vnd.oci.image.config.v1+json",
  docker: "application/vnd.docker.container.image.v1+json",
} as const;

const someSha512 = digestSchema.parse(`sha512:${"0".repeat(128)}`);

/** `sizeBytes` bytes that look random and are the same for the same seed. */
export function testBytes(sizeBytes: number, seed: string): Uint8Array {
  const key = createHash("sha256").update(seed).digest().subarray(0, 16);
  return new Uint8Array(createCipheriv("aes-128-ctr", key, new Uint8Array(16)).update(new Uint8Array(sizeBytes)));
}

/** A layer. It begins like gzip, because tools that copy images look at the first bytes to tell how a layer is packed. */
export function layerBytes(sizeBytes: number, seed: string): Uint8Array {
  const bytes = testBytes(sizeBytes, seed);
  bytes.set([0x1f, 0x8b, 0x08, 0, 0, 0, 0, 0, 0, 3].slice(0, sizeBytes));
  return bytes;
}

export interface ImageSpec {
  /** A number is the size of a layer whose content hangs on `seed` and its place; bytes are taken as they are. */
  readonly layers?: readonly (number | Uint8Array)[];
  /** Properties of the config document beside architecture and os. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly format?: "oci" | "docker";
  readonly platform?: Platform;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly subject?: Descriptor;
  readonly artifactType?: string;
  /** Layers that live at these URLs; their bytes are in no registry. */
  readonly foreignLayers?: readonly { readonly sizeBytes: number; readonly urls: readonly string[] }[];
  /** Of the layers' digests. */
  readonly algorithm?: "sha256" | "sha512";
  /** Same seed, same bytes. Default "image". */
  readonly seed?: string;
}

/** An image for one platform. */
export function image(spec: ImageSpec = {}): TestImage {
  const format = spec.format ?? "oci";
  const seed = spec.seed ?? "image";
  const platform = spec.platform ?? { os: "linux", architecture: "amd64" };
  const like = spec.algorithm === "sha512" ? someSha512 : undefined;
  const layers = (spec.layers ?? [1_000]).map((layer, at) => {
    const content = typeof layer === "number" ? layerBytes(layer, `${seed} layer ${at}`) : layer;
    return testBlob(content, layerTypes[format], like);
  });
  const foreign = (spec.foreignLayers ?? []).map(({ sizeBytes, urls }, at) => ({
    ...testBlob(layerBytes(sizeBytes, `${seed} foreign ${at}`), layerTypes[`${format}Foreign`]).descriptor,
    urls,
  }));
  const diffIds = [...foreign.map(({ digest }) => digest), ...layers.map(({ descriptor }) => descriptor.digest)];
  const config = jsonBlob(
    { ...platform, ...spec.config, rootfs: { type: "layers", diff_ids: diffIds }, history: [], seed },
    configTypes[format],
  );
  const root = manifestOf(format === "oci" ? mediaTypes.ociManifest : mediaTypes.dockerManifest, {
    artifactType: spec.artifactType,
    config: config.descriptor,
    layers: [...foreign, ...layers.map(({ descriptor }) => descriptor)],
    subject: spec.subject,
    annotations: spec.annotations,
  });
  return { root, manifests: [root], blobs: unique([config, ...layers], ({ descriptor }) => descriptor.digest) };
}

export interface IndexSpec {
  readonly children: readonly IndexChild[];
  readonly format?: "oci" | "docker";
  readonly annotations?: Readonly<Record<string, string>>;
  readonly subject?: Descriptor;
  readonly artifactType?: string;
}

export interface IndexChild {
  readonly image: TestImage;
  readonly platform?: Platform;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** An index over images and other indexes. */
export function index({ children, format, annotations, subject, artifactType }: IndexSpec): TestImage {
  const root = manifestOf(format === "docker" ? mediaTypes.dockerIndex : mediaTypes.ociIndex, {
    artifactType,
    manifests: children.map((child) => ({
      ...descriptorOf(child.image),
      ...(child.platform === undefined ? {} : { platform: child.platform }),
      ...(child.annotations === undefined ? {} : { annotations: child.annotations }),
    })),
    subject,
    annotations,
  });
  const manifests = [...children.flatMap((child) => child.image.manifests), root];
  const blobs = children.flatMap((child) => child.image.blobs);
  return {
    root,
    manifests: unique(manifests, ({ digest }) => digest),
    blobs: unique(blobs, ({ descriptor }) => descriptor.digest),
  };
}

export interface MultiPlatformSpec {
  /** `os/architecture` or `os/architecture/variant`. Default linux/amd64 and linux/arm64/v8. */
  readonly platforms?: readonly string[];
  /** Sizes of each platform's own layers. */
  readonly layers?: readonly number[];
  /** Sizes of layers that all platforms have in common. */
  readonly sharedLayers?: readonly number[];
  /** One attestation manifest per platform, as buildx makes them. */
  readonly attestations?: "none" | "perPlatform";
  readonly format?: "oci" | "docker";
  readonly seed?: string;
}

/** One image per platform below one index. */
export function multiPlatformImage(spec: MultiPlatformSpec = {}): TestImage {
  const seed = spec.seed ?? "multi";
  const format = spec.format ?? "oci";
  const shared = (spec.sharedLayers ?? []).map((sizeBytes, at) => layerBytes(sizeBytes, `${seed} shared ${at}`));
  const children = (spec.platforms ?? ["linux/amd64", "linux/arm64/v8"]).map((text) => {
    const platform = parsePlatform(text);
    const own = (spec.layers ?? [1_000]).map((sizeBytes, at) => layerBytes(sizeBytes, `${seed} ${text} ${at}`));
    return { image: image({ layers: [...shared, ...own], platform, format, seed: `${seed} ${text}` }), platform };
  });
  const attestations =
    spec.attestations === "perPlatform" ? children.map(({ image: child }) => attestation(child)) : [];
  return index({ children: [...children, ...attestations], format });
}

/** The attestation manifest of an image, as buildx puts it beside the image in an index. */
export function attestation(of: TestImage): IndexChild {
  const statement = jsonBlob(
    { _type: "https://in-toto.io/Statement/v0.1", subject: [{ digest: of.root.digest }] },
    "application/vnd.in-toto+json",
  );
  const platform = { os: "unknown", architecture: "unknown" };
  const config = jsonBlob(
    { ...platform, rootfs: { type: "layers", diff_ids: [statement.descriptor.digest] }, config: {} },
    configTypes.oci,
  );
  const root = manifestOf(mediaTypes.ociManifest, { config: config.descriptor, layers: [statement.descriptor] });
  return {
    image: { root, manifests: [root], blobs: [config, statement] },
    platform,
    annotations: {
      "vnd.docker.reference.digest": of.root.digest,
      "vnd.docker.reference.type": "attestation-manifest",
    },
  };
}

/** A Helm chart as `helm push` stores it. */
export function helmChart(spec: { readonly name: string; readonly sizeBytes?: number }): TestImage {
  const config = jsonBlob(
    { name: spec.name, version: "1.0.0", apiVersion: "v2" },
    "application/vnd.cncf.helm.config.v1+json",
  );
  const chart = testBlob(
    layerBytes(spec.sizeBytes ?? 2_000, `chart ${spec.name}`),
    "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
  );
  const root = manifestOf(mediaTypes.ociManifest, { config: config.descriptor, layers: [chart.descriptor] });
  return { root, manifests: [root], blobs: [config, chart] };
}

export interface ArtifactSpec {
  readonly artifactType: string;
  readonly content?: Uint8Array;
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
  /** `inline`: the empty config's bytes stand in its descriptor (image-spec 1.1, "Embedded Content"). */
  readonly emptyConfig?: "inline" | "plain";
}

/** An artifact with the empty config, e.g. a signature or an SBOM that refers to `subject`. */
export function artifact(spec: ArtifactSpec): TestImage {
  const empty = testBlob(new TextEncoder().encode("{}"), mediaTypes.ociEmpty);
  const content = testBlob(spec.content ?? new TextEncoder().encode(spec.artifactType), "application/octet-stream");
  const config = spec.emptyConfig === "plain" ? empty.descriptor : { ...empty.descriptor, data: "e30=" };
  const root = manifestOf(mediaTypes.ociManifest, {
    artifactType: spec.artifactType,
    config,
    layers: [content.descriptor],
    subject: spec.subject,
    annotations: spec.annotations,
  });
  return { root, manifests: [root], blobs: [empty, content] };
}

/** An artifact as clients stored it before OCI 1.1: blobs, and no config. */
export function artifactManifest(spec: Pick<ArtifactSpec, "artifactType" | "content" | "subject">): TestImage {
  const content = testBlob(spec.content ?? new TextEncoder().encode(spec.artifactType), "application/octet-stream");
  const root = manifestOf(mediaTypes.ociArtifactManifest, {
    artifactType: spec.artifactType,
    blobs: [content.descriptor],
    subject: spec.subject,
  });
  return { root, manifests: [root], blobs: [content] };
}

/** A schema 1 manifest: what no importer takes any more. */
export function schema1Image(name = "library/old"): TestImage {
  const document = { schemaVersion: 1, name, tag: "1", architecture: "amd64", fsLayers: [], history: [] };
  const bytes = new TextEncoder().encode(JSON.stringify(document));
  const root = { bytes, mediaType: mediaTypes.dockerSchema1, digest: digestOf(bytes) };
  return { root, manifests: [root], blobs: [] };
}

export function descriptorOf({ root }: TestImage): Descriptor {
  return { mediaType: root.mediaType, digest: root.digest, size: root.bytes.byteLength };
}

/** A manifest from its properties; those that are undefined are left out. */
export function manifestOf(mediaType: string, properties: Readonly<Record<string, unknown>>): TestManifest {
  const bytes = new TextEncoder().encode(JSON.stringify({ schemaVersion: 2, mediaType, ...properties }, null, 2));
  return { bytes, mediaType, digest: digestOf(bytes) };
}

export function testBlob(content: Uint8Array, mediaType: string, like?: Digest): TestBlob {
  return { descriptor: { mediaType, digest: digestOf(content, like), size: content.byteLength }, content };
}

/** Pushes an image to any registry that takes anonymous pushes, e.g. a docker-registry process. */
export async function pushImage(host: string, repository: string, tag: string, pushed: TestImage): Promise<void> {
  const base = `http://${host}/v2/${repository}`;
  for (const { descriptor, content } of pushed.blobs) {
    const started = await expectStatus(await fetch(`${base}/blobs/uploads/`, { method: "POST" }), 202);
    const location = new URL(started.headers.get("location") ?? "", base);
    location.searchParams.set("digest", descriptor.digest);
    const headers = { "content-type": "application/octet-stream" };
    await expectStatus(await fetch(location, { method: "PUT", headers, body: new Uint8Array(content) }), 201);
  }
  for (const { bytes, mediaType, digest } of pushed.manifests) {
    const reference = digest === pushed.root.digest ? tag : digest;
    const headers = { "content-type": mediaType };
    const body = new Uint8Array(bytes);
    await expectStatus(await fetch(`${base}/manifests/${reference}`, { method: "PUT", headers, body }), 201);
  }
}

async function expectStatus(response: Response, status: number): Promise<Response> {
  const text = await response.text();
  if (response.status !== status)
    throw new Error(`${response.url} answered ${response.status} instead of ${status}: ${text}`);
  return response;
}

function jsonBlob(value: unknown, mediaType: string): TestBlob {
  return testBlob(new TextEncoder().encode(JSON.stringify(value)), mediaType);
}

function parsePlatform(text: string): Platform {
  const [os = "", architecture = "", variant] = text.split("/");
  return { os, architecture, ...(variant === undefined ? {} : { variant }) };
}

function unique<T>(values: readonly T[], key: (value: T) => string): T[] {
  return [...new Map(values.map((value) => [key(value), value])).values()];
}
