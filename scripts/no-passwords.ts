import { parse } from "yaml";
import { z } from "zod";

const entriesSchema = z.array(
  z.looseObject({ host: z.string().optional(), auth: z.looseObject({ password: z.unknown().optional() }).optional() }),
);

/** Throws where entries of a registries.yaml hold passwords: whoever can read a package would have them. Names the entries. */
export function assertNoPasswords(yaml: string): void {
  const entries = entriesSchema.safeParse(read(yaml));
  if (!entries.success) throw new Error("registries.yaml is no list of entries");
  const named = entries.data.flatMap(({ host, auth }, at) =>
    auth?.password === undefined ? [] : [`entry ${at + 1}${host === undefined ? "" : ` (${host})`}`],
  );
  if (named.length === 0) return;
  throw new Error(
    `registries.yaml would go into the package with passwords in the clear: ${named.join(", ")}; put each into the Key Vault and give its name there as auth.secret in place of auth.password`,
  );
}

function read(yaml: string): unknown {
  try {
    return parse(yaml) ?? [];
  } catch {
    throw new Error("registries.yaml is no YAML"); // the parser's own words would show what stands there
  }
}
