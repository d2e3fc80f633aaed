/**
 * Snappy in both its forms: the framing format (Google's framing_format.txt), which Fluent Bit writes and whose first bytes
 * tell it, and the raw one, which nothing tells but its reader.
 */
import { snappyUncompressor } from 'hysnappy';

/** It would grow beyond the bound, or says so. Nothing of it was expanded. */
export class SnappyTooLarge extends Error {
  override readonly name = 'SnappyTooLarge';
}

/** The first chunk of every framed stream. */
const STREAM_IDENTIFIER = Buffer.from('\xff\x06\x00\x00sNaPpY', 'latin1');

export function isFramedSnappy(data: Uint8Array): boolean {
  return STREAM_IDENTIFIER.every((byte, index) => data[index] === byte);
}

/**
 * The expanded bytes of either form. The length that raw Snappy begins with is looked at before anything is expanded.
 * @throws SnappyTooLarge
 * @throws an Error for bytes that are no Snappy, are cut short, or do not match their checksum
 */
export function uncompressSnappy(data: Uint8Array, expandedBytesMax: number): Uint8Array {
  return isFramedSnappy(data) ? uncompressFramed(data, expandedBytesMax) : uncompressRaw(data, expandedBytesMax);
}

/** A copy of 64 bytes takes 3: what says that it grows by more is no Snappy. */
const GROWTH_MAX = 22;

/** Memory of WebAssembly never shrinks: what is larger than this gets an instance of its own, which is then free to go. */
const SHARED_BYTES_MAX = 1024 * 1024;

let sharedUncompressor: ReturnType<typeof snappyUncompressor> | undefined;

function uncompressRaw(data: Uint8Array, expandedBytesMax: number): Uint8Array {
  const length = statedLength(data);
  if (length > data.length * GROWTH_MAX) throw new Error('the length that stands before the data cannot be true');
  if (length > expandedBytesMax) throw new SnappyTooLarge();
  if (data.length + length > SHARED_BYTES_MAX) return snappyUncompressor()(data, length);
  sharedUncompressor ??= snappyUncompressor();
  return sharedUncompressor(data, length);
}

/** A varint of at most 32 bits. */
function statedLength(data: Uint8Array): number {
  let length = 0;
  for (let index = 0; index < 5; index++) {
    const byte = data[index];
    if (byte === undefined) break;
    length += (byte & 0x7f) * 128 ** index;
    if (byte < 0x80 && length < 2 ** 32) return length;
  }
  throw new Error('no length stands before the data');
}

const CHUNK_HEADER_BYTES = 4;
const CHECKSUM_BYTES = 4;
const COMPRESSED = 0x00;
const UNCOMPRESSED = 0x01;
/** Types below this, other than the two above, are not to be passed over; those from here on are (padding, identifier). */
const FIRST_SKIPPABLE = 0x80;

function uncompressFramed(data: Uint8Array, expandedBytesMax: number): Uint8Array {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const parts: Uint8Array[] = [];
  let expandedBytes = 0;
  let next = 0;
  for (let start = 0; start < data.length; start = next) {
    if (start + CHUNK_HEADER_BYTES > data.length) throw new Error('a chunk is cut short');
    const header = view.getUint32(start, true);
    const type = header & 0xff;
    const bodyStart = start + CHUNK_HEADER_BYTES;
    next = bodyStart + (header >>> 8);
    if (next > data.length) throw new Error('a chunk is cut short');
    if (type >= FIRST_SKIPPABLE) continue;
    if (next - bodyStart < CHECKSUM_BYTES) throw new Error('a chunk has no checksum');
    const part = chunkData(type, data.subarray(bodyStart + CHECKSUM_BYTES, next), expandedBytesMax - expandedBytes);
    if (view.getUint32(bodyStart, true) !== maskedChecksum(part)) throw new Error('a checksum does not match');
    parts.push(part);
    expandedBytes += part.length;
  }
  return Buffer.concat(parts, expandedBytes);
}

function chunkData(type: number, body: Uint8Array, bytesMax: number): Uint8Array {
  if (type === COMPRESSED) return uncompressRaw(body, bytesMax);
  if (type !== UNCOMPRESSED) throw new Error(`a chunk is of the unknown type ${type}`);
  if (body.length > bytesMax) throw new SnappyTooLarge();
  return body;
}

/** CRC-32C, reflected. */
const POLYNOMIAL = 0x82f63b78;

const CHECKSUMS_OF_BYTES = Uint32Array.from({ length: 256 }, (_, byte) => {
  let checksum = byte;
  for (let bit = 0; bit < 8; bit++) checksum = checksum & 1 ? (checksum >>> 1) ^ POLYNOMIAL : checksum >>> 1;
  return checksum;
});

/** As the framing format stores it: a checksum of data that holds checksums would be weak, so it is turned and shifted. */
function maskedChecksum(data: Uint8Array): number {
  let checksum = 0xffff_ffff;
  for (const byte of data) {
    checksum = (checksum >>> 8) ^ (CHECKSUMS_OF_BYTES[(checksum ^ byte) & 0xff] as number);
  }
  checksum = ~checksum;
  return (((checksum >>> 15) | (checksum << 17)) + 0xa282ead8) >>> 0;
}
