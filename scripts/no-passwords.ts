import { parse } from "yaml";
import { z } from "zod";

const entriesSchema = z.array(
  z.looseObject({ host: z.string().optional(), auth: z.looseObject({ password: z.unknown().optional() }).optional() }),
);

/** Says why a registries.yaml does not go into the package, for whoever wants to make one: no fault of the script. */
export class RegistriesRefused extends Error {
  override readonly name = "RegistriesRefused";
}

/** Throws {@link RegistriesRefused} where entries of a registries.yaml hold passwords: whoever can read a package would have them. Names the entries. */
export function assertNoPasswords(yaml: string): void {
  const entries = entriesSchema.safeParse(read(yaml));
  if (!entries.success) throw new RegistriesRefused("registries.yaml is no list of entries");
  const named = entries.data.flatMap(({ host, auth }, at) =>
    auth?.password === undefined ? [] : [`entry ${at + 1}${host === undefined ? "" : ` (${host})`}`],
  );
  if (named.length === 0) return;
  throw new RegistriesRefused(
    `registries.yaml would go into the package with passwords in the clear: ${named.join(", ")}; put each into the Key Vault and give its name there as auth.secret in place of auth.password, or move the file away`,
  );
}

function read(yaml: string): unknown {
  try {
    return parse(yaml) ?? [];
  } catch {
    throw new RegistriesRefused("registries.yaml is no YAML"); // the parser's own words would show what stands there
  }
}
