import type { ImportRequest } from "../domain/import-request-schema.ts";
import { type Credentials, credentialFieldOf, noCredentials, writeCredentials } from "./credentials-form.ts";

/** The form as it is filled in: texts, several values one per line. */
export interface ImportForm {
  readonly source: string;
  readonly credentials: Credentials;
  readonly target: string;
  readonly targetTags: string;
  readonly untaggedTargetRepositories: string;
  readonly conflict: "fail" | "skipIfSame" | "overwrite";
  readonly platforms: string;
  readonly sparseIndex: boolean;
  readonly referrers: boolean;
  readonly verify: "manifest" | "full" | "none";
  readonly strategy: "auto" | "stream" | "delegate";
  readonly labels: string;
}

export const emptyForm: ImportForm = {
  source: "",
  credentials: noCredentials,
  target: "",
  targetTags: "",
  untaggedTargetRepositories: "",
  conflict: "fail",
  platforms: "",
  sparseIndex: false,
  referrers: false,
  verify: "manifest",
  strategy: "auto",
  labels: "",
};

/** The request that a form stands for. What it means is for the service to judge. */
export function toRequest(form: ImportForm): ImportRequest {
  const credentials = writeCredentials(form.credentials);
  const targetTags = linesOf(form.targetTags);
  const untagged = linesOf(form.untaggedTargetRepositories);
  const platforms = linesOf(form.platforms);
  const labels = labelsOf(form.labels);
  const source = form.source.trim();
  return {
    source: credentials === undefined ? source : { sourceImage: source, credentials },
    ...(form.target.trim() !== "" && { target: form.target.trim() }),
    ...(targetTags.length > 0 && { targetTags }),
    ...(untagged.length > 0 && { untaggedTargetRepositories: untagged }),
    conflict: form.conflict,
    ...(platforms.length > 0 && { platforms }),
    ...(form.sparseIndex && { sparseIndex: true }),
    ...(form.referrers && { referrers: true }),
    ...(form.verify !== "manifest" && { verify: form.verify }),
    ...(form.strategy !== "auto" && { strategy: form.strategy }),
    ...(labels !== undefined && { labels }),
  };
}

/** The field of the form that a property of the request stands in, e.g. of `targetTags[1]`. */
export function fieldOf(property: string | undefined): keyof ImportForm | keyof Credentials | undefined {
  const ofCredentials = credentialFieldOf(property);
  if (ofCredentials !== undefined) return ofCredentials;
  const [name] = (property ?? "").split(/[.[]/);
  return fieldNames.find((field) => field === name);
}

const fieldNames = [
  "source",
  "target",
  "targetTags",
  "untaggedTargetRepositories",
  "conflict",
  "platforms",
  "sparseIndex",
  "referrers",
  "verify",
  "strategy",
  "labels",
] as const satisfies readonly (keyof ImportForm)[];

/** Values that stand one per line; empty lines are none. */
export function linesOf(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

/** Labels that stand one per line as `key=value`; undefined: none. */
export function labelsOf(text: string): Record<string, string> | undefined {
  const lines = linesOf(text);
  return lines.length === 0 ? undefined : Object.fromEntries(lines.map(splitLabel));
}

function splitLabel(line: string): readonly [string, string] {
  const at = line.indexOf("=");
  return at < 0 ? [line, ""] : [line.slice(0, at).trim(), line.slice(at + 1).trim()];
}
