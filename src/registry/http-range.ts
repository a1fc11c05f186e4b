/** Bytes asked for, half-open: `endBytes` is exclusive, and absent for "to the end". */
export interface ByteRange {
  readonly startBytes: number;
  readonly endBytes?: number;
}

/** Bytes that a 206 or a 416 speaks of, half-open. `totalBytes` is undefined for `*`. */
export interface ContentRange {
  readonly startBytes: number;
  readonly endBytes: number;
  readonly totalBytes: number | undefined;
}

/** The `Range` header for `range`, inclusive as RFC 9110 has it: `bytes=0-99` for {0, 100}. */
export function formatRange({ startBytes, endBytes }: ByteRange): string {
  return `bytes=${startBytes}-${endBytes === undefined ? "" : endBytes - 1}`;
}

/** Reads `Content-Range: bytes 0-99/200`; undefined when it is absent, of another unit, or contradicts itself. */
export function parseContentRange(header: string | undefined): ContentRange | undefined {
  const [, first, last, total] = /^bytes[ =](\d+)-(\d+)\/(\d+|\*)$/i.exec(header?.trim() ?? "") ?? [];
  if (first === undefined || last === undefined || total === undefined) return undefined;
  const startBytes = Number(first);
  const endBytes = Number(last) + 1;
  const totalBytes = total === "*" ? undefined : Number(total);
  const fits = startBytes < endBytes && endBytes <= (totalBytes ?? Number.MAX_SAFE_INTEGER);
  return fits ? { startBytes, endBytes, totalBytes } : undefined;
}

/**
 * `Content-Range` of a chunk, `0-99` for 100 bytes at 0: the form of the distribution spec, without unit and total
 * (ACR refuses `bytes 0-99/*`: dotnet/sdk-container-builds#258).
 */
export function formatChunkRange(startBytes: number, lengthBytes: number): string {
  return `${startBytes}-${startBytes + lengthBytes - 1}`;
}

/**
 * Whether the `Range` of an upload answer (`0-99`: 100 bytes stored) fits `offsetBytes`. An absent one says nothing
 * and fits; `0-0` stands for no byte as well as for one.
 */
export function isUploadRangeAt(header: string | undefined, offsetBytes: number): boolean {
  if (header === undefined) return true;
  return parseUploadRange(header, offsetBytes) === offsetBytes;
}

/** Bytes stored according to the `Range` of an upload answer, undefined when there is none to read. */
export function parseUploadRange(header: string | undefined, expectedBytes: number): number | undefined {
  const [, last] = /^(?:bytes[ =])?0-(\d+)$/i.exec(header?.trim() ?? "") ?? [];
  if (last === undefined) return undefined;
  // distribution answers 0-0 to a fresh session: only who has sent one byte may read it as one byte.
  return last === "0" && expectedBytes !== 1 ? 0 : Number(last) + 1;
}
