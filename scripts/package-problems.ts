import { formatBytes } from "../src/domain/quantities.ts";

/** What is judged of a package. */
export interface PackageFacts {
  readonly zipBytes: number;
  readonly appBytes: number;
  /** Names of the files that a start reads. */
  readonly loaded: readonly string[];
  /** A registries.yaml is in it, which a start reads too. */
  readonly hasRegistries: boolean;
}

/*
 * Size is judged, and time is not: how long a start takes depends on what else the machine does, and what there is to
 * read does not.
 */
const maxZipBytes = 5 * 1024 ** 2;
const maxAppBytes = 1.25 * 1024 ** 2;

/** Why the package must not be deployed, one line each; none: it may. */
export function packageProblems({ zipBytes, appBytes, loaded, hasRegistries }: PackageFacts): readonly string[] {
  const early = loaded.filter((file) => file !== "app.cjs" && !(hasRegistries && file === "yaml.cjs"));
  return [
    ...(zipBytes > maxZipBytes
      ? [`the package is larger than ${formatBytes(maxZipBytes)}: what has become part of it?`]
      : []),
    ...(appBytes > maxAppBytes
      ? [`app.cjs is larger than ${formatBytes(maxAppBytes)}: what of it belongs into scripts/late-libraries.ts?`]
      : []),
    ...early.map((file) => `${file} is loaded at every start: which module uses it before an invocation?`),
  ];
}
