import { z } from "zod";
import { type Digest, parseDigest } from "../digest.ts";
import { definedOnly, ImportError } from "../errors.ts";

// Grammar: distribution/reference ("reference.go") and OCI distribution-spec 1.1, "Pulling manifests".
const hostLabel = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";
const hostNamePattern = new RegExp(`^${hostLabel}(?:\\.${hostLabel})*$`);
const numericLabelPattern = /^(?:[0-9]+|0x[0-9a-f]*)$/; // URL Standard: a host whose last label is a number is an IPv4 address
const pathComponent = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
const repositoryPattern = new RegExp(`^${pathComponent}(?:/${pathComponent})*$`);
const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const maxRepositoryChars = 255;
const maxHostChars = 253;

const ipv4Schema = z.ipv4();
const ipv6Schema = z.ipv6();

/** `host[:port]` in lower case, as it stands in records: a DNS name, `localhost`, an IPv4 or a bracketed IPv6 address. */
export const registryHostSchema = z
  .string()
  .refine((text) => normaliseHost(text) === text, "not a registry host (host[:port], in lower case)");

/** A repository's path within its registry, e.g. `library/alpine`; at most 255 characters. */
export const repositorySchema = z
  .string()
  .max(maxRepositoryChars)
  .regex(repositoryPattern, "not a repository (lower-case path components joined by /)");

/** A tag: at most 128 characters. */
export const tagSchema = z.string().regex(tagPattern, "not a tag (letters, digits, _ . -, at most 128)");

/** What is to be read where, after the rules for `docker.io` and for a missing tag; at least one of tag and digest. */
export interface Reference {
  readonly registry: string;
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

/** A reference without its registry, as somebody typed it: no tag means that none was given. */
export interface SourceImage {
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

/** A reference cut into its parts, as somebody typed it (`docker.io/nginx` stays `nginx`). */
export interface TypedReference {
  readonly registry: string;
  readonly image: SourceImage;
}

/**
 * Reads `host[:port]/repository[:tag][@digest]` and applies the rules of {@link toReference}.
 * Throws INVALID_REFERENCE with `property` and, where it can be guessed, the likely fix as hint.
 */
export function parseReference(text: string, property = "source"): Reference {
  const { registry, image } = splitReference(text, property);
  return toReference(registry, image);
}

/** `registry/repository[:tag][@digest]`; what {@link parseReference} makes a reference of again. */
export function formatReference(reference: Reference): string {
  return `${reference.registry}/${formatSourceImage(reference)}`;
}

/** `repository[:tag][@digest]`. */
export function formatSourceImage({ repository, tag, digest }: SourceImage): string {
  return `${repository}${tag === undefined ? "" : `:${tag}`}${digest === undefined ? "" : `@${digest}`}`;
}

/** Cuts a reference with a host into its parts and leaves them as typed, but for the case of the host. */
export function splitReference(text: string, property: string): TypedReference {
  const fail = failAt(text, property);
  const schemeEnd = text.indexOf("://");
  if (schemeEnd >= 0) throw fail("a reference has no scheme", `write ${quoted(text.slice(schemeEnd + 3))}`);
  const slash = text.indexOf("/");
  const first = slash < 0 ? "" : text.slice(0, slash);
  if (!looksLikeHost(first)) throw fail("the registry's host is missing", hostHint(text));
  const registry = normaliseHost(first);
  if (registry === undefined) throw fail(`${quoted(first)} is no registry host`, "expected host[:port]");
  return { registry, image: parseSourceImage(text.slice(slash + 1), property) };
}

/** Reads `repository[:tag][@digest]`, as it follows a registry. Throws INVALID_REFERENCE. */
export function parseSourceImage(text: string, property = "source.sourceImage"): SourceImage {
  const fail = failAt(text, property);
  const [rest = "", digestText, ...more] = text.split("@");
  if (more.length > 0) throw fail("it has more than one @", "expected repository[:tag][@digest]");
  const digest = digestText === undefined ? undefined : parseDigest(digestText);
  if (digestText !== undefined && digest === undefined)
    throw fail(
      `${quoted(digestText)} is no digest`,
      "expected sha256: and 64, or sha512: and 128 lower-case hex digits",
    );
  const colon = rest.indexOf(":");
  const repository = colon < 0 ? rest : rest.slice(0, colon);
  const tag = colon < 0 ? undefined : rest.slice(colon + 1);
  if (!repositorySchema.safeParse(repository).success)
    throw fail(`${quoted(repository)} is no repository`, repositoryHint(repository));
  if (tag !== undefined && !tagSchema.safeParse(tag).success)
    throw fail(`${quoted(tag)} is no tag`, "a tag has at most 128 letters, digits, _ . - and starts with none of . -");
  return { repository, ...definedOnly({ tag, digest }) };
}

/** Reads a registry's address as people give it: scheme and trailing slashes are dropped. Throws INVALID_REFERENCE. */
export function parseRegistryUri(text: string, property: string): string {
  const host = normaliseHost(text.replace(/^https?:\/\//i, "").replace(/\/+$/, ""));
  if (host !== undefined) return dockerHub.includes(host) ? "docker.io" : host;
  throw failAt(text, property)("it is no registry address", "expected host[:port], e.g. docker.io");
}

/**
 * The reference that is meant: Docker Hub has one name (`docker.io`) and keeps its official images under `library/`;
 * without tag and digest the tag is `latest`.
 */
export function toReference(registry: string, { repository, tag, digest }: SourceImage): Reference {
  const isHub = dockerHub.includes(registry);
  const needsLibrary = isHub && !repository.includes("/");
  if (needsLibrary && repository.length + "library/".length > maxRepositoryChars)
    throw failAt(repository, "source")(
      "too long for Docker Hub",
      `at most ${maxRepositoryChars} characters with library/`,
    );
  return {
    registry: isHub ? "docker.io" : registry,
    repository: needsLibrary ? `library/${repository}` : repository,
    ...definedOnly({ tag: tag ?? (digest === undefined ? "latest" : undefined), digest }),
  };
}

/** A registry's host in the one form it is stored and compared in, or undefined when `text` is no host[:port]. */
export function normaliseHost(text: string): string | undefined {
  const lower = text.toLowerCase();
  const [, name = "", port] = /^(\[[^\]]*\]|[^:]*)(?::([0-9]{1,5}))?$/.exec(lower) ?? [];
  const host = name.startsWith("[") ? normaliseIpv6(name) : isHostName(name) ? name : undefined;
  if (host === undefined) return undefined;
  if (port === undefined) return host;
  const portNumber = Number(port);
  return portNumber >= 1 && portNumber <= 65_535 ? `${host}:${portNumber}` : undefined;
}

const dockerHub: readonly string[] = ["docker.io", "index.docker.io", "registry-1.docker.io"];

function isHostName(name: string): boolean {
  if (name.length > maxHostChars || !hostNamePattern.test(name)) return false;
  // What a URL parser would take for an address (0x7f.1, 127.1) must be a plain one: otherwise it passes for a name.
  const last = name.slice(name.lastIndexOf(".") + 1);
  return !numericLabelPattern.test(last) || ipv4Schema.safeParse(name).success;
}

function normaliseIpv6(bracketed: string): string | undefined {
  const isAddress = bracketed.endsWith("]") && ipv6Schema.safeParse(bracketed.slice(1, -1)).success;
  if (!isAddress || !URL.canParse(`http://${bracketed}`)) return undefined;
  return new URL(`http://${bracketed}`).hostname;
}

/** The rule of the Docker tools: a first component with a dot or a port, or `localhost`, is a host. */
function looksLikeHost(first: string): boolean {
  return /[.:[]/.test(first) || first.toLowerCase() === "localhost";
}

function hostHint(text: string): string {
  const guess = text.includes("/") ? text : `library/${text}`;
  const isPlausible = /^[a-z0-9](?:[a-z0-9._/-]*[a-z0-9])?(?::[A-Za-z0-9_.-]+)?(?:@[a-z0-9:]+)?$/.test(guess);
  if (!isPlausible) return "expected host[:port]/repository[:tag][@digest], e.g. docker.io/library/alpine:3.20";
  return `for Docker Hub write docker.io/${guess}`;
}

function repositoryHint(repository: string): string {
  if (repository.length > maxRepositoryChars) return `at most ${maxRepositoryChars} characters`;
  if (repository !== repository.toLowerCase()) return `repositories are in lower case: ${repository.toLowerCase()}`;
  return "expected lower-case letters and digits, parted by single . _ / or by __ or -";
}

function failAt(text: string, property: string) {
  return (what: string, hint: string) =>
    new ImportError({
      code: "INVALID_REFERENCE",
      stage: "accept",
      property,
      what: `${property} ${quoted(text)}: ${what}`,
      hint,
    });
}

function quoted(text: string): string {
  const shown = text.length > 200 ? `${text.slice(0, 200)}…` : text;
  return JSON.stringify(shown);
}
