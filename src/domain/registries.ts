import { z } from "zod";
import { parseJson } from "../json.ts";
import { isSameText, parseRegistryResourceId } from "./arm-resource-id.ts";
import { isWildcard, matchesHost, parseHostPattern } from "./host-pattern.ts";
import { authProblems, authSchema, isAzureRegistry, toSignIn } from "./registry-auth.ts";
import { type NamedSecret, type SignIn, type SourceCredentials, signInWith } from "./sign-in.ts";

const perMinuteSchema = z.int().min(1).max(10_000_000);

const limitsShape =
  "expected a name, or an object with readsPerMinute, writesPerMinute, referrersPerMinute or tokensPerMinute";

/** Requests that a registry grants a minute: by the name of what is published, or one by one. */
const limitsSchema = z.union(
  [
    z.string(),
    z
      .strictObject({
        readsPerMinute: perMinuteSchema.optional(),
        writesPerMinute: perMinuteSchema.optional(),
        referrersPerMinute: perMinuteSchema.optional(),
        tokensPerMinute: perMinuteSchema.optional(),
      })
      .refine((limits) => Object.keys(limits).length > 0, limitsShape),
  ],
  limitsShape,
);

/** One entry of the setting REGISTRIES. */
export const registryEntrySchema = z.strictObject({
  host: z.string().transform((text, context) => {
    const pattern = parseHostPattern(text);
    if (pattern === undefined) context.addIssue("expected host[:port] or *.suffix");
    return pattern ?? "";
  }),
  alias: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]*$/, "expected lower-case letters, digits and -")
    .optional(),
  resourceId: z.string().optional(),
  auth: authSchema,
  profile: z.string().optional(),
  limits: limitsSchema.optional(),
  mirror: z
    .string()
    .transform((text, context) => {
      const host = parseHostPattern(text);
      if (host === undefined || isWildcard(host)) context.addIssue("expected host[:port]");
      return host ?? "";
    })
    .optional(),
  caFile: z.string().min(1).optional(),
  insecure: z.boolean().optional(),
});
export type RegistryEntry = Readonly<z.infer<typeof registryEntrySchema>>;

/** What the service's settings say about registries. */
export interface Registries {
  /** The entry of that very host, else the one of the longest suffix. */
  readonly entryFor: (host: string) => RegistryEntry | undefined;
  /** Host of an alias, or of a registry in Azure that goes by this name. */
  readonly hostOfName: (name: string) => string | undefined;
  /** Host of the entry with this resource id, else of a registry in Azure that has its name: an alias may be anything's. */
  readonly hostOfResource: (resourceId: string) => string | undefined;
  /**
   * How to sign in: what the request brings, else what the entry says, else the app's own identity where the default
   * target is an ACR, else anonymous. Only the first of these that is there counts: a 401 never leads to the next.
   */
  readonly signInAt: (host: string, ofRequest: SourceCredentials | NamedSecret | undefined) => SignIn;
  /** The host that a source is read from: its mirror where it has one. */
  readonly readFrom: (host: string) => string;
  /** Hosts that are named exactly, mirrors too. */
  readonly exactHosts: readonly string[];
}

export function createRegistries(entries: readonly RegistryEntry[], defaultTarget: string | undefined): Registries {
  const mostExactFirst = entries.toSorted((a, b) => rank(b) - rank(a));
  const entryFor = (host: string) => mostExactFirst.find((entry) => matchesHost(entry.host, host));
  const named = entries.flatMap(({ host, mirror }) => (mirror === undefined ? [host] : [host, mirror]));
  const exactHosts = [...new Set(named)].filter((host) => !isWildcard(host));
  const inAzure = (name: string) => exactHosts.find((host) => host.startsWith(`${name.toLowerCase()}.azurecr.`));
  return {
    entryFor,
    exactHosts,
    readFrom: (host) => entryFor(host)?.mirror ?? host,
    hostOfName: (name) => entries.find(({ alias, host }) => alias === name && !isWildcard(host))?.host ?? inAzure(name),
    hostOfResource: (id) => {
      const set = entries.find(({ resourceId }) => resourceId !== undefined && isSameText(resourceId, id))?.host;
      const name = parseRegistryResourceId(id)?.name;
      return set ?? (name === undefined ? undefined : inAzure(name));
    },
    signInAt: (host, ofRequest) => {
      if (ofRequest !== undefined) return signInWith(ofRequest);
      const entry = entryFor(host);
      if (entry !== undefined) return toSignIn(entry.auth);
      const isOwn = host === defaultTarget && isAzureRegistry(host);
      return isOwn ? { kind: "entra", identity: { kind: "app", clientId: undefined } } : { kind: "anonymous" };
    },
  };
}

/** The names that an entry may use. */
export interface EntryNames {
  readonly profiles: readonly string[];
  readonly limits: readonly string[];
}

/**
 * Reads the setting REGISTRIES (JSON). Every problem is one line that names the entry; none means that `entries` are
 * whole.
 */
export function parseRegistries(
  text: string,
  names: EntryNames,
): { readonly entries: readonly RegistryEntry[]; readonly problems: readonly string[] } {
  const items = z.array(z.unknown()).safeParse(parseJson(text));
  if (!items.success) return { entries: [], problems: ["expected a JSON list of entries"] };
  const entries: RegistryEntry[] = [];
  const problems: string[] = [];
  items.data.forEach((item, at) => {
    const parsed = registryEntrySchema.safeParse(item);
    const name = nameOf(item, at);
    if (parsed.success) {
      entries.push(parsed.data);
      problems.push(...entryProblems(parsed.data, names).map((problem) => `${name}: ${problem}`));
    } else {
      for (const { path, message } of parsed.error.issues) problems.push(`${name}: ${[...path, message].join(" ")}`);
    }
  });
  problems.push(...repeated(entries.map(({ host }) => host)).map((host) => `host ${host} is named twice`));
  const aliases = entries.flatMap(({ alias }) => (alias === undefined ? [] : [alias]));
  problems.push(...repeated(aliases).map((alias) => `alias ${alias} is given twice`));
  const mirrored = entries.filter(({ mirror }) => mirror !== undefined);
  problems.push(
    ...mirrored
      .filter(({ mirror }) => mirrored.some(({ host }) => matchesHost(host, mirror ?? "")))
      .map(({ host, mirror }) => `host ${host}: its mirror ${mirror} has a mirror of its own`),
  );
  const ids = entries.flatMap(({ resourceId }) => (resourceId === undefined ? [] : [resourceId.toLowerCase()]));
  problems.push(...repeated(ids).map((id) => `resourceId ${id} is given twice`));
  return { entries, problems };
}

function entryProblems(entry: RegistryEntry, names: EntryNames): readonly string[] {
  const { auth, limits, profile } = entry;
  const problems: readonly (string | false)[] = [
    ...authProblems(entry.host, auth),
    entry.resourceId !== undefined &&
      parseRegistryResourceId(entry.resourceId) === undefined &&
      "resourceId is no resource id of a registry: expected /subscriptions/…/resourceGroups/…/providers/Microsoft.ContainerRegistry/registries/…",
    entry.resourceId !== undefined && isWildcard(entry.host) && "a resourceId needs an exact host",
    entry.alias !== undefined && isWildcard(entry.host) && "an alias needs an exact host",
    profile !== undefined &&
      !names.profiles.includes(profile) &&
      `profile ${profile} is none of ${names.profiles.join(", ")}`,
    typeof limits === "string" &&
      !names.limits.includes(limits) &&
      `limits ${limits} is none of ${names.limits.join(", ")}`,
  ];
  return problems.filter((problem) => problem !== false);
}

function rank({ host }: RegistryEntry): number {
  return isWildcard(host) ? host.length : Number.POSITIVE_INFINITY;
}

/** `entry 2 (ghcr.io)`: position from 1, and the host where it can be read. */
function nameOf(item: unknown, at: number): string {
  const parsed = z.looseObject({ host: z.string().max(300) }).safeParse(item);
  return parsed.success ? `entry ${at + 1} (${parsed.data.host})` : `entry ${at + 1}`;
}

function repeated(texts: readonly string[]): readonly string[] {
  return [...new Set(texts.filter((text, at) => texts.indexOf(text) !== at))];
}
