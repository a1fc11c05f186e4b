import { type Command, Option } from "commander";
import { importStrategySchema } from "../../domain/import-request-schema.ts";
import { type Conflict, conflictSchema, importSpecSchema } from "../../domain/import-spec.ts";
import { collect, collectList, parseCount, parseSeconds } from "../option-parsers.ts";

/** Adds `-f` and the flags that select images, which exclude each other. `tags`: what can be said of tags. */
export function addSelectionOptions(command: Command, tags: "filter" | "selection"): Command {
  command.addOption(
    new Option("-f, --file <path>", "read it from a YAML or JSON file; - for standard input").conflicts([
      ...["from", "repository", "tags", "exclude", "semver", "newest", "digest"],
      ...["to", "targetRepository", "targetTag"],
    ]),
  );
  command
    .option("--from <registry>", "source registry: host, alias or name")
    .option("--repository <glob...>", "source repositories: names, globs (team/*, team/**) or prefixes (team/)")
    .option("--tags <glob...>", "tags of them (default: all)")
    .option("--exclude <glob...>", "but not these tags")
    .option("--semver <range>", "only tags that are versions of this range, e.g. '>=1.2 <2'");
  if (tags === "selection") {
    command
      .option("--newest <count>", "per repository only that many, of the highest versions", parseCount)
      .option("--digest <digest>", "only tags that name this digest now");
  }
  return command
    .option("--to <registry>", "target registry: host, alias or name (default: the service's)")
    .option("--target-repository <template>", "target repository (default: {repository}); {basename} is its last part")
    .option("--target-tag <template>", "target tag (default: {tag})");
}

/** Adds the flags that say how an image is copied; `conflict` is what holds without `--conflict`. */
export function addHowOptions(command: Command, conflict: Conflict): Command {
  return command
    .addOption(
      new Option("--conflict <policy>", `when a target tag exists (default: ${conflict})`).choices(
        conflictSchema.options,
      ),
    )
    .option(
      "--platform <os/arch[/variant]>",
      "import this platform only; repeatable, or a list with commas",
      collectList,
    )
    .option("--sparse-index", "with --platform: keep the index and its digest, leave other platforms out")
    .option("--referrers", "bring signatures, SBOMs and attestations along")
    .option("--artifact-type <type>", "bring referrers of this type only; repeatable", collect)
    .addOption(
      new Option(
        "--foreign-layers <which>",
        "layers that other hosts hold: where the source serves them (auto), or none (skip)",
      ).choices(importSpecSchema.shape.foreignLayers.options),
    )
    .addOption(
      new Option("--strategy <who>", "who copies: the service (stream), or ACR's own import (delegate)").choices(
        importStrategySchema.options,
      ),
    )
    .addOption(
      new Option("--verify <how>", "read tags back (manifest, the default), every blob too (full), or nothing").choices(
        importSpecSchema.shape.verify.options,
      ),
    )
    .option("--label <key=value>", "label of the import; repeatable", collect)
    .option("--timeout <seconds>", "time for the whole import, then it fails (default: 24h)", parseSeconds);
}
