import { z } from "zod";
import { type HookKind, hookKindSchema, hookKinds } from "./hook-kinds.ts";

/** The secrets of the setting HOOK_SECRETS: several of one kind while they are being changed. */
export type HookSecrets = Readonly<Partial<Record<HookKind, readonly string[]>>>;

const minChars = 16;
const secretSchema = z.string();
const jsonSchema = z.record(z.string(), z.union([secretSchema.transform((secret) => [secret]), z.array(secretSchema)]));

/** Reads `kind:secret,kind:secret` or `{"kind":"secret"}`. Problems name the kind and never repeat a secret. */
export function parseHookSecrets(text: string): {
  readonly secrets: HookSecrets;
  readonly problems: readonly string[];
} {
  const pairs = text.trim().startsWith("{") ? readJson(text) : readList(text);
  if (pairs === undefined) return { secrets: {}, problems: ["expected kind:secret,… or a JSON object of texts"] };
  const secrets: Partial<Record<HookKind, readonly string[]>> = {};
  const problems: string[] = [];
  for (const [at, [name, secret]] of pairs.entries()) {
    const kind = hookKindSchema.safeParse(name);
    if (!kind.success) problems.push(`entry ${at + 1} is of none of the kinds ${hookKinds.join(", ")}`);
    else if (secret.length < minChars)
      problems.push(
        `the secret of ${kind.data} has fewer than ${minChars} characters; make one with: openssl rand -hex 24`,
      );
    else if (!/^[\x21-\x7e]+$/.test(secret)) problems.push(`the secret of ${kind.data} holds what no header can`);
    else secrets[kind.data] = [...(secrets[kind.data] ?? []), secret];
  }
  return { secrets, problems };
}

function readJson(text: string): readonly (readonly [string, string])[] | undefined {
  try {
    const parsed = jsonSchema.safeParse(JSON.parse(text));
    if (!parsed.success) return undefined;
    return Object.entries(parsed.data).flatMap(([kind, secrets]) => secrets.map((secret) => [kind, secret] as const));
  } catch {
    return undefined; // the parser's own words would repeat the secrets
  }
}

function readList(text: string): readonly (readonly [string, string])[] {
  return text.split(",").map((entry) => {
    const colon = entry.indexOf(":");
    return [entry.slice(0, Math.max(0, colon)).trim(), entry.slice(colon + 1).trim()] as const;
  });
}
