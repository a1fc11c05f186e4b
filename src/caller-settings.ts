import { z } from "zod";

/** Who may call: the API by what it takes for a sign-in, and the routes that check their callers themselves. */
export interface CallerConfig {
  /** Whether the API's routes want a function key, or a caller whom the platform has signed in. */
  readonly apiSignIn: "key" | "platform";
  /** Keys that are good for the routes that check their callers themselves. */
  readonly apiKeys: readonly string[];
  /** The platform has checked who calls, and says so in a header that it lets nobody else send. */
  readonly isPlatformSignInOn: boolean;
  /** Undefined: no tokens are taken. */
  readonly entra: EntraConfig | undefined;
  readonly rights: CallerRights;
}

/** Whose tokens are good. */
export interface EntraConfig {
  readonly tenantId: string;
  /** e.g. `https://login.microsoftonline.com`, without a trailing slash. */
  readonly authority: string;
  readonly audiences: readonly string[];
}

/** One of the two makes a caller welcome; neither set: whoever the platform's own sign-in lets in. */
export interface CallerRights {
  /** Object ids, and application ids of apps that call for themselves; in lower case. */
  readonly allowedPrincipals: readonly string[];
  readonly appRole: string | undefined;
}

const minKeyChars = 20;
const guidPattern = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;

const listed = (text: string) =>
  text
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");

const guidSchema = z.string().transform((text, context) => {
  const id = text.trim().toLowerCase();
  if (guidPattern.test(id)) return id;
  context.addIssue("expected an id such as 11111111-2222-3333-4444-555555555555");
  return z.NEVER;
});

/** Https, or plain http on this machine: keys that come over plain http are anybody's. */
const authoritySchema = z.string().transform((text, context) => {
  const url = URL.canParse(text.trim()) ? new URL(text.trim()) : undefined;
  const isOwnMachine = url?.protocol === "http:" && ["localhost", "127.0.0.1", "[::1]"].includes(url.hostname);
  if (url !== undefined && (url.protocol === "https:" || isOwnMachine) && url.pathname === "/" && url.search === "")
    return url.origin;
  context.addIssue("expected https://host");
  return z.NEVER;
});

/** The audiences of Azure's own resource manager: what the Azure CLI and the SDKs ask for without being told otherwise. */
const armAudiences = "https://management.azure.com,https://management.core.windows.net";

/** The settings about callers, as a part of all settings. */
export const callerSettingsShape = {
  API_SIGN_IN: z
    .enum(["key", "platform"], "expected key or platform")
    .meta({ values: "`key`, `platform`" })
    .default("key"),
  API_KEYS: z
    .string()
    .transform((text, context) => {
      const keys = listed(text);
      keys.forEach((key, at) => {
        if (key.length < minKeyChars) context.addIssue(`key ${at + 1} has fewer than ${minKeyChars} characters`);
      });
      return keys;
    })
    .default([]),
  ARM_TENANT_ID: guidSchema.optional(),
  ARM_AUTHORITY: authoritySchema.default("https://login.microsoftonline.com"),
  ARM_AUDIENCES: z.string().default(armAudiences).transform(listed),
  ARM_ALLOWED_PRINCIPALS: z
    .string()
    .transform((text, context) => {
      const ids = listed(text).map((id) => id.toLowerCase());
      for (const id of ids)
        if (!guidPattern.test(id)) context.addIssue(`"${id}" is no object id and no application id`);
      return ids;
    })
    .default([]),
  ARM_APP_ROLE: z.string().optional(),
};

/** The settings of {@link callerSettingsShape}, read. */
export type CallerSettings = z.infer<z.ZodObject<typeof callerSettingsShape>>;

/** `isPlatformSignInOn`: what the platform's own variable WEBSITE_AUTH_ENABLED says. */
export function toCallerConfig(settings: CallerSettings, isPlatformSignInOn: boolean): CallerConfig {
  const tenantId = settings.ARM_TENANT_ID;
  return {
    apiSignIn: settings.API_SIGN_IN,
    apiKeys: settings.API_KEYS,
    isPlatformSignInOn,
    entra:
      tenantId === undefined
        ? undefined
        : {
            tenantId,
            authority: settings.ARM_AUTHORITY,
            audiences: settings.ARM_AUDIENCES.flatMap(withAndWithoutSlash),
          },
    rights: { allowedPrincipals: settings.ARM_ALLOWED_PRINCIPALS, appRole: settings.ARM_APP_ROLE?.trim() },
  };
}

/**
 * What is wrong with settings that are right one by one. Without the platform's sign-in its headers are anybody's, and
 * API_SIGN_IN=platform would open the API to everybody.
 */
export function callerProblems(settings: CallerSettings, isPlatformSignInOn: boolean): readonly string[] {
  const { API_SIGN_IN, ARM_TENANT_ID, ARM_ALLOWED_PRINCIPALS, ARM_APP_ROLE } = settings;
  const isOpen = ARM_TENANT_ID !== undefined && ARM_ALLOWED_PRINCIPALS.length === 0 && ARM_APP_ROLE === undefined;
  return [
    ...(isOpen ? ["ARM_TENANT_ID: needs ARM_ALLOWED_PRINCIPALS or ARM_APP_ROLE: a whole tenant is not let in"] : []),
    ...(API_SIGN_IN === "platform" && !isPlatformSignInOn
      ? ["API_SIGN_IN: platform needs App Service authentication, which is off: switch it on for the app, or set key"]
      : []),
  ];
}

function withAndWithoutSlash(audience: string): readonly string[] {
  const bare = audience.replace(/\/+$/, "");
  return audience.includes("://") ? [bare, `${bare}/`] : [audience];
}
