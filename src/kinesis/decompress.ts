/**
 * Takes records out of gzip, zlib and zstd, which are recognised by their bytes: producers such as Fluent Bit compress
 * without saying so anywhere in the record.
 */
import { gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib';
import { hasCode } from '../util/errors.ts';

export type Compression = 'gzip' | 'zlib' | 'zstd';

/** A compressed record grows beyond the bound. The bytes as they came are still there to be kept. */
export class RecordTooLarge extends Error {
  override readonly name = 'RecordTooLarge';
  readonly compression: Compression;
  readonly compressedBytes: number;
  readonly expandedBytesMax: number;

  constructor(compression: Compression, compressedBytes: number, expandedBytesMax: number) {
    super(`a ${compression} record of ${compressedBytes} bytes grows beyond the bound of ${expandedBytesMax} bytes`);
    this.compression = compression;
    this.compressedBytes = compressedBytes;
    this.expandedBytesMax = expandedBytesMax;
  }
}

export const EXPANDED_BYTES_MAX = 64 * 1024 * 1024;

/** What the first bytes say; only inflating tells for certain. */
export function detectCompression(data: Uint8Array): Compression | undefined {
  if (data.length < 6) return undefined;
  const first = data[0] as number;
  const second = data[1] as number;
  if (first === 0x1f && second === 0x8b && data[2] === 8) return 'gzip';
  if (first === 0x28 && second === 0xb5 && data[2] === 0x2f && data[3] === 0xfd) return 'zstd';
  return isZlibHeader(first, second) ? 'zlib' : undefined;
}

/**
 * The expanded bytes, or `data` itself when it is not compressed. Text can look like a zlib header (`x^`, `8Y`), so
 * whatever does not inflate is taken as plain. All members of a gzip stream and all frames of zstd are expanded.
 * @throws RecordTooLarge
 */
export function decompress(data: Uint8Array, expandedBytesMax: number = EXPANDED_BYTES_MAX): Uint8Array {
  const compression = detectCompression(data);
  if (compression === undefined) return data;
  try {
    return expand[compression](data, { maxOutputLength: expandedBytesMax });
  } catch (error) {
    if (hasCode(error, 'ERR_BUFFER_TOO_LARGE')) throw new RecordTooLarge(compression, data.length, expandedBytesMax);
    return data;
  }
}

const expand = { gzip: gunzipSync, zlib: inflateSync, zstd: zstdDecompressSync } as const;

/** RFC 1950: method deflate, window up to 32 KiB, no preset dictionary, and a header that is a multiple of 31. */
function isZlibHeader(cmf: number, flg: number): boolean {
  return (cmf & 0x0f) === 8 && cmf >> 4 <= 7 && (flg & 0x20) === 0 && ((cmf << 8) | flg) % 31 === 0;
}
