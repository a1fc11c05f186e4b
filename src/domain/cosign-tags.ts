import { z } from "zod";
import { type Digest, digestOf } from "../digest.ts";

/**
 * Where cosign keeps what belongs to a manifest, in the same repository: signatures and attestations, which come to be
 * more and more in one manifest, and an SBOM, of which there is one.
 * Source: https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md
 */
const endings = ["sig", "att", "sbom"] as const;
const maxTagChars = 128; // OCI distribution-spec 1.1: the tags of a sha512 digest would be longer

/** The tags that may belong to a manifest. */
export function cosignTags(subject: Digest): readonly string[] {
  const name = subject.replace(":", "-");
  return endings.map((ending) => `${name}.${ending}`).filter(({ length }) => length <= maxTagChars);
}

const layerSchema = z.looseObject({ digest: z.string(), annotations: z.record(z.string(), z.string()).nullish() });
const manifestSchema = z.looseObject({
  mediaType: z.string().optional(),
  config: z.looseObject({ mediaType: z.string() }),
  layers: z.array(layerSchema),
});
type Document = z.infer<typeof manifestSchema>;

/** What is to be done about a cosign tag at the target. */
export type CosignDecision =
  | { readonly kind: "keep" } // nothing is missing there
  | { readonly kind: "put" } // nothing is lost by it
  /** Both hold what the other lacks: a manifest with everything, and its config. */
  | { readonly kind: "merge"; readonly bytes: Uint8Array; readonly config: { digest: Digest; bytes: Uint8Array } };

export interface CosignQuestion {
  readonly tag: string;
  /** What the target's tag holds, if it is there. */
  readonly current: Uint8Array | undefined;
  /** What the source's tag holds. */
  readonly wanted: Uint8Array;
  /** Whether an SBOM that differs is replaced (the import's conflict is `overwrite`) or kept. */
  readonly sbom: "replace" | "keep";
}

/**
 * Signatures and attestations at the target are never lost and never stand in the way: both sides' are united. What is
 * there and cannot be read is kept.
 */
export function decideCosignTag({ tag, current, wanted, sbom }: CosignQuestion): CosignDecision {
  if (current === undefined) return { kind: "put" };
  if (digestOf(current) === digestOf(wanted)) return { kind: "keep" };
  if (tag.endsWith(".sbom")) return { kind: sbom === "replace" ? "put" : "keep" };
  const [theirs, ours] = [readDocument(current), readDocument(wanted)];
  if (theirs === undefined || ours === undefined) return { kind: "keep" };
  const [there, here] = [theirs, ours].map(({ layers }) => new Set(layers.map(identityOf)));
  const missing = ours.layers.filter((layer) => !there?.has(identityOf(layer)));
  if (missing.length === 0) return { kind: "keep" };
  if (theirs.layers.every((layer) => here?.has(identityOf(layer)))) return { kind: "put" };
  return united(ours, [...theirs.layers, ...missing]);
}

type Layer = z.infer<typeof layerSchema>;

/** The same payload signed by two keys is one blob: the signature stands in the annotations. */
function identityOf({ digest, annotations }: Layer): string {
  const sorted = Object.entries(annotations ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([digest, sorted]);
}

/** As cosign itself appends one: the config lists the layers. */
function united(document: Document, layers: readonly Layer[]): CosignDecision {
  const created = "0001-01-01T00:00:00Z"; // the same content for whoever unites the same
  const config = encode({
    architecture: "",
    created,
    history: layers.map(() => ({ created })),
    os: "",
    rootfs: { type: "layers", diff_ids: layers.map(({ digest }) => digest) },
    config: {},
  });
  const digest = digestOf(config);
  const described = { mediaType: document.config.mediaType, size: config.byteLength, digest };
  return {
    kind: "merge",
    bytes: encode({ ...document, config: described, layers }),
    config: { digest, bytes: config },
  };
}

function encode(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

function readDocument(bytes: Uint8Array): Document | undefined {
  try {
    const parsed = manifestSchema.safeParse(JSON.parse(new TextDecoder().decode(bytes)));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
