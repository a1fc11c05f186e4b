import { randomUUID } from "node:crypto";
import { type FileHandle, mkdir, open, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { KiB, MiB } from "../../descriptor.ts";
import type { Digest } from "../../digest.ts";
import type { Content, UploadFile } from "./content.ts";

const writeBytes = MiB; // per write
const readBytes = 256 * KiB; // per read: smaller and larger ones took more CPU (measured on loopback)

/**
 * Keeps content below `directory`: `blobs/{algorithm}/{aa}/{hex}` and `uploads/{id}`. Blobs are renamed into place, so
 * that a file below `blobs` is always complete. Uploads that are not in `sessions` are left-overs and are deleted.
 */
export async function openDiskContent(directory: string, sessions: ReadonlySet<string>): Promise<Content> {
  const uploads = join(directory, "uploads");
  await mkdir(uploads, { recursive: true });
  for (const name of await readdir(uploads)) if (!sessions.has(name)) await rm(join(uploads, name));

  const pathOf = (digest: Digest): string => {
    const [algorithm = "", hex = ""] = digest.split(":");
    return join(directory, "blobs", algorithm, hex.slice(0, 2), hex);
  };
  const moveIntoPlace = async (path: string, digest: Digest): Promise<void> => {
    await mkdir(dirname(pathOf(digest)), { recursive: true });
    await rename(path, pathOf(digest));
  };

  return {
    sizeOf: (digest) => sizeOfFile(pathOf(digest)),
    read: async function* (digest, { startBytes, endBytes }) {
      if (endBytes > startBytes) yield* readFileRange(pathOf(digest), startBytes, endBytes);
    },
    write: async (digest, bytes) => {
      const path = join(uploads, randomUUID());
      await writeFile(path, bytes);
      await moveIntoPlace(path, digest);
    },
    openUpload: async (id) => {
      const path = join(uploads, id);
      const sizeBytes = await sizeOfFile(path);
      if (sizeBytes === undefined) await writeFile(path, "");
      return createUploadFile(path, sizeBytes ?? 0, (digest) => moveIntoPlace(path, digest));
    },
  };
}

/** Writes behind by one buffer, so that hashing and writing overlap. The file is open only between append and flush. */
function createUploadFile(
  path: string,
  startBytes: number,
  moveIntoPlace: (digest: Digest) => Promise<void>,
): UploadFile {
  let sizeBytes = startBytes;
  let file: FileHandle | undefined;
  let batch: Uint8Array[] = [];
  let batchBytes = 0;
  let writing: Promise<{ readonly failure?: unknown }> = Promise.resolve({});

  const writeBatch = async (): Promise<void> => {
    const { failure } = await writing;
    if (failure !== undefined) throw failure;
    if (batch.length === 0) return;
    file ??= await open(path, "a");
    writing = writeAll(file, batch, batchBytes);
    batch = [];
    batchBytes = 0;
  };
  const flush = async (): Promise<void> => {
    try {
      await writeBatch();
      await writeBatch(); // waits for the last one
    } finally {
      const opened = file;
      file = undefined;
      await opened?.close();
    }
  };

  return {
    sizeBytes: () => sizeBytes,
    append: async (chunk) => {
      batch.push(chunk);
      batchBytes += chunk.byteLength;
      sizeBytes += chunk.byteLength;
      if (batchBytes >= writeBytes) await writeBatch();
    },
    flush,
    read: () => readFileRange(path, 0, sizeBytes),
    commit: async (digest) => {
      await flush();
      await moveIntoPlace(digest);
    },
    discard: async () => {
      await flush();
      await rm(path, { force: true });
    },
  };
}

/** Never rejects: the failure is looked at before the next write. */
async function writeAll(
  file: FileHandle,
  batch: readonly Uint8Array[],
  bytes: number,
): Promise<{ readonly failure?: unknown }> {
  try {
    const { bytesWritten } = await file.writev(batch);
    return bytesWritten === bytes ? {} : { failure: new Error(`only ${bytesWritten} of ${bytes} bytes were written`) };
  } catch (failure) {
    return { failure };
  }
}

/** Reads one buffer ahead of its consumer. */
async function* readFileRange(path: string, startBytes: number, endBytes: number): AsyncGenerator<Uint8Array> {
  await using file = await open(path, "r");
  const readAt = async (offsetBytes: number) => {
    const wantedBytes = Math.min(readBytes, endBytes - offsetBytes);
    try {
      return wantedBytes <= 0
        ? undefined
        : await file.read(Buffer.allocUnsafeSlow(wantedBytes), 0, wantedBytes, offsetBytes);
    } catch (failure) {
      return { failure };
    }
  };
  let offsetBytes = startBytes;
  let reading = readAt(offsetBytes);
  for (;;) {
    const read = await reading;
    if (read === undefined) return;
    if ("failure" in read) throw read.failure;
    if (read.bytesRead === 0) return;
    offsetBytes += read.bytesRead;
    reading = readAt(offsetBytes);
    yield read.buffer.subarray(0, read.bytesRead);
  }
}

async function sizeOfFile(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT") return undefined;
    throw thrown;
  }
}
