import type { Command } from "commander";
import type { VerifyRequest } from "../../domain/verify-request.ts";
import { definedOnly } from "../../errors.ts";
import { dryRunMs, readAnswer, type SendCall } from "../api-call.ts";
import { CliError, withExitCode } from "../cli-error.ts";
import { exitCodes } from "../exit-codes.ts";
import { formatVerification } from "../format-verification.ts";
import type { SourceCredentials } from "../import-request.ts";
import { collectList } from "../option-parsers.ts";
import { printJson } from "../print-json.ts";
import { type CredentialFlags, readCredentials } from "../source-credentials.ts";
import { type VerificationRecord, verificationSchema } from "../verification-record.ts";
import { addCredentialOptions, type CommandDeps, openService } from "./command-deps.ts";

interface Flags extends CredentialFlags {
  readonly against: string;
  readonly platform?: string[];
  readonly full?: true;
  readonly referrers?: true;
  readonly json?: true;
}

const examples = `
Examples:
  drayage verify docker.io/library/alpine:3.20 --against prod.azurecr.io/alpine:3.20
  drayage verify dev.azurecr.io/team/app:1.4 --against prod.azurecr.io/team/app:1.4 --full --referrers`;

/** `drayage verify REF --against REF`: whether two images are the same, by exit code. */
export function addVerifyCommand(program: Command, { io, finish }: CommandDeps): void {
  const command = program
    .command("verify")
    .description("compare two images or artifacts to their last blob")
    .argument("<reference>", "the source: host/repository[:tag][@digest]; credentials are for this one")
    .requiredOption("--against <reference>", "the target, which is to be the same")
    .option("--full", "read every blob on both sides and hash it")
    .option(
      "--platform <os/arch[/variant]>",
      "compare this platform only; repeatable, or a list with commas",
      collectList,
    )
    .option("--referrers", "compare signatures, SBOMs and attestations too");
  addCredentialOptions(command)
    .option("--json", "print what was found as JSON")
    .addHelpText("after", examples)
    .action(async (reference: string, flags: Flags, self: Command) => {
      const request = toRequest(reference, flags, await readCredentials(flags, io));
      const record = await compare(openService(self, io), request, io.interrupted);
      if (flags.json) printJson(io, record);
      else io.stdout.write(formatVerification(record));
      finish(record.same ? exitCodes.done : exitCodes.importFailed);
    });
}

function toRequest(
  reference: string,
  { against, platform, full, referrers }: Flags,
  credentials: SourceCredentials | undefined,
): VerifyRequest {
  return {
    source: credentials === undefined ? reference : { sourceImage: reference, credentials },
    target: against,
    ...definedOnly({ platforms: platform, full, referrers }),
  };
}

/** Throws with an exit code of its own what says nothing about the images: 1 means that they differ. */
async function compare(send: SendCall, body: VerifyRequest, signal: AbortSignal): Promise<VerificationRecord> {
  try {
    const answer = await send({ method: "POST", path: "/api/verify", body, timeoutMs: dryRunMs }, signal);
    return readAnswer(verificationSchema, answer);
  } catch (thrown) {
    if (!(thrown instanceof CliError)) throw thrown;
    const isOfImages = thrown.exitCode === exitCodes.importFailed || thrown.code === "DEADLINE_EXCEEDED";
    throw isOfImages ? withExitCode(thrown, exitCodes.notCompared) : thrown;
  }
}
