import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { z } from "zod";
import { type Digest, digestOf, digestSchema } from "../../src/digest.ts";

const run = promisify(execFile);

const descriptorSchema = z.looseObject({ digest: digestSchema, mediaType: z.string() });
const manifestSchema = z.looseObject({
  manifests: z.array(descriptorSchema).default([]),
  layers: z.array(descriptorSchema).default([]),
  config: descriptorSchema.optional(),
});

/** The exact bytes of the manifest at `host/repository:tag` or `host/repository@digest`. `user`: `name:password`. */
export async function inspectRaw(reference: string, user?: string): Promise<Uint8Array> {
  const creds = user === undefined ? [] : ["--creds", user];
  const args = ["inspect", "--raw", "--tls-verify=false", ...creds, `docker://${reference}`];
  const { stdout } = await run("skopeo", args, { encoding: "buffer", maxBuffer: 8 * 1024 * 1024 });
  return new Uint8Array(stdout);
}

/** A manifest with all that is below it, as skopeo finds it. */
export interface InspectedImage {
  readonly digest: Digest;
  readonly text: string;
  /** In the order of the index. */
  readonly children: readonly InspectedImage[];
  readonly blobs: readonly Digest[];
}

/**
 * Reads a manifest, and its children by digest down to the last one. `skips`: children that a sparse index leaves out.
 */
export async function inspectTree(reference: string, skips: readonly Digest[] = []): Promise<InspectedImage> {
  const bytes = await inspectRaw(reference);
  const text = new TextDecoder().decode(bytes);
  const { manifests, layers, config } = manifestSchema.parse(JSON.parse(text));
  const repository = reference.replace(/@.*$|:[^:/]*$/, "");
  const kept = manifests.filter(({ digest }) => !skips.includes(digest));
  const children = await Promise.all(kept.map(({ digest }) => inspectTree(`${repository}@${digest}`, skips)));
  const blobs = [...(config === undefined ? [] : [config]), ...layers].map(({ digest }) => digest);
  return { digest: digestOf(bytes), text, children, blobs };
}

/** Every blob that an image refers to, each once. */
export function blobsOf({ children, blobs }: InspectedImage): readonly Digest[] {
  return [...new Set([...blobs, ...children.flatMap(blobsOf)])];
}

/**
 * Lets skopeo pull an image with everything in it, which checks the digest of each manifest and blob.
 */
export async function pullAll(reference: string): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "skopeo-"));
  try {
    const args = ["copy", "--all", "--preserve-digests", "--src-tls-verify=false"];
    await run("skopeo", [...args, `docker://${reference}`, `dir:${directory}`]);
    await readFile(join(directory, "manifest.json"));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
