import { Command, CommanderError } from "commander";
import packageJson from "../../package.json" with { type: "json" };
import { printable } from "../printable.ts";
import { CliError } from "./cli-error.ts";
import type { CliIo } from "./cli-io.ts";
import { addCancelCommand } from "./commands/cancel.ts";
import { addGlobalOptions } from "./commands/command-deps.ts";
import { addImportCommand } from "./commands/import.ts";
import { addListCommand } from "./commands/list.ts";
import { addLoginCheckCommand } from "./commands/login-check.ts";
import { addPoisonCommand } from "./commands/poison.ts";
import { addPromoteCommand } from "./commands/promote.ts";
import { addPromotionsCommand } from "./commands/promotions.ts";
import { addRetryCommand } from "./commands/retry.ts";
import { addRulesCommand } from "./commands/rules.ts";
import { addSchedulesCommand } from "./commands/schedules.ts";
import { addShowCommand } from "./commands/show.ts";
import { addVerifyCommand } from "./commands/verify.ts";
import { type ExitCode, exitCodes, exitCodesHelp } from "./exit-codes.ts";
import { Interrupted } from "./follow.ts";

/** Runs `drayage` with the arguments after the program's name, and answers its exit code. */
export async function runProgram(args: readonly string[], io: CliIo): Promise<ExitCode> {
  let exitCode: ExitCode = exitCodes.done;
  const program = createProgram(io, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(args, { from: "user" });
    return exitCode;
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? exitCodes.done : exitCodes.usage; // it has been printed
    if (thrown instanceof Interrupted) {
      io.stderr.write("Interrupted before the service answered.\n");
      return exitCodes.interrupted;
    }
    if (!(thrown instanceof CliError)) throw thrown; // a bug: the stack helps
    io.stderr.write(formatCliError(thrown));
    return thrown.exitCode;
  }
}

function createProgram(io: CliIo, finish: (exitCode: ExitCode) => void): Command {
  const program = new Command("drayage")
    .description("Imports container images and other OCI artifacts into a registry: client of the Drayage service.")
    .version(packageJson.version, "--version", "print the version of this client")
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: io.stdout.write,
      writeErr: io.stderr.write,
      getOutHelpWidth: io.stdout.columns,
      getErrHelpWidth: io.stderr.columns,
    })
    .exitOverride()
    .showHelpAfterError("(--help lists what can be given)")
    .addHelpText("afterAll", exitCodesHelp);
  addGlobalOptions(program);
  const deps = { io, finish };
  addImportCommand(program, deps);
  addShowCommand(program, deps);
  addListCommand(program, deps);
  addCancelCommand(program, deps);
  addRetryCommand(program, deps);
  addVerifyCommand(program, deps);
  addPromoteCommand(program, deps);
  addPromotionsCommand(program, deps);
  addRulesCommand(program, deps);
  addSchedulesCommand(program, deps);
  addPoisonCommand(program, deps);
  addLoginCheckCommand(program, deps);
  return program;
}

function formatCliError(error: CliError): string {
  const lines = [`error: ${error.message}`, ...error.details.map((detail) => `       ${detail}`)];
  const { code, httpStatus, hint, correlationId } = error;
  if (httpStatus !== undefined) lines.push(`  code: ${code ?? "none"} (HTTP ${httpStatus})`);
  if (hint !== undefined && !error.message.includes(hint)) lines.push(`  hint: ${hint}`);
  if (correlationId !== undefined) lines.push(`  correlation id: ${correlationId}`);
  return lines.map((line) => `${printable(line)}\n`).join("");
}
