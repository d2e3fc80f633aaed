/**
 * The bytes of a segment file: a header, then records one after another.
 *
 *     header   8 bytes `LTSSEG1\n`, 8 bytes id of the first record
 *     record   4 bytes length of the payload, 4 bytes CRC-32 of id and payload, 8 bytes id, payload
 *
 * Numbers are unsigned and big-endian. The id in each record lets a reader find its way again behind a damaged one, which is how
 * damage in the middle is told from an end that a crash cut off.
 */
import { crc32 } from 'node:zlib';

export const HEADER_BYTES = 16;
export const RECORD_HEADER_BYTES = 16;
const MAGIC = Buffer.from('LTSSEG1\n', 'latin1');

export interface SegmentRecord {
  /** Counts from 0 through all segments of a log. */
  readonly id: number;
  /** A view of the bytes that were read. */
  readonly payload: Uint8Array;
}

export interface ScannedSegment {
  readonly records: readonly SegmentRecord[];
  /** Where the sound records end. */
  readonly end: number;
  /** Where a sound record stands behind `end`; `undefined` when none does: the rest was cut off by a crash. */
  readonly resumesAt: number | undefined;
}

export function encodeHeader(firstId: number): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(header);
  header.writeBigUInt64BE(BigInt(firstId), MAGIC.length);
  return header;
}

/** The id of the first record; `undefined` for what is no segment. */
export function decodeHeader(bytes: Buffer): number | undefined {
  if (bytes.length < HEADER_BYTES || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
  return Number(bytes.readBigUInt64BE(MAGIC.length));
}

/** The records one after another, their ids counting from `firstId`. */
export function encodeRecords(payloads: readonly Uint8Array[], firstId: number): Buffer {
  const size = payloads.reduce((sum, payload) => sum + RECORD_HEADER_BYTES + payload.length, 0);
  const bytes = Buffer.allocUnsafe(size);
  let at = 0;
  for (const [index, payload] of payloads.entries()) {
    bytes.writeUInt32BE(payload.length, at);
    bytes.writeBigUInt64BE(BigInt(firstId + index), at + 8);
    bytes.set(payload, at + RECORD_HEADER_BYTES);
    const end = at + RECORD_HEADER_BYTES + payload.length;
    bytes.writeUInt32BE(crc32(bytes.subarray(at + 8, end)), at + 4);
    at = end;
  }
  return bytes;
}

/** The records from `from` on, whose ids are `minId` and more, up to the first that is not sound. A repair leaves gaps in the ids. */
export function scanRecords(bytes: Buffer, from: number, minId: number): ScannedSegment {
  const { records, end } = takeRecords(bytes, from, minId);
  const nextId = (records.at(-1)?.id ?? minId - 1) + 1;
  return { records, end, resumesAt: end < bytes.length ? findRecord(bytes, end, nextId) : undefined };
}

/** As `scanRecords`, again and again from where it resumes: all sound stretches, with where each begins. */
export function* scanStretches(
  bytes: Buffer,
  from: number,
  firstId: number,
): Generator<ScannedSegment & { readonly start: number }> {
  let minId = firstId;
  for (let start: number | undefined = from; start !== undefined; ) {
    const stretch: ScannedSegment = scanRecords(bytes, start, minId);
    yield { start, ...stretch };
    minId = (stretch.records.at(-1)?.id ?? minId - 1) + 1;
    start = stretch.resumesAt;
  }
}

/** As `scanRecords`, without a look at what stands behind. */
export function takeRecords(bytes: Buffer, from: number, minId: number): Pick<ScannedSegment, 'records' | 'end'> {
  const records: SegmentRecord[] = [];
  let at = from;
  let nextId = minId;
  for (;;) {
    const record = recordAt(bytes, at);
    if (record === undefined || record.id < nextId) return { records, end: at };
    records.push(record);
    nextId = record.id + 1;
    at += RECORD_HEADER_BYTES + record.payload.length;
  }
}

/** The length of the record that begins at `at`, as it says itself; `undefined` when not even that is there. */
export function recordBytes(bytes: Buffer, at: number): number | undefined {
  return at + RECORD_HEADER_BYTES > bytes.length ? undefined : RECORD_HEADER_BYTES + bytes.readUInt32BE(at);
}

function recordAt(bytes: Buffer, at: number): SegmentRecord | undefined {
  if (at + RECORD_HEADER_BYTES > bytes.length) return undefined;
  const end = at + RECORD_HEADER_BYTES + bytes.readUInt32BE(at);
  if (end > bytes.length || crc32(bytes.subarray(at + 8, end)) !== bytes.readUInt32BE(at + 4)) return undefined;
  return { id: Number(bytes.readBigUInt64BE(at + 8)), payload: bytes.subarray(at + RECORD_HEADER_BYTES, end) };
}

/** How far ids may jump over what is damaged; more is chance. */
const ID_GAP_MAX = 2 ** 32;

function findRecord(bytes: Buffer, from: number, minId: number): number | undefined {
  for (let at = from; at + RECORD_HEADER_BYTES <= bytes.length; at += 1) {
    if (bytes.readUInt32BE(at) > bytes.length - at - RECORD_HEADER_BYTES) continue;
    const id = Number(bytes.readBigUInt64BE(at + 8));
    if (id < minId || id > minId + ID_GAP_MAX) continue;
    if (recordAt(bytes, at) !== undefined) return at;
  }
  return undefined;
}
