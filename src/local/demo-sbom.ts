import { mediaTypes } from "../descriptor.ts";
import { type Digest, digestOf } from "../digest.ts";
import type { EmbeddedRegistry } from "./registry/registry.ts";

const sbomType = "application/spdx+json";

/** The image that the SBOM is about. */
export interface SbomSubject {
  readonly repository: string;
  /** Of the image's index. */
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** `tag`: the registry has no referrers API, so that the list stands under the fallback tag (distribution-spec 1.1). */
  readonly listedBy: "api" | "tag";
}

/** Puts an SBOM that refers to the image beside it, the same on each run; returns the digest of its manifest. */
export async function putDemoSbom(registry: EmbeddedRegistry, subject: SbomSubject): Promise<Digest> {
  const { repository } = subject;
  const blob = async (mediaType: string, content: object) => {
    const bytes = encode(content);
    return { mediaType, digest: await registry.putBlob(repository, bytes), size: bytes.byteLength };
  };
  const put = async (mediaType: string, content: object) => {
    const bytes = encode(content);
    const digest = digestOf(bytes);
    await registry.putManifest(repository, { bytes, mediaType, digest });
    return { mediaType, digest, size: bytes.byteLength };
  };
  const manifest = await put(mediaTypes.ociManifest, {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    artifactType: sbomType,
    config: await blob(mediaTypes.ociEmpty, {}),
    layers: [await blob(sbomType, document)],
    subject: { mediaType: mediaTypes.ociIndex, digest: subject.digest, size: subject.sizeBytes },
  });
  if (subject.listedBy === "tag") {
    const manifests = [{ ...manifest, artifactType: sbomType }];
    const { digest } = await put(mediaTypes.ociIndex, { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests });
    const tag = subject.digest.replace(":", "-");
    await registry.catalog.change({ kind: "tag", repository, tag, digest });
  }
  return manifest.digest;
}

const document = {
  spdxVersion: "SPDX-2.3",
  dataLicense: "CC0-1.0",
  SPDXID: "SPDXRef-DOCUMENT",
  name: "demo/app",
  documentNamespace: "https://demo.example/spdx/app-1.0",
  creationInfo: { created: "2026-01-01T00:00:00Z", creators: ["Tool: drayage demo"] },
  packages: [{ SPDXID: "SPDXRef-app", name: "app", versionInfo: "1.0", downloadLocation: "NOASSERTION" }],
};

function encode(content: object): Buffer {
  return Buffer.from(JSON.stringify(content));
}
