import { printableJson } from "../printable.ts";
import type { CliIo } from "./cli-io.ts";

export type OutputFormat = "text" | "json";

/** The value as indented JSON on standard output. */
export function printJson(io: Pick<CliIo, "stdout">, value: unknown): void {
  io.stdout.write(`${printableJson(JSON.stringify(value, null, 2))}\n`);
}
