import { createHash } from "node:crypto";
import { z } from "zod";
import { armEndpointOf, armSettings } from "./arm-settings.ts";
import { type CallerConfig, callerProblems, callerSettingsShape, toCallerConfig } from "./caller-settings.ts";
import { type CertificateAuthority, readCertificateAuthorities } from "./certificate-authorities.ts";
import { MiB } from "./descriptor.ts";
import type { AllowSettings } from "./domain/allow-list.ts";
import { type EventSettings, eventSettings } from "./domain/event-settings.ts";
import { sinkPlaceProblems } from "./domain/event-sinks.ts";
import { type HookSecrets, parseHookSecrets } from "./domain/hook-secrets.ts";
import { type HostPattern, isWildcard, parseHostPattern } from "./domain/host-pattern.ts";
import { maxTimeoutSeconds } from "./domain/import-timeout.ts";
import { proxiesInLowerCase, proxySettings } from "./domain/proxy-settings.ts";
import { formatQueueName, queueNames } from "./domain/queue-names.ts";
import { createRegistries, parseRegistries, type Registries } from "./domain/registries.ts";
import { profileNames } from "./registry/profiles.ts";
import type { ProxySettings } from "./registry/proxy.ts";
import { limitPresets } from "./registry/rate-limits.ts";
import {
  readRegistriesFile,
  type SignInConfig,
  signInProblems,
  signInSettingsShape,
  toSignInConfig,
} from "./sign-in-settings.ts";

/** Where tables and queues are. */
export type StorageConfig =
  | { readonly kind: "connectionString"; readonly connectionString: string }
  | {
      readonly kind: "identity";
      /** e.g. `https://drayagestore.table.core.windows.net`, without a slash at the end. */
      readonly tableUrl: string;
      readonly queueUrl: string;
      /** Of a user-assigned identity; undefined: the system-assigned one. */
      readonly clientId: string | undefined;
    };

/** A key that seals stored credentials. The first of the list seals, every one of it opens. */
export interface SecretsKey {
  readonly id: string;
  readonly key: Uint8Array;
}

/** The service's settings, read and checked once. */
export interface Config {
  readonly storage: StorageConfig;
  readonly tablePrefix: string;
  readonly defaultTarget: string | undefined;
  /** What a bare registry name is completed with; sovereign clouds have others. */
  readonly registrySuffix: string;
  /** Azure's resource manager, e.g. `https://management.azure.com`. */
  readonly armEndpoint: string;
  readonly defaultTimeoutSeconds: number;
  readonly registries: Registries;
  readonly allow: AllowSettings;
  /** Who is reached over plain http: INSECURE_HOSTS and what REGISTRIES says. Ask with `matchesAny`. */
  readonly insecureHosts: readonly HostPattern[];
  /** host[:port] that may be at private and loopback addresses. */
  readonly allowPrivateHosts: readonly string[];
  /** Hosts that the operator names exactly: these may be at private addresses, but not at loopback ones. */
  readonly namedHosts: readonly string[];
  /** Of REGISTRIES, the entry of a host before that of a suffix. */
  readonly certificateAuthorities: readonly CertificateAuthority[];
  readonly proxies: ProxySettings;
  /** Empty: requests cannot bring credentials. */
  readonly secretsKeys: readonly SecretsKey[];
  /** Undefined: the measured rate alone decides what is uploaded in chunks. */
  readonly largeBlobBytes: number | undefined;
  readonly bufferBytes: number;
  readonly activityBudgetSeconds: number;
  readonly connectionsPerHost: number;
  readonly requestsPerHost: number;
  /** Instances that share the limits of a registry. */
  readonly limitShares: number;
  /** How long what has ended is kept; 0: for ever. */
  readonly retentionDays: number;
  /** How long nothing of a running import may move. */
  readonly stuckMinutes: number;
  readonly telemetry: TelemetryConfig;
  readonly events: EventSettings;
  /** What webhooks must bring, by kind; a kind without is refused. */
  readonly hookSecrets: HookSecrets;
  /** Who may call. */
  readonly callers: CallerConfig;
  readonly signIn: SignInConfig;
}

/** Where traces and numbers go to. */
export interface TelemetryConfig {
  readonly otlp: boolean;
  readonly azureMonitor: string | undefined;
  /** Application Insights takes no key, but the app's identity. */
  readonly isByIdentity: boolean;
}

/** The settings cannot be used. The message has one line per problem and repeats no value that may be secret. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`the settings cannot be used:\n${problems.map((problem) => `  ${problem}`).join("\n")}`);
    this.problems = problems;
  }
}

/** Reads the settings from environment variables; an empty one counts as not set. Throws one ConfigError for all problems. */
export function parseConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const isSet = ([, value]: readonly [string, string | undefined]) => value !== undefined && value.trim() !== "";
  const set = Object.fromEntries([...proxiesInLowerCase(env), ...Object.entries(env)].filter(isSet));
  const { registries: registriesText, problems: fileProblems } = readRegistriesFile(set);
  const parsed = settingsSchema.safeParse({ ...set, REGISTRIES: registriesText });
  const isPlatformSignInOn = /^true$/i.test(set.WEBSITE_AUTH_ENABLED ?? "");
  const storage = toStorage(set);
  const cas = readCertificateAuthorities(parsed.data?.REGISTRIES ?? []);
  const caProblems = cas.problems.map((problem) => `REGISTRIES: ${problem}`);
  const problems = [...(storage === undefined ? [missingStorage] : []), ...issueLines(parsed.error), ...caProblems];
  problems.push(...fileProblems);
  if (parsed.success) {
    const namesSecrets = parsed.data.REGISTRIES.some(({ auth }) => auth.secret !== undefined);
    problems.push(...callerProblems(parsed.data, isPlatformSignInOn), ...signInProblems(parsed.data, namesSecrets));
  }
  if (storage === undefined || !parsed.success || problems.length > 0) throw new ConfigError(problems);
  const settings = parsed.data;
  const insecure = settings.REGISTRIES.filter((entry) => entry.insecure === true).map(({ host }) => host);
  const insecureHosts = [...new Set([...settings.INSECURE_HOSTS, ...insecure])];
  const registries = createRegistries(settings.REGISTRIES, settings.DEFAULT_TARGET);
  const listed = [...(settings.ALLOWED_SOURCES ?? []), ...(settings.ALLOWED_TARGETS ?? [])].filter(
    (entry) => !isWildcard(entry),
  );
  const own = settings.DEFAULT_TARGET === undefined ? [] : [settings.DEFAULT_TARGET];
  const armEndpoint = armEndpointOf(settings.ARM_ENDPOINT, settings.REGISTRY_SUFFIX);
  const arm = settings.ARM_ENDPOINT === undefined ? [] : [new URL(armEndpoint).host];
  const namedHosts = [
    ...new Set([...own, ...registries.exactHosts, ...listed, ...arm, ...settings.ALLOW_PRIVATE_HOSTS]),
  ];
  const ownQueues = ownQueueNames(settings.TABLE_PREFIX);
  const misplaced = sinkPlaceProblems(settings.EVENT_SINKS, { ownQueues, insecureHosts, namedHosts });
  if (misplaced.length > 0) throw new ConfigError(misplaced.map((problem) => `EVENT_SINKS: ${problem}`));
  return {
    storage,
    tablePrefix: settings.TABLE_PREFIX,
    defaultTarget: settings.DEFAULT_TARGET,
    registrySuffix: settings.REGISTRY_SUFFIX,
    armEndpoint,
    defaultTimeoutSeconds: settings.DEFAULT_TIMEOUT_SECONDS,
    registries,
    allow: {
      allowedSources: settings.ALLOWED_SOURCES,
      allowedTargets: settings.ALLOWED_TARGETS,
      defaultTarget: settings.DEFAULT_TARGET,
      namedHosts,
    },
    insecureHosts,
    allowPrivateHosts: settings.ALLOW_PRIVATE_HOSTS,
    namedHosts,
    certificateAuthorities: cas.authorities,
    proxies: {
      httpsProxy: settings.HTTPS_PROXY,
      httpProxy: settings.HTTP_PROXY,
      noProxy: settings.NO_PROXY,
    },
    secretsKeys: settings.SECRETS_KEY,
    largeBlobBytes: settings.LARGE_BLOB_BYTES,
    bufferBytes: settings.BUFFER_BYTES,
    activityBudgetSeconds: settings.ACTIVITY_BUDGET_SECONDS,
    connectionsPerHost: settings.CONNECTIONS_PER_HOST,
    requestsPerHost: settings.REQUESTS_PER_HOST,
    limitShares: settings.LIMIT_SHARES,
    telemetry: {
      otlp: set.OTEL_EXPORTER_OTLP_ENDPOINT !== undefined,
      azureMonitor: set.APPLICATIONINSIGHTS_CONNECTION_STRING,
      isByIdentity: /\bAuthorization=AAD\b/i.test(set.APPLICATIONINSIGHTS_AUTHENTICATION_STRING ?? ""),
    },
    retentionDays: settings.RETENTION_DAYS,
    stuckMinutes: settings.STUCK_MINUTES,
    events: {
      sinks: settings.EVENT_SINKS,
      source: settings.EVENT_SOURCE,
      retrySeconds: settings.EVENT_RETRY_SECONDS,
    },
    hookSecrets: settings.HOOK_SECRETS,
    signIn: toSignInConfig(settings, storage.kind === "identity" ? storage.clientId : undefined),
    callers: toCallerConfig(settings, isPlatformSignInOn),
  };
}

function whole(min: number, max: number) {
  const message = `expected a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^ *[0-9]{1,16} *$/, { error: message, abort: true })
    .transform(Number)
    .refine((value) => value >= min && value <= max, message)
    .meta({ values: `${min} to ${max}` });
}

const hostListSchema = (kind: "exact" | "pattern") =>
  hostListTextSchema(kind).meta({ values: kind === "exact" ? "hosts" : "hosts, `*.suffix`" });

const hostListTextSchema = (kind: "exact" | "pattern") =>
  z.string().transform((text, context): readonly HostPattern[] => {
    const entries = text.split(",").map((entry) => entry.trim());
    return entries
      .filter((entry) => entry !== "")
      .flatMap((entry) => {
        const pattern = parseHostPattern(entry);
        if (pattern !== undefined && (kind === "pattern" || !isWildcard(pattern))) return [pattern];
        context.addIssue(
          `"${entry}" is no host[:port]${kind === "pattern" ? " and no *.suffix" : ""}; entries are parted by commas`,
        );
        return [];
      });
  });

const hostSchema = z
  .string()
  .transform((text, context) => {
    const host = parseHostPattern(text);
    if (host !== undefined && !isWildcard(host)) return host;
    context.addIssue(`"${text}" is no host[:port]`);
    return z.NEVER;
  })
  .meta({ values: "a host" });

const registriesSchema = z
  .string()
  .transform((text, context) => {
    const { entries, problems } = parseRegistries(text, { profiles: profileNames, limits: Object.keys(limitPresets) });
    for (const problem of problems) context.addIssue(problem);
    return entries;
  })
  .meta({ values: "JSON" });

const hookSecretsSchema = z.string().transform((text, context): HookSecrets => {
  const { secrets, problems } = parseHookSecrets(text);
  for (const problem of problems) context.addIssue(problem);
  return secrets;
});

const keyBytes = 32;

/** `base64`, or `id:base64,id:base64` while keys are being changed. A key without id goes by its hash. */
const secretsKeySchema = z.string().transform((text, context): readonly SecretsKey[] => {
  const keys = text.split(",").flatMap((entry, at): SecretsKey[] => {
    const [, id, base64 = ""] = /^(?:([A-Za-z0-9_.-]{1,32}):)?([A-Za-z0-9+/]+={0,2})$/.exec(entry.trim()) ?? [];
    const key = new Uint8Array(Buffer.from(base64, "base64"));
    if (key.byteLength === keyBytes) return [{ id: id ?? keyIdOf(key), key }];
    context.addIssue(
      `key ${at + 1} is not base64 of ${keyBytes} bytes; make one with: openssl rand -base64 ${keyBytes}`,
    );
    return [];
  });
  if (new Set(keys.map(({ id }) => id)).size < keys.length) context.addIssue("two keys have the same id");
  return keys;
});

const storageKeys = {
  connectionString: "AzureWebJobsStorage",
  accountName: "AzureWebJobsStorage__accountName",
  tableServiceUri: "AzureWebJobsStorage__tableServiceUri",
  queueServiceUri: "AzureWebJobsStorage__queueServiceUri",
  clientId: "AzureWebJobsStorage__clientId",
} as const;

const serviceUriSchema = z.url({ protocol: /^https$/, error: "expected a URL with https" }).optional();

/** Of every setting, as text. What `meta` says of `values` is for docs/configuration.md. */
export const settingsSchema = z.object({
  [storageKeys.connectionString]: z
    .string()
    .regex(
      /^(UseDevelopmentStorage=true;?|(?=.*\bAccountName=).*|(?=.*\bTableEndpoint=).*)$/i,
      "is no connection string",
    )
    .optional(),
  [storageKeys.accountName]: z
    .string()
    .regex(/^[a-z0-9]{3,24}$/, "is no storage account name")
    .optional(),
  [storageKeys.tableServiceUri]: serviceUriSchema,
  [storageKeys.queueServiceUri]: serviceUriSchema,
  [storageKeys.clientId]: z.string().optional(),
  TABLE_PREFIX: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9]{0,19}$/, "expected at most 20 letters and digits, a letter first")
    .default(""),
  DEFAULT_TARGET: hostSchema.optional(),
  REGISTRY_SUFFIX: hostSchema.default("azurecr.io"),
  DEFAULT_TIMEOUT_SECONDS: whole(1, maxTimeoutSeconds).default(86_400),
  ALLOWED_TARGETS: hostListSchema("pattern").optional(),
  ALLOWED_SOURCES: hostListSchema("pattern").optional(),
  INSECURE_HOSTS: hostListSchema("exact").default([]),
  ALLOW_PRIVATE_HOSTS: hostListSchema("exact").default([]),
  REGISTRIES: registriesSchema.default([]),
  REGISTRIES_FILE: z.string().optional(),
  ...signInSettingsShape,
  ...proxySettings,
  SECRETS_KEY: secretsKeySchema.default([]),
  LARGE_BLOB_BYTES: whole(MiB, 2 ** 53 - 1).optional(),
  BUFFER_BYTES: whole(8 * MiB, 4_096 * MiB).default(96 * MiB),
  ACTIVITY_BUDGET_SECONDS: whole(5, 3_600).default(240),
  CONNECTIONS_PER_HOST: whole(1, 1_024).default(32),
  REQUESTS_PER_HOST: whole(1, 4_096).default(32),
  LIMIT_SHARES: whole(1, 1_000).default(1),
  RETENTION_DAYS: whole(0, 36_500).default(90),
  STUCK_MINUTES: whole(10, 10_080).default(60),
  ...eventSettings,
  HOOK_SECRETS: hookSecretsSchema.default({}),
  ...callerSettingsShape,
  ...armSettings,
});

export type SettingName = keyof typeof settingsSchema.shape;

/** The names of all settings; docs/configuration.md has a row for each. */
export const settingNames: readonly string[] = Object.keys(settingsSchema.shape);

const missingStorage = `${storageKeys.connectionString}: is missing; set it, or for access by identity ${storageKeys.accountName}, or ${storageKeys.tableServiceUri} and ${storageKeys.queueServiceUri}`;

/** What a sink must not fill: the app reads these itself. */
function ownQueueNames(prefix: string): readonly string[] {
  return Object.values(queueNames).map((name) => formatQueueName(prefix, name));
}

function toStorage(set: Readonly<Record<string, string | undefined>>): StorageConfig | undefined {
  const connectionString = set[storageKeys.connectionString];
  if (connectionString !== undefined) return { kind: "connectionString", connectionString };
  const tableUrl = serviceUrl(set, "table");
  const queueUrl = serviceUrl(set, "queue");
  if (tableUrl === undefined || queueUrl === undefined) return undefined;
  return { kind: "identity", tableUrl, queueUrl, clientId: set[storageKeys.clientId] };
}

/** As the Functions host has it: what names the service goes before the account's name, which is one of the public cloud. */
function serviceUrl(set: Readonly<Record<string, string | undefined>>, service: "table" | "queue"): string | undefined {
  const named = set[storageKeys[`${service}ServiceUri`]];
  if (named !== undefined) return named.replace(/\/+$/, "");
  const accountName = set[storageKeys.accountName];
  return accountName === undefined ? undefined : `https://${accountName}.${service}.core.windows.net`;
}

function issueLines(error: z.ZodError | undefined): readonly string[] {
  return (error?.issues ?? []).map(({ path, message }) => `${path.join(".")}: ${message}`);
}

function keyIdOf(key: Uint8Array): string {
  return createHash("sha256").update(key).digest("hex").slice(0, 8);
}
