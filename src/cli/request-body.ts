import type { z } from "zod";
import { formatPath, placedProblemsOf } from "../domain/import-request-schema.ts";
import { CliError } from "./cli-error.ts";
import { exitCodes } from "./exit-codes.ts";

/** A JSON object to be sent as it was written: the service fills in its defaults. */
export type RequestBody = Readonly<Record<string, unknown>>;

/** A body and where each of its properties was written. */
export interface WrittenBody {
  readonly value: RequestBody;
  /** e.g. `plan.yaml:3:5 source.tags.semver`, `--semver`. */
  readonly place: (path: readonly PropertyKey[]) => string;
}

const maxTold = 10;

/** The body if the schema takes it; else a usage error that tells every problem and its place. */
export function checkBody(schema: z.ZodType, { value, place }: WrittenBody): RequestBody {
  const problems = placedProblemsOf(schema, value).map(({ path, what }) => `${place(path)}: ${withAdvice(what)}`);
  const [message, ...others] = [...new Set(problems)];
  if (message === undefined) return value;
  const left = others.length - maxTold;
  const details = left > 0 ? [...others.slice(0, maxTold), `and ${left} more`] : others;
  throw new CliError({ exitCode: exitCodes.usage, message, details });
}

/** The flags that stand for properties, by the property's path. */
export function placeByFlag(path: readonly PropertyKey[]): string {
  const property = formatPath(path);
  const flag = Object.entries(flags).find(
    ([of]) => property === of || property.startsWith(`${of}[`) || property.startsWith(`${of}.`),
  );
  return flag?.[1] ?? property;
}

const flags: Readonly<Record<string, string>> = {
  name: "--name",
  cron: "--cron",
  timeZone: "--time-zone",
  "source.registry": "--from",
  "source.repositories": "--repository",
  "source.tags.include": "--tags",
  "source.tags.exclude": "--exclude",
  "source.tags.semver": "--semver",
  "source.tags.newest": "--newest",
  "source.tags.digest": "--digest",
  "target.registry": "--to",
  "target.repository": "--target-repository",
  "target.tag": "--target-tag",
  conflict: "--conflict",
  platforms: "--platform",
  sparseIndex: "--sparse-index",
  foreignLayers: "--foreign-layers",
  verify: "--verify",
  "referrers.artifactTypes": "--artifact-type",
  referrers: "--referrers",
  labels: "--label",
  timeoutSeconds: "--timeout",
  maxConcurrent: "--max-concurrent",
};

/** YAML reads `1.20` as a number and `no` or `on` may be meant as words. */
function withAdvice(what: string): string {
  return /expected string, received (number|boolean|null)/.test(what) ? `${what}; put it in quotes` : what;
}
