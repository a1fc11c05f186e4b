import { definedOnly } from "../errors.ts";
import type { CliIo } from "./cli-io.ts";
import { type SourceCredentials, usage } from "./import-request.ts";

export interface CredentialFlags {
  readonly username?: string;
  readonly password?: string;
  readonly passwordStdin?: true;
}

/** The credentials that the flags give, the password read from standard input if they say so. */
export async function readCredentials(flags: CredentialFlags, io: CliIo): Promise<SourceCredentials | undefined> {
  if (flags.password !== undefined) {
    if (flags.password === "") throw usage("--password is empty");
    io.stderr.write(
      "warning: --password can be seen in the process list and the shell's history; use --password-stdin\n",
    );
    return { password: flags.password, ...definedOnly({ username: flags.username }) };
  }
  if (flags.passwordStdin) {
    const password = (await io.readStdin()).replace(/\r?\n$/, ""); // the newline that echo adds
    if (password === "") throw usage("--password-stdin: standard input is empty");
    return { password, ...definedOnly({ username: flags.username }) };
  }
  if (flags.username !== undefined) throw usage("--username needs --password or --password-stdin");
  return undefined;
}
