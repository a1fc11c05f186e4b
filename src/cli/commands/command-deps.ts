import { type Command, Option } from "commander";
import { createSendCall, parseEndpoint, type SendCall } from "../api-call.ts";
import { type ApiClient, createApiClient } from "../api-client.ts";
import type { CliIo } from "../cli-io.ts";
import type { ExitCode } from "../exit-codes.ts";
import { parseSeconds } from "../option-parsers.ts";

export interface CommandDeps {
  readonly io: CliIo;
  /** Says how the command ended; called once. */
  readonly finish: (exitCode: ExitCode) => void;
}

/** Options of every command. */
export function addGlobalOptions(program: Command): void {
  program
    .addOption(
      new Option("--endpoint <url>", "address of the service").env("DRAYAGE_ENDPOINT").default("http://127.0.0.1:7071"),
    )
    .addOption(
      new Option("--key <key>", "function key of the service; better given by the variable").env("DRAYAGE_KEY"),
    )
    .addOption(
      new Option(
        "--token <token>",
        "token for the platform's sign-in before the service; better given by the variable",
      ).env("DRAYAGE_TOKEN"),
    );
}

/** Sends requests to the service that the global options name. */
export function openService(command: Command, io: CliIo): SendCall {
  const { endpoint, key, token } = command.optsWithGlobals<{ endpoint: string; key?: string; token?: string }>();
  const given = (text: string | undefined) => (text === "" ? undefined : text);
  return createSendCall({
    ...{ fetch: io.fetch, endpoint: parseEndpoint(endpoint) },
    ...{ key: given(key), token: given(token) },
  });
}

/** Client for the imports of the service that the global options name. */
export function openClient(command: Command, io: CliIo): ApiClient {
  return createApiClient(openService(command, io));
}

/** `--wait SECONDS` and `--no-wait` share one value: a number, false, or undefined for "until it ends". */
export interface WaitFlags {
  readonly wait?: number | false;
}

/** Adds `--no-wait` and `--wait`; giving both is an error. */
export function addWaitOptions(command: Command, noun: "import" | "promotion"): Command {
  const given = new Set<string>();
  const refuseBoth = (flag: string) => {
    given.add(flag);
    if (given.size > 1) command.error("error: --wait and --no-wait contradict each other");
  };
  return command
    .option("--wait <seconds>", `follow the ${noun} so long at most (default: until it ends)`, parseSeconds)
    .option("--no-wait", `only start the ${noun}, do not follow it`)
    .on("option:wait", () => refuseBoth("wait"))
    .on("option:no-wait", () => refuseBoth("no-wait"));
}

/** Adds `--json` and `--junit` of a promotion that is followed. */
export function addPromotionOutputs(command: Command): Command {
  return command
    .option("--json", "print the promotion with its failed images as JSON and nothing else on standard output")
    .option("--junit <path>", "write a JUnit XML file, a test case per image");
}

/** Adds the three options of source credentials. */
export function addCredentialOptions(command: Command): Command {
  return command
    .option("-u, --username <name>", "user name at the source registry; given together with a password")
    .addOption(
      new Option(
        "-p, --password <password>",
        "password at the source; without --username an Entra access token or an identity token; others can see it in the process list",
      ).conflicts("passwordStdin"),
    )
    .option("--password-stdin", "read the password from standard input");
}
