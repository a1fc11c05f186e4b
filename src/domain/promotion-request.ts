import type { z } from "zod";
import { definedOnly, ImportError } from "../errors.ts";
import { parseImportRequest, type RequestSettings } from "./import-request.ts";
import { problemsOf } from "./import-request-schema.ts";
import type { ImportSpec } from "./import-spec.ts";
import type { ItemContent } from "./promotion-item.ts";
import {
  howShape,
  itemsRequestSchema,
  type KeptRequest,
  maxPromotionChars,
  type Selection,
  selectionRequestSchema,
} from "./promotion-request-schema.ts";
import { formatReference, formatSourceImage, type Reference } from "./reference.ts";

/** A request after all defaults and rules have been applied. */
export interface ParsedPromotion {
  readonly request: KeptRequest;
  /** Of a list; undefined: the items are to be found by the selection. */
  readonly specs: readonly ImportSpec[] | undefined;
  readonly dryRun: boolean;
}

export interface PromotionSettings extends RequestSettings {
  /** Throws HOST_NOT_ALLOWED. */
  readonly assertAllowed: (spec: ImportSpec) => void;
}

/** Whether the items are to be found by a selection. */
export function isSelection(request: KeptRequest): request is Extract<KeptRequest, Selection> {
  return "source" in request;
}

/**
 * Reads a request and every item of it. Throws INVALID_REQUEST, INVALID_REFERENCE, NOT_SUPPORTED or HOST_NOT_ALLOWED with
 * the first property at fault (`items[3].source`); the message tells of a few more.
 */
export function parsePromotionRequest(body: unknown, settings: PromotionSettings): ParsedPromotion {
  return typeof body === "object" && body !== null && "items" in body
    ? parseList(body, settings)
    : parseSelection(body, settings);
}

/** Throws INVALID_REQUEST for a promotion that is too long. */
export function assertPromotionSize(text: string): void {
  if (text.length <= maxPromotionChars) return;
  refuse("", `the request has ${text.length} characters, at most ${maxPromotionChars} are taken`);
}

/** What the import of one image of a selection is to do. */
export function selectedSpec(
  selection: Selection,
  { source, target }: Pick<Extract<ItemContent, { kind: "image" }>, "source" | "target">,
  settings: RequestSettings,
): ImportSpec {
  const places =
    target.tag === undefined
      ? { untaggedTargetRepositories: [target.repository] }
      : { targetTags: [`${target.repository}:${target.tag}`] };
  const request = {
    ...howOf(selection),
    source: { registryUri: source.registry, sourceImage: formatSourceImage(imageOf(source)) },
    ...(selection.target.registry === undefined ? {} : { target: selection.target.registry }),
    ...places,
  };
  return parseImportRequest(request, settings).spec;
}

/** Source and first target of an import, as an item shows them. */
export function textsOf({ source, target }: ImportSpec): { readonly source: string; readonly target: string } {
  const [tag] = target.tags;
  const place = tag === undefined ? (target.untaggedRepositories[0] ?? "") : formatSourceImage(tag);
  return { source: formatReference(imageOf(source)), target: `${target.registry}/${place}` };
}

/** Without properties that are undefined, which a schema's type allows and a reference's does not. */
function imageOf({ registry, repository, tag, digest }: ImportSpec["source"]): Reference {
  return { registry, repository, ...definedOnly({ tag, digest }) };
}

function parseList(body: object, settings: PromotionSettings): ParsedPromotion {
  const { items, dryRun = false, ...request } = readShape(itemsRequestSchema, body);
  const how = howOf(request);
  const errors: ImportError[] = [];
  const specs = items.flatMap((item, at): ImportSpec[] => {
    try {
      if (typeof item.source === "object" && item.source.credentials !== undefined) throw credentialsRefused();
      const { spec } = parseImportRequest({ ...how, ...item }, settings);
      settings.assertAllowed(spec);
      return [spec];
    } catch (thrown) {
      if (!(thrown instanceof ImportError)) throw thrown;
      if (errors.length < maxToldErrors) errors.push(placed(thrown, `items[${at}]`));
      return [];
    }
  });
  const [first, ...others] = errors;
  if (first !== undefined) throw joined(first, others);
  assertOwnTargets(specs);
  return { request, specs, dryRun };
}

/** Two imports of one target would race, and which of them wins is nobody's wish. */
function assertOwnTargets(specs: readonly ImportSpec[]): void {
  const positions = new Map<string, number>();
  for (const [at, spec] of specs.entries()) {
    for (const place of new Set(placesOf(spec))) {
      const other = positions.get(place);
      if (other !== undefined) refuse(`items[${at}]`, `items[${other}] and items[${at}] have the same target ${place}`);
      positions.set(place, at);
    }
  }
}

/** What an import writes: its tags, and what it puts without one, which differs by what is copied. */
function placesOf({ source, target }: ImportSpec): readonly string[] {
  const untagged = target.untaggedRepositories.map((place) => `${place} for ${formatReference(imageOf(source))}`);
  return [...target.tags.map(formatSourceImage), ...untagged].map((place) => `${target.registry}/${place}`);
}

const maxToldErrors = 5;
/** Stands for every image that may be found. */
const anyImage = { repository: "any/image", tag: "any" };

function parseSelection(body: unknown, settings: PromotionSettings): ParsedPromotion {
  const { dryRun = false, ...request } = readShape(selectionRequestSchema, body);
  try {
    const source = { registry: request.source.registry, ...anyImage };
    settings.assertAllowed(selectedSpec(request, { source, target: anyImage }, settings));
  } catch (thrown) {
    throw thrown instanceof ImportError ? renamed(thrown) : thrown;
  }
  return { request, specs: undefined, dryRun };
}

function readShape<Value>(schema: z.ZodType<Value>, body: unknown): Value {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const problems = problemsOf(schema, body).slice(0, maxToldErrors);
  const what = problems.map(({ property, what }) => (property === "" ? what : `${property}: ${what}`)).join(" · ");
  refuse(problems[0]?.property ?? "", what);
}

function howOf(request: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.keys(howShape).flatMap((name) => (name in request ? [[name, request[name]]] : [])));
}

/** The same refusal with its property as the promotion calls it. */
function placed(error: ImportError, place: string): ImportError {
  const { property, hint, message } = error.toWire();
  return new ImportError({
    code: error.code,
    stage: "accept",
    what: `${place}: ${message}`,
    property: property === undefined || property === "" ? place : `${place}.${property}`,
    ...definedOnly({
      hint: message.includes(hint ?? "") ? undefined : hint,
      side: error.side,
      registry: error.registry,
    }),
  });
}

const selectionNames: Readonly<Record<string, string>> = {
  "source.registryUri": "source.registry",
  source: "source.registry",
  target: "target.registry",
};

function renamed(error: ImportError): ImportError {
  const { property = "", hint, message } = error.toWire();
  const name = selectionNames[property] ?? property;
  return new ImportError({
    code: error.code,
    stage: "accept",
    what: property === "" ? message : message.replaceAll(property, name),
    ...definedOnly({ property: name || undefined, hint: message.includes(hint ?? "") ? undefined : hint }),
  });
}

function joined(first: ImportError, others: readonly ImportError[]): ImportError {
  if (others.length === 0) return first;
  const { property } = first.toWire();
  const what = [first, ...others].map(({ message }) => message).join(" · ");
  return new ImportError({ code: first.code, stage: "accept", what, ...definedOnly({ property }) });
}

function credentialsRefused(): ImportError {
  return new ImportError({
    code: "INVALID_REQUEST",
    stage: "accept",
    property: "source.credentials",
    what: "source.credentials: a promotion takes none",
    hint: "have the operator name the registry in REGISTRIES",
  });
}

function refuse(property: string, what: string): never {
  throw new ImportError({
    code: "INVALID_REQUEST",
    stage: "accept",
    what,
    ...definedOnly({ property: property || undefined }),
  });
}
