import { definedOnly, type ErrorPlace, ImportError } from "../errors.ts";
import type { Platform } from "./import-spec.ts";

const wordPattern = /^[a-z0-9][a-z0-9_.-]{0,63}$/;

/** What other tools call the architectures of the OCI image-spec ("platform.architecture": the values of GOARCH). */
const architectureAliases: Readonly<Record<string, string>> = { x86_64: "amd64", "x86-64": "amd64", aarch64: "arm64" };

/** Reads `os/architecture[/variant][:os.version]`, e.g. `linux/arm64/v8`. Throws INVALID_REQUEST. */
export function parsePlatform(text: string, property = "platforms"): Platform {
  const colon = text.indexOf(":");
  const words = (colon < 0 ? text : text.slice(0, colon)).toLowerCase().split("/");
  const osVersion = colon < 0 ? undefined : text.slice(colon + 1);
  const [os = "", given = "", variant] = words;
  const isVersion = osVersion === undefined || wordPattern.test(osVersion.toLowerCase());
  if (words.length < 2 || words.length > 3 || !words.every((word) => wordPattern.test(word)) || !isVersion) {
    throw new ImportError({
      code: "INVALID_REQUEST",
      stage: "accept",
      property,
      what: `${property}: ${JSON.stringify(text.slice(0, 100))} is no platform`,
      hint: "expected os/architecture[/variant][:os.version], e.g. linux/amd64 or linux/arm64/v8",
    });
  }
  return { os, architecture: architectureAliases[given] ?? given, ...definedOnly({ variant, osVersion }) };
}

/** `os/architecture[/variant][:os.version]`. */
export function formatPlatform({ os, architecture, variant, osVersion }: Platform): string {
  const name = [os, architecture, ...(variant === undefined ? [] : [variant])].join("/");
  return osVersion === undefined ? name : `${name}:${osVersion}`;
}

/**
 * Whether an image of platform `actual` is one of those asked for by `wanted`. A variant or os.version that either
 * lacks matches any, except that arm64 without a variant is arm64/v8. An os.version may be given in part
 * (`10.0.17763` for `10.0.17763.5936`): Windows images change its last number each month.
 */
export function matchesPlatform(wanted: Platform, actual: Platform): boolean {
  return (
    wanted.os === actual.os &&
    wanted.architecture === actual.architecture &&
    matchesVariant(variantOf(wanted), variantOf(actual)) &&
    matchesVersion(wanted.osVersion, actual.osVersion)
  );
}

/** Whether this says anything: attestations are `unknown/unknown`, and some tools write an empty platform. */
export function isRealPlatform({ os, architecture }: Platform): boolean {
  return os !== "" && architecture !== "" && !(os === "unknown" && architecture === "unknown");
}

/** Throws PLATFORM_NOT_FOUND, with what there is as hint, unless each wanted platform is among the available ones. */
export function assertPlatformsFound(
  wanted: readonly Platform[],
  available: readonly Platform[],
  at: ErrorPlace,
): void {
  const missing = wanted.filter((platform) => !available.some((actual) => matchesPlatform(platform, actual)));
  if (missing.length === 0) return;
  const names = [...new Set(available.filter(isRealPlatform).map(formatPlatform))];
  const shown = names.slice(0, maxNamesInHint).join(", ");
  const rest = names.length > maxNamesInHint ? ` and ${names.length - maxNamesInHint} more` : "";
  throw new ImportError({
    ...at,
    code: "PLATFORM_NOT_FOUND",
    what: `the image has no ${missing.map(formatPlatform).join(", ")}`,
    hint: names.length === 0 ? "it names no platform at all: leave out platforms" : `it has ${shown}${rest}`,
  });
}

const maxNamesInHint = 20;

function variantOf({ architecture, variant }: Platform): string | undefined {
  return architecture === "arm64" && (variant === undefined || variant === "") ? "v8" : variant;
}

function matchesVariant(wanted: string | undefined, actual: string | undefined): boolean {
  return isMissing(wanted) || isMissing(actual) || wanted === actual;
}

function matchesVersion(wanted: string | undefined, actual: string | undefined): boolean {
  return isMissing(wanted) || isMissing(actual) || wanted === actual || (actual ?? "").startsWith(`${wanted}.`);
}

function isMissing(text: string | undefined): boolean {
  return text === undefined || text === "";
}
