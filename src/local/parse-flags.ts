import { type ParseArgsConfig, parseArgs } from "node:util";

/** The flags of a command; ends the process with what is wrong, the usage and exit code 2 where they cannot be read. */
export function parseFlags<const T extends ParseArgsConfig>(config: T, usage: string): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (thrown) {
    if (!(thrown instanceof TypeError)) throw thrown; // what parseArgs throws at the flags
    console.error(`error: ${thrown.message}\n\n${usage}`);
    process.exit(2);
  }
}

/** Whether a server could not start since another one listens on its port. */
export function isPortTaken(thrown: unknown): boolean {
  return thrown instanceof Error && "code" in thrown && thrown.code === "EADDRINUSE";
}
