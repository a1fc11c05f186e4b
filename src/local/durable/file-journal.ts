import { type FileHandle, mkdir, open, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Journal } from "./journal.ts";
import { formatLine, parseJournal } from "./journal-line.ts";
import type { JournalRecord } from "./records.ts";

export interface FileJournalOptions {
  /** Folder of the journal; made if it is missing. One process at a time may use it. */
  readonly directory: string;
  /** Rewritten as a snapshot once it has grown by this much and at least doubled. */
  readonly compactAfterBytes: number;
  /** How long a record that nobody waits for may stay in memory. */
  readonly lazyMs: number;
  readonly warn: (message: string) => void;
}

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/** A journal in one file: checksummed lines, written and synced in groups, rewritten at start and when large. */
export function createFileJournal(options: FileJournalOptions): Journal {
  const { directory, compactAfterBytes, lazyMs, warn } = options;
  const path = join(directory, "journal.jsonl");
  const lockPath = join(directory, "journal.lock");
  let file: FileHandle | undefined;
  let takeSnapshot: (() => readonly JournalRecord[]) | undefined;
  let lines: string[] = [];
  let waiters: Waiter[] = [];
  let sizeBytes = 0;
  let compactAtBytes = Number.POSITIVE_INFINITY;
  let writing: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let broken: unknown;

  /** Starts writing unless it is under way: a running write takes along what has come in the meantime. */
  function startWriting(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    writing ??= writeAll().finally(() => {
      writing = undefined;
    });
    return writing;
  }

  async function writeAll(): Promise<void> {
    while ((lines.length > 0 || waiters.length > 0) && broken === undefined) {
      const group = lines.join("");
      const waiting = waiters;
      lines = [];
      waiters = [];
      try {
        await persist(group);
        for (const { resolve } of waiting) resolve();
      } catch (error) {
        breakOff(error, waiting);
      }
    }
  }

  async function persist(group: string): Promise<void> {
    if (takeSnapshot && sizeBytes + group.length > compactAtBytes) await compact(takeSnapshot());
    else if (group !== "") await write(group);
  }

  /** A record is missing from here on: nothing more may be written or promised. */
  function breakOff(error: unknown, waiting: readonly Waiter[]): void {
    broken = error;
    warn(`the journal cannot be written: ${String(error)}`);
    for (const { reject } of [...waiting, ...waiters]) reject(error);
    waiters = [];
  }

  async function write(group: string): Promise<void> {
    const bytes = Buffer.from(group);
    let offset = 0;
    while (offset < bytes.length) {
      const { bytesWritten } = await opened(file).write(bytes, offset, bytes.length - offset, sizeBytes + offset);
      offset += bytesWritten;
    }
    await opened(file).datasync();
    sizeBytes += bytes.length;
  }

  /** The snapshot holds whatever was appended before it was taken; the old file counts until the new one is whole. */
  async function compact(records: readonly JournalRecord[]): Promise<void> {
    const temporary = `${path}.new`;
    const next = await open(temporary, "w");
    const content = Buffer.from(records.map(formatLine).join(""));
    await next.writeFile(content);
    await next.datasync();
    await rename(temporary, path);
    await syncDirectory(directory);
    await file?.close();
    file = next;
    sizeBytes = content.length;
    compactAtBytes = Math.max(2 * sizeBytes, sizeBytes + compactAfterBytes);
  }

  return {
    async open() {
      await mkdir(directory, { recursive: true });
      await takeLock(lockPath);
      const content = await readFile(path).catch(emptyIfMissing);
      const { records, validBytes } = parseJournal(content);
      if (validBytes < content.length) warn(`cut a torn tail of ${content.length - validBytes} bytes off ${path}`);
      return records;
    },
    async begin(snapshot) {
      takeSnapshot = snapshot;
      await compact(snapshot());
    },
    append(record) {
      lines.push(formatLine(record));
      if (writing === undefined) timer ??= setTimeout(() => startWriting().catch(() => {}), lazyMs);
    },
    flushed() {
      if (broken !== undefined) return Promise.reject(broken);
      if (lines.length === 0 && writing === undefined) return Promise.resolve();
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      waiters.push({ resolve, reject });
      startWriting().catch(() => {}); // reported to the waiters
      return promise;
    },
    async close() {
      await startWriting();
      clearTimeout(timer);
      await file?.close();
      file = undefined;
      await rm(lockPath, { force: true });
    },
  };
}

function opened(file: FileHandle | undefined): FileHandle {
  if (!file) throw new Error("the journal is not open");
  return file;
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function emptyIfMissing(error: unknown): Buffer {
  if (error instanceof Error && "code" in error && error.code === "ENOENT") return Buffer.alloc(0);
  throw error;
}

/** Two processes on one journal would overwrite each other's lines. A lock whose process is gone counts for nothing. */
/** Another process has the journal open. */
export class JournalInUse extends Error {
  override readonly name = "JournalInUse";
}

async function takeLock(lockPath: string): Promise<void> {
  const owner = Number((await readFile(lockPath).catch(emptyIfMissing)).toString());
  if (owner > 0 && owner !== process.pid && isAlive(owner)) {
    throw new JournalInUse(
      `process ${owner} uses this journal; stop it, or delete ${lockPath} if it is another program`,
    );
  }
  await writeFile(lockPath, String(process.pid));
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
