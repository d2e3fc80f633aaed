/**
 * Takes records out of gzip, zlib, zstd and Snappy. Producers such as Fluent Bit compress without saying so anywhere in the
 * record, so the bytes have to tell, or the user.
 */
import { gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib';
import { hasCode } from '../util/errors.ts';
import { isFramedSnappy, SnappyTooLarge, uncompressSnappy } from './snappy.ts';

export const COMPRESSIONS = ['gzip', 'zlib', 'zstd', 'snappy'] as const;

export type Compression = (typeof COMPRESSIONS)[number];

/** `auto`: what the first bytes say, if anything; `none`: bytes as they are; else all are to be of this kind. */
export type CompressionChoice = 'auto' | 'none' | Compression;

/** A compressed record grows beyond the bound. The bytes as they came are still there to be kept. */
export class RecordTooLarge extends Error {
  override readonly name = 'RecordTooLarge';

  constructor(compression: Compression, compressedBytes: number, expandedBytesMax: number) {
    super(`a ${compression} record of ${compressedBytes} bytes grows beyond the bound of ${expandedBytesMax} bytes`);
  }
}

/** A record is not of the kind that all were said to be. */
export class NotCompressed extends Error {
  override readonly name = 'NotCompressed';

  constructor(compression: Compression, cause: unknown) {
    super(`the record is not ${compression}, which \`compression\` says of all`, { cause });
  }
}

export interface DecompressorSettings {
  readonly compression: CompressionChoice;
  readonly expandedBytesMax: number;
  /** Told of each record that was expanded. */
  readonly onExpanded?: (compression: Compression, expandedBytes: number) => void;
}

/**
 * Gives the expanded bytes, or the given ones when they are not compressed. All members of a gzip stream and all frames of
 * zstd are expanded.
 * @throws RecordTooLarge
 * @throws NotCompressed never with `auto` or `none`
 */
export type Decompress = (data: Uint8Array) => Uint8Array;

export function createDecompressor(settings: DecompressorSettings): Decompress {
  const { compression: choice } = settings;
  if (choice === 'none') return (data) => data;
  if (choice !== 'auto')
    return (data) => expand(choice, data, settings, (cause) => raise(new NotCompressed(choice, cause)));
  return (data) => {
    const compression = detectCompression(data);
    // Text can look like a zlib header (`x^`, `8Y`): whatever does not expand is taken as plain.
    return compression === undefined ? data : expand(compression, data, settings, () => data);
  };
}

/** What the first bytes say; only expanding tells for certain. Raw Snappy says nothing. */
export function detectCompression(data: Uint8Array): Compression | undefined {
  if (data.length < 6) return undefined;
  const first = data[0] as number;
  const second = data[1] as number;
  if (first === 0x1f && second === 0x8b && data[2] === 8) return 'gzip';
  if (first === 0x28 && second === 0xb5 && data[2] === 0x2f && data[3] === 0xfd) return 'zstd';
  if (first === 0xff) return isFramedSnappy(data) ? 'snappy' : undefined;
  return isZlibHeader(first, second) ? 'zlib' : undefined;
}

function expand(
  compression: Compression,
  data: Uint8Array,
  { expandedBytesMax, onExpanded }: DecompressorSettings,
  notSo: (cause: unknown) => Uint8Array,
): Uint8Array {
  let expanded: Uint8Array;
  try {
    expanded = expanders[compression](data, expandedBytesMax);
  } catch (error) {
    if (error instanceof SnappyTooLarge || hasCode(error, 'ERR_BUFFER_TOO_LARGE')) {
      throw new RecordTooLarge(compression, data.length, expandedBytesMax);
    }
    return notSo(error);
  }
  onExpanded?.(compression, expanded.length);
  return expanded;
}

const expanders: Readonly<Record<Compression, (data: Uint8Array, expandedBytesMax: number) => Uint8Array>> = {
  gzip: (data, expandedBytesMax) => gunzipSync(data, zlibOptions(data, expandedBytesMax)),
  zlib: (data, expandedBytesMax) => inflateSync(data, zlibOptions(data, expandedBytesMax)),
  zstd: (data, expandedBytesMax) => zstdDecompressSync(data, zlibOptions(data, expandedBytesMax)),
  snappy: uncompressSnappy,
};

const CHUNK_BYTES_MIN = 1024;
const CHUNK_BYTES_MAX = 64 * 1024;

/** What is expanded is a view of a whole chunk: Node's 16 KiB would stand in memory for each event of some hundred bytes. */
function zlibOptions(data: Uint8Array, expandedBytesMax: number): { maxOutputLength: number; chunkSize: number } {
  const chunkSize = Math.min(CHUNK_BYTES_MAX, Math.max(CHUNK_BYTES_MIN, data.length * 4));
  return { maxOutputLength: expandedBytesMax, chunkSize };
}

function raise(error: Error): never {
  throw error;
}

/** RFC 1950: method deflate, window up to 32 KiB, no preset dictionary, and a header that is a multiple of 31. */
function isZlibHeader(cmf: number, flg: number): boolean {
  return (cmf & 0x0f) === 8 && cmf >> 4 <= 7 && (flg & 0x20) === 0 && ((cmf << 8) | flg) % 31 === 0;
}
