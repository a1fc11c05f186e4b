import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { parseHostPattern } from "./domain/host-pattern.ts";
import type { SourceSecret } from "./domain/source-secrets.ts";

/** How the service comes by credentials. */
export interface SignInConfig {
  /** Undefined: no setting and no request can name a secret. */
  readonly keyVaultUrl: string | undefined;
  /** Secrets that requests may name, each with the hosts that it may be shown to. */
  readonly sourceSecrets: readonly SourceSecret[];
  /** Of the app's own identity, where a registry's entry names no other. */
  readonly clientId: string | undefined;
  /** A token that the platform (Kubernetes) puts into a file, in place of a managed identity. */
  readonly workloadIdentity: WorkloadIdentity | undefined;
}

export interface WorkloadIdentity {
  readonly tenantId: string;
  readonly clientId: string;
  readonly tokenFilePath: string;
}

const vaultUrlSchema = z.string().transform((text, context) => {
  const url = URL.parse(text.trim());
  if (url?.protocol === "https:" && url.pathname === "/" && url.search === "") return url.origin;
  context.addIssue("expected https://NAME.vault.azure.net");
  return z.NEVER;
});

const sourceSecretsSchema = z.string().transform((text, context): readonly SourceSecret[] =>
  text
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "")
    .flatMap((entry) => {
      const [, name, at] = /^([0-9A-Za-z-]{1,127})@(.+)$/.exec(entry) ?? [];
      const host = at === undefined ? undefined : parseHostPattern(at);
      if (name !== undefined && host !== undefined) return [{ name, host }];
      context.addIssue(`"${entry}" is no secret@host[:port] and no secret@*.suffix; entries are parted by commas`);
      return [];
    }),
);

/** The settings about signing in, as a part of all settings. */
export const signInSettingsShape = {
  KEY_VAULT_URL: vaultUrlSchema.optional(),
  SOURCE_SECRETS: sourceSecretsSchema.default([]),
  AZURE_CLIENT_ID: z.string().optional(),
  AZURE_TENANT_ID: z.string().optional(),
  AZURE_FEDERATED_TOKEN_FILE: z.string().optional(),
};

/** The settings of {@link signInSettingsShape}, read. */
export type SignInSettings = z.infer<z.ZodObject<typeof signInSettingsShape>>;

/** `storageClientId`: of the identity that the storage account is reached with. */
export function toSignInConfig(settings: SignInSettings, storageClientId: string | undefined): SignInConfig {
  const { AZURE_CLIENT_ID: clientId, AZURE_TENANT_ID: tenantId, AZURE_FEDERATED_TOKEN_FILE: tokenFilePath } = settings;
  const isComplete = clientId !== undefined && tenantId !== undefined && tokenFilePath !== undefined;
  return {
    keyVaultUrl: settings.KEY_VAULT_URL,
    sourceSecrets: settings.SOURCE_SECRETS,
    clientId: storageClientId ?? clientId,
    workloadIdentity: isComplete ? { tenantId, clientId, tokenFilePath } : undefined,
  };
}

/** What is wrong with settings that are right one by one. `namesSecrets`: an entry of REGISTRIES has a `secret`. */
export function signInProblems(settings: SignInSettings, namesSecrets: boolean): readonly string[] {
  if (settings.KEY_VAULT_URL !== undefined) return [];
  return [
    ...(namesSecrets ? ["REGISTRIES: auth secret needs KEY_VAULT_URL"] : []),
    ...(settings.SOURCE_SECRETS.length > 0 ? ["SOURCE_SECRETS: needs KEY_VAULT_URL"] : []),
  ];
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The setting that names the file beside the app, where one is there and nothing else is said. */
export function withRegistriesFile(env: Environment, appDirectory: string): Environment {
  if (env.REGISTRIES_FILE?.trim()) return env;
  const path = join(appDirectory, "registries.yaml");
  return existsSync(path) ? { ...env, REGISTRIES_FILE: path } : env;
}

/**
 * What REGISTRIES is to be read from: the file of REGISTRIES_FILE as the JSON that the setting has. A file that cannot
 * be read, or a setting with entries besides it, is a problem.
 */
export function readRegistriesFile({ REGISTRIES, REGISTRIES_FILE: path }: Environment): {
  readonly registries?: string;
  readonly problems: readonly string[];
} {
  if (path === undefined) return { ...(REGISTRIES === undefined ? {} : { registries: REGISTRIES }), problems: [] };
  if (REGISTRIES !== undefined && !/^\s*(\[\s*\]\s*)?$/.test(REGISTRIES)) return { problems: [twoLists(path)] };
  try {
    const entries: unknown = parse(readFileSync(path, "utf8")) ?? [];
    return { registries: JSON.stringify(entries), problems: [] };
  } catch (thrown) {
    return { problems: [`REGISTRIES_FILE: ${path} ${reasonOf(thrown)}`] };
  }
}

function twoLists(path: string): string {
  const places = "the environment, local.settings.json or the app's settings in Azure";
  return `REGISTRIES: is set in ${places}, and ${path} is there: keep one of the two`;
}

/** Where the fault is, and not what stands there: that may be a password. */
function reasonOf(thrown: unknown): string {
  if (thrown instanceof Error && "linePos" in thrown) {
    const at = linesSchema.safeParse(thrown.linePos).data?.[0].line;
    return `is no YAML${at === undefined ? "" : `: see line ${at}`}`;
  }
  return "cannot be read";
}

const linesSchema = z.tuple([z.object({ line: z.number() })]).rest(z.unknown());
