import { createHash } from "node:crypto";
import { z } from "zod";
import type { Digest } from "../../digest.ts";
import type { Selection } from "../../domain/promotion-request-schema.ts";
import { formatReference, formatSourceImage } from "../../domain/reference.ts";
import { ImportError } from "../../errors.ts";

/** One image of a selection: what is read, and what it is called at the selection's target. */
export interface SelectedImage {
  /** With both, the digest is what is imported and the tag what it was found under. */
  readonly source: {
    readonly registry: string;
    readonly repository: string;
    readonly tag?: string;
    readonly digest?: Digest;
  };
  readonly target: { readonly repository: string; readonly tag?: string };
}

/**
 * How far a list of a registry has been read. Registries differ in how they page: `after` is the newest `last` that a
 * Link of theirs has named, `skip` counts the pages behind it that were read by Links of another kind, and `done` is the
 * last entry that was handled of the page that comes next, in code point order. Where the newest tags are wanted, `done` is
 * the oldest one that was handled, and `found` how many were among those of the digest that is wanted.
 */
const listPositionSchema = z.object({
  after: z.string().optional(),
  skip: z.int().min(0),
  done: z.string().optional(),
  found: z.int().min(0).optional(),
});
export type ListPosition = Readonly<z.infer<typeof listPositionSchema>>;

/** Where the expansion of a selection goes on: small, and without anything secret. */
export const selectionCursorSchema = z.object({
  v: z.literal(1),
  /** Position among the repositories that are named without globs; as many as there are: the catalog's turn. */
  named: z.int().min(0),
  catalog: listPositionSchema.optional(),
  /** Within one repository: the named one, or the one that was begun on a page of the catalog. */
  tags: listPositionSchema.extend({ repository: z.string() }).optional(),
});
export type SelectionCursor = Readonly<z.infer<typeof selectionCursorSchema>>;

export interface SelectionPage {
  /** Up to some hundred; none does not mean that it was the last page. */
  readonly items: readonly SelectedImage[];
  /** Undefined: that was all. */
  readonly next: SelectionCursor | undefined;
  readonly warnings: readonly string[];
}

/**
 * One page of what a selection means now; the first one has no cursor. A repeat with the same cursor gives the same page
 * but for what has changed at the registry. Throws the ImportError of the source, and INVALID_REFERENCE or
 * INVALID_REQUEST for names that cannot be: those are permanent unless `retryable`.
 */
export type ExpandPage = (
  selection: Selection,
  cursor: SelectionCursor | undefined,
  signal: AbortSignal,
) => Promise<SelectionPage>;

/**
 * For a schedule: those of the images of its selection whose digest it has not imported yet, each with that digest. Asks
 * the source by HEAD only; what is gone meanwhile is left out.
 */
export type OnlyChanged = (
  scheduled: { readonly schedule: string; readonly selection: Selection },
  images: readonly SelectedImage[],
  signal: AbortSignal,
) => Promise<readonly SelectedImage[]>;

/**
 * The key of an image within its promotion: of its target alone, so that two sources that were to fill the same tag meet
 * in one row, whatever pages they are on. Untagged images meet by what is copied.
 */
export function selectedImageKey({ source, target }: SelectedImage): string {
  const what = target.tag === undefined ? formatSourceImage(source) : "";
  return createHash("sha256")
    .update(JSON.stringify([target.repository, target.tag ?? null, what]))
    .digest("hex")
    .slice(0, 32);
}

/** The two are the same image but for the digest, which may have moved on between two looks. */
export function isSameSource(one: SelectedImage["source"], other: SelectedImage["source"]): boolean {
  return one.registry === other.registry && one.repository === other.repository && one.tag === other.tag;
}

/** Two different sources were to fill one target tag. */
export function targetCollision(target: SelectedImage["target"], one: string, other: string): ImportError {
  return new ImportError({
    code: "INVALID_REQUEST",
    stage: "accept",
    property: "target",
    what: `${one} and ${other} would both become ${formatSourceImage(target)}`,
    hint: "have {repository} and {tag} in the templates, or select less",
  });
}

/**
 * Adds images to those that are known by key. An image that comes again is one; two sources for one target throw
 * INVALID_REQUEST.
 */
export function addImages(known: Map<string, SelectedImage>, images: readonly SelectedImage[]): void {
  for (const image of images) {
    const key = selectedImageKey(image);
    const other = known.get(key);
    if (other !== undefined && !isSameSource(other.source, image.source))
      throw targetCollision(image.target, textOf(other), textOf(image));
    known.set(key, image);
  }
}

function textOf({ source }: SelectedImage): string {
  return `${source.registry}/${source.repository}${source.tag === undefined ? "" : `:${source.tag}`}`;
}

/** `registry/repository[:tag][@digest]`. */
export function formatSelectedSource({ source }: SelectedImage): string {
  return formatReference(source);
}
