import { scrub } from "../errors.ts";

/** One line where a decision is taken: a short event name and a few fields; never an input, a header or a URL. */
export type Log = (event: string, fields: Readonly<Record<string, unknown>>) => void;

/** Writes lines of JSON. Texts are scrubbed one by one: in the finished line, quotes would count as part of a secret. */
export function createLog(write: (line: string) => void): Log {
  const scrubbed = (_name: string, value: unknown) => (typeof value === "string" ? scrub(value) : value);
  return (event, fields) => write(`${JSON.stringify({ event, ...fields }, scrubbed)}\n`);
}
