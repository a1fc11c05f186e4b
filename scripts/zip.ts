import { crc32, deflateRawSync } from "node:zlib";

export interface ZipEntry {
  /** Within the archive, with `/`. */
  readonly path: string;
  readonly content: Uint8Array;
}

const versionNeeded = 20; // 2.0: deflate and folders
const madeBy = (3 << 8) | versionNeeded; // Unix, so that the modes below are heeded
const utf8Names = 1 << 11;
const deflated = 8;
const noTime = 0;
const firstDay = (1 << 5) | 1; // 1980-01-01: equal contents make equal archives
const fileMode = 0o100644;

/** A zip archive of files, in their order. Source: APPNOTE 6.3; below 4 GiB and 65,536 files, so without Zip64. */
export function createZip(entries: readonly ZipEntry[]): Uint8Array {
  const locals: Uint8Array[] = [];
  const central: Uint8Array[] = [];
  let offsetBytes = 0;
  for (const { path, content } of entries) {
    const name = Buffer.from(path);
    const data = deflateRawSync(content, { level: 9 });
    const sizes = [u32(crc32(content)), u32(data.byteLength), u32(content.byteLength), u16(name.byteLength), u16(0)];
    const common = [u16(versionNeeded), u16(utf8Names), u16(deflated), u16(noTime), u16(firstDay), ...sizes];
    const local = Buffer.concat([u32(0x04034b50), ...common, name, data]);
    const places = [u16(0), u16(0), u16(0), u32(fileMode * 0x1_0000), u32(offsetBytes)];
    central.push(Buffer.concat([u32(0x02014b50), u16(madeBy), ...common, ...places, name]));
    locals.push(local);
    offsetBytes += local.byteLength;
  }
  const directory = Buffer.concat(central);
  const count = u16(entries.length);
  const end = [u32(0x06054b50), u16(0), u16(0), count, count, u32(directory.byteLength), u32(offsetBytes), u16(0)];
  return Buffer.concat([...locals, directory, ...end]);
}

function u16(value: number): Uint8Array {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function u32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
