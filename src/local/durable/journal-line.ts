import { crc32 } from "node:zlib";
import { type JournalRecord, recordSchema } from "./records.ts";

const checksumChars = 8;

/** A record as a line: checksum, blank, JSON. */
export function formatLine(record: JournalRecord): string {
  const json = JSON.stringify(record);
  return `${checksum(json)} ${json}\n`;
}

export interface ParsedJournal {
  readonly records: readonly JournalRecord[];
  /** Bytes that the whole lines take. What follows was torn off by a crash. */
  readonly validBytes: number;
}

/** Reads lines up to the first that is not whole: a crash tears the end of the file, at any byte. */
export function parseJournal(content: Buffer): ParsedJournal {
  const records: JournalRecord[] = [];
  let validBytes = 0;
  for (;;) {
    const end = content.indexOf("\n", validBytes);
    const record = end < 0 ? undefined : parseLine(content.toString("utf8", validBytes, end));
    if (!record) return { records, validBytes };
    records.push(record);
    validBytes = end + 1;
  }
}

function parseLine(line: string): JournalRecord | undefined {
  const json = line.slice(checksumChars + 1);
  if (line.slice(0, checksumChars) !== checksum(json)) return undefined;
  return recordSchema.parse(JSON.parse(json)); // whole but of another shape: written by another version, and no tear
}

function checksum(json: string): string {
  return crc32(json).toString(16).padStart(checksumChars, "0");
}
