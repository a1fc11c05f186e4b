import { definedOnly } from "../errors.ts";
import type { CliIo } from "./cli-io.ts";
import { type HowFlags, toHow, usage } from "./import-request.ts";
import { placeByFlag, type RequestBody, type WrittenBody } from "./request-body.ts";
import { readRequestFile } from "./request-file.ts";

/** Flags that say which images are meant and what they are called at the target, as commander hands them over. */
export interface SelectionFlags {
  readonly from?: string;
  readonly repository?: string[];
  readonly tags?: string[];
  readonly exclude?: string[];
  readonly semver?: string;
  readonly newest?: number;
  readonly digest?: string;
  readonly to?: string;
  readonly targetRepository?: string;
  readonly targetTag?: string;
}

export interface BodyFlags extends SelectionFlags, HowFlags {
  readonly file?: string;
}

/**
 * The body that a file or flags describe. A file holds the selection; what `own` and the flags of {@link HowFlags} say wins
 * over the file.
 */
export async function writtenBody(flags: BodyFlags, own: RequestBody, io: CliIo): Promise<WrittenBody> {
  const over = { ...toHow(flags), ...definedOnly(own) };
  if (flags.file === undefined) return { value: { ...toSelection(flags), ...over }, place: placeByFlag };
  const file = await readRequestFile(flags.file, io);
  return {
    value: { ...file.value, ...over },
    place: (path) => (String(path[0]) in over ? placeByFlag(path) : file.place(path)),
  };
}

function toSelection(flags: SelectionFlags): RequestBody {
  if (flags.from === undefined) throw usage("give --from and --repository, or a file with -f");
  if (flags.repository === undefined) {
    throw usage(
      "--repository is missing: which repositories of the source",
      "e.g. --repository 'team/*', or '**' for all",
    );
  }
  const { tags: include, exclude, semver, newest, digest } = flags;
  const tags = definedOnly({ include, exclude, semver, newest, digest });
  const target = definedOnly({ registry: flags.to, repository: flags.targetRepository, tag: flags.targetTag });
  return {
    source: { registry: flags.from, repositories: flags.repository, ...whenFilled({ tags }) },
    ...whenFilled({ target }),
  };
}

/** Without the properties that are empty objects. */
function whenFilled(properties: Readonly<Record<string, object>>): RequestBody {
  return Object.fromEntries(Object.entries(properties).filter(([, value]) => Object.keys(value).length > 0));
}
