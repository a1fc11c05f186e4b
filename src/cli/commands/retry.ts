import type { Command } from "commander";
import { startAndFollow } from "../follow-command.ts";
import { createFollowedImport } from "../follow-import.ts";
import { postRetry } from "../repeat-post.ts";
import { type CredentialFlags, readCredentials } from "../source-credentials.ts";
import { addCredentialOptions, addWaitOptions, type CommandDeps, openClient, type WaitFlags } from "./command-deps.ts";

interface Flags extends CredentialFlags, WaitFlags {
  readonly resolve?: true;
  readonly json?: true;
}

/** `drayage retry ID`: runs a failed or cancelled import again; what is at the target already is not copied again. */
export function addRetryCommand(program: Command, { io, finish }: CommandDeps): void {
  const command = program
    .command("retry")
    .description("run a failed or cancelled import again and follow it")
    .argument("<id>", "id of the import")
    .option("--resolve", "look up the source tag again (default: the digest it had at first)");
  addCredentialOptions(command);
  addWaitOptions(command, "import")
    .option("--json", "print the final record as JSON and nothing else on standard output")
    .action(async (id: string, flags: Flags, self: Command) => {
      const client = openClient(self, io);
      const credentials = await readCredentials(flags, io);
      const brought = credentials === undefined ? "none" : "brought"; // without them it would be refused, had it had any
      const followed = createFollowedImport({ client, io, credentials: brought });
      const reference = flags.resolve ? "resolve-again" : "as-resolved";
      const settings = { wait: flags.wait, format: flags.json ? "json" : "text" } as const;
      finish(
        await startAndFollow(io, followed, settings, ({ note }) =>
          postRetry(
            { io, note },
            {
              noun: "import",
              send: (signal) => client.retryImport(id, { reference, credentials }, signal),
              look: (signal) => client.getImport(id, undefined, signal),
              attemptOf: ({ record }) => record?.attempt,
            },
          ),
        ),
      );
    });
}
