import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument } from "yaml";
import { z } from "zod";
import { formatPath } from "../domain/import-request-schema.ts";
import type { CliIo } from "./cli-io.ts";
import { usage } from "./import-request.ts";
import type { WrittenBody } from "./request-body.ts";

/** What a file holds, and where each of its properties stands: `plan.yaml:3:5 source.tags`. */
export interface FileValue {
  readonly value: unknown;
  readonly place: WrittenBody["place"];
}

/** Reads a request from a YAML or JSON file. Besides what {@link readValueFile} refuses, it must be a mapping. */
export async function readRequestFile(path: string, io: FileIo): Promise<WrittenBody> {
  const { value, place } = await readValueFile(path, io);
  const body = bodySchema.safeParse(value);
  if (!body.success) throw usage(`${nameOf(path)}: expected properties, as in a JSON object`);
  return { value: body.data, place };
}

/**
 * Reads a YAML or JSON file, `-` for standard input. One that cannot be read, or is neither, is a usage error, with line and
 * column where there is one.
 */
export async function readValueFile(path: string, io: FileIo): Promise<FileValue> {
  const name = nameOf(path);
  const text = path === "-" ? await io.readStdin() : await readText(path, io);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number | undefined) => {
    if (offset === undefined) return name;
    const { line, col } = lines.linePos(offset);
    return `${name}:${line}:${col}`;
  };
  const [error] = document.errors;
  if (error !== undefined) throw usage(`${at(error.pos[0])}: ${error.message}`);
  return {
    value: toValue(document, name),
    place: (keys) => `${at(offsetOf(document, keys))} ${formatPath(keys)}`.trimEnd(),
  };
}

export type FileIo = Pick<CliIo, "readFile" | "readStdin">;

const bodySchema = z.record(z.string(), z.unknown());
const maxAliases = 100; // more of them may unfold to more than memory holds

async function readText(path: string, io: FileIo): Promise<string> {
  try {
    return await io.readFile(path);
  } catch (thrown) {
    throw usage(`${path} cannot be read: ${thrown instanceof Error ? thrown.message : "unknown"}`);
  }
}

function nameOf(path: string): string {
  return path === "-" ? "standard input" : path;
}

function toValue(document: Document, name: string): unknown {
  try {
    return document.toJS({ maxAliasCount: maxAliases });
  } catch (thrown) {
    throw usage(`${name}: ${thrown instanceof Error ? thrown.message : "cannot be read"}`);
  }
}

/** Where the property stands in the text, or the nearest one around it that is there. */
function offsetOf(document: Document, keys: readonly PropertyKey[]): number | undefined {
  for (let depth = keys.length; depth > 0; depth -= 1) {
    const offset = offsetOfKey(document, keys.slice(0, depth));
    if (offset !== undefined) return offset;
  }
  return document.contents?.range?.[0];
}

function offsetOfKey(document: Document, keys: readonly PropertyKey[]): number | undefined {
  const parent = keys.length === 1 ? document.contents : document.getIn(keys.slice(0, -1), true);
  if (isMap(parent)) {
    const pair = parent.items.find(({ key }) => isScalar(key) && key.value === keys.at(-1));
    return isScalar(pair?.key) ? pair.key.range?.[0] : undefined;
  }
  const node = document.getIn(keys, true);
  return isNode(node) ? node.range?.[0] : undefined;
}
