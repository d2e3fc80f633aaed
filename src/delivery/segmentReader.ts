import { type FileHandle, open } from 'node:fs/promises';
import { HEADER_BYTES, RECORD_HEADER_BYTES, recordBytes, type SegmentRecord, takeRecords } from './segmentFormat.ts';
import { SegmentDamaged, type SegmentLog, type WrittenSegment } from './segmentLog.ts';

const CHUNK_BYTES = 1024 * 1024;

/** Reads along behind the writer of a log, a bounded chunk at a time. What it has yet to read must not be trimmed. */
export class SegmentReader {
  readonly #log: SegmentLog;
  #nextId: number;
  #segment: WrittenSegment | undefined;
  #handle: FileHandle | undefined;
  #offset = HEADER_BYTES;

  /** `fromId` is the first record to give. */
  constructor(log: SegmentLog, fromId: number) {
    this.#log = log;
    this.#nextId = fromId;
  }

  /** The next records, at least one and about 1 MiB at most; none when all that is written was read. @throws SegmentDamaged */
  async next(): Promise<readonly SegmentRecord[]> {
    for (;;) {
      if (this.#segment === undefined || this.#offset >= this.#segment.bytes) {
        if (!(await this.#moveOn())) return [];
        continue;
      }
      const records = await this.#read(this.#segment);
      const wanted = records.filter(({ id }) => id >= this.#nextId);
      this.#nextId = Math.max(this.#nextId, (records.at(-1)?.id ?? -1) + 1);
      if (wanted.length > 0) return wanted;
    }
  }

  async close(): Promise<void> {
    await this.#handle?.close();
    this.#handle = undefined;
  }

  async #moveOn(): Promise<boolean> {
    const segment = this.#following();
    if (segment === undefined) return false;
    await this.close();
    this.#segment = segment;
    this.#offset = HEADER_BYTES;
    return true;
  }

  #following(): WrittenSegment | undefined {
    const { segments } = this.#log;
    const current = this.#segment;
    if (current !== undefined) return segments.find(({ firstId }) => firstId > current.firstId);
    return segments.findLast(({ firstId }) => firstId <= this.#nextId) ?? segments[0];
  }

  async #read(segment: WrittenSegment): Promise<readonly SegmentRecord[]> {
    this.#handle ??= await open(segment.path, 'r');
    const rest = segment.bytes - this.#offset;
    let chunk = await readAt(this.#handle, this.#offset, Math.min(rest, CHUNK_BYTES));
    const length = recordBytes(chunk, 0) ?? RECORD_HEADER_BYTES;
    if (length > chunk.length && length <= rest) chunk = await readAt(this.#handle, this.#offset, length);
    const { records, end } = takeRecords(chunk, 0, segment.firstId);
    if (records.length === 0) throw new SegmentDamaged(segment.path, this.#offset);
    this.#offset += end;
    return records;
  }
}

/** Fewer bytes where the file ends before. */
async function readAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await handle.read(bytes, done, length - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return bytes.subarray(0, done);
}
