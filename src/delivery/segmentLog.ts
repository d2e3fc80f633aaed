/**
 * A queue of byte strings on disk: appended at one end, trimmed at the other, in files of bounded size. What is left of a
 * crash at any byte is recovered on opening. One process writes; others may read along.
 */
import {
  type FileHandle,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode } from '../util/errors.ts';
import {
  decodeHeader,
  encodeHeader,
  encodeRecords,
  HEADER_BYTES,
  type SegmentRecord,
  scanRecords,
  scanStretches,
} from './segmentFormat.ts';

export interface SegmentLogSettings {
  /** Made when it is missing. */
  readonly directory: string;
  /** A segment that has reached it is followed by another. Default: 16 MiB, or a 64th of the bound on all where that is less. */
  readonly segmentBytesMax?: number | undefined;
  /** Bound on all segments together. Default: none. */
  readonly bytesMax?: number | undefined;
  /** What it holds is worth nothing to a later process: opening begins anew, and how far it is trimmed is not remembered. */
  readonly isTemporary?: boolean | undefined;
}

/** The bound is reached: nothing was written. Trimming makes room. */
export class SegmentLogFull extends Error {
  override readonly name = 'SegmentLogFull';
}

/** Sound records stand behind unsound bytes: the disk has changed what was written. */
export class SegmentDamaged extends Error {
  override readonly name = 'SegmentDamaged';
  readonly path: string;
  readonly offset: number;

  constructor(path: string, offset: number) {
    super(`${path} is damaged at byte ${offset}`);
    this.path = path;
    this.offset = offset;
  }
}

export interface Segment {
  readonly path: string;
  readonly firstId: number;
}

/** One of an open log; its object stays the same while it grows. */
export interface WrittenSegment extends Segment {
  /** How much of the file is written. */
  readonly bytes: number;
}

interface OpenSegment extends Segment {
  bytes: number;
}

interface Append {
  readonly payloads: readonly Uint8Array[];
  readonly syncs: boolean;
  readonly resolve: (firstId: number) => void;
  readonly reject: (reason: unknown) => void;
}

const SEGMENT_BYTES_MAX = 16 * 1024 * 1024;
/** Small enough for room to come back in small steps. */
const SEGMENT_SHARE = 1 / 64;
const HEAD = 'head';

export class SegmentLog {
  readonly #directory: string;
  readonly #segmentBytesMax: number;
  readonly #bytesMax: number;
  readonly #isTemporary: boolean;
  #segments: OpenSegment[];
  #handle: FileHandle | undefined;
  #headId: number;
  #nextId: number;
  #bytes: number;
  #waiting: Append[] = [];
  /** A write has failed: what it left behind the counted bytes has to go before the next. */
  #isTorn = false;
  /** Writes and trims, one after another. Never rejects. */
  #tail: Promise<void> = Promise.resolve();

  private constructor(settings: SegmentLogSettings, segments: OpenSegment[], headId: number, nextId: number) {
    this.#directory = settings.directory;
    this.#bytesMax = settings.bytesMax ?? Number.POSITIVE_INFINITY;
    this.#segmentBytesMax =
      settings.segmentBytesMax ?? Math.min(SEGMENT_BYTES_MAX, Math.ceil(this.#bytesMax * SEGMENT_SHARE));
    this.#isTemporary = settings.isTemporary ?? false;
    this.#segments = segments;
    this.#headId = headId;
    this.#nextId = nextId;
    this.#bytes = segments.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /**
   * Cuts off what a crash left half-written.
   * @throws SegmentDamaged when sound records stand behind unsound bytes of the last segment
   */
  static async open(settings: SegmentLogSettings): Promise<SegmentLog> {
    const { directory, isTemporary } = settings;
    if (isTemporary) await rm(directory, { recursive: true, force: true });
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const segments: OpenSegment[] = [];
    for (const segment of await listSegments(directory)) {
      segments.push({ ...segment, bytes: (await stat(segment.path)).size });
    }
    const nextId = await recoverLast(segments);
    const headId = Math.min(Math.max(await readHead(directory), segments[0]?.firstId ?? 0), nextId);
    return new SegmentLog(settings, segments, headId, Math.max(nextId, headId));
  }

  /** The oldest record that is not trimmed; equals `nextId` when there is none. */
  get headId(): number {
    return this.#headId;
  }

  /** The id that the next record gets. */
  get nextId(): number {
    return this.#nextId;
  }

  /** Bytes on disk, those of trimmed records in a segment that has others left too. */
  get bytes(): number {
    return this.#bytes;
  }

  get segments(): readonly WrittenSegment[] {
    return this.#segments;
  }

  /**
   * Resolves to the id of the first when all are written, and on disk if `syncs`: those who wait together share one fsync.
   * Rejects when the disk or the bound refuses them; then none is there.
   */
  append(payloads: readonly Uint8Array[], syncs: boolean): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ payloads, syncs, resolve, reject });
      if (this.#waiting.length === 1) void this.#inTurn(() => this.#writeWaiting());
    });
  }

  /** Gives up the records below `id`: segments that hold no others are removed. */
  trim(id: number): Promise<void> {
    return this.#inTurn(async () => {
      if (id <= this.#headId) return;
      const headId = Math.min(id, this.#nextId);
      // Before anything is written: a full disk gets room in this way.
      for (let next = this.#segments[1]; next !== undefined && next.firstId <= headId; next = this.#segments[1]) {
        const [gone] = this.#segments;
        if (gone === undefined) break;
        await rm(gone.path, { force: true });
        this.#segments.shift();
        this.#bytes -= gone.bytes;
      }
      if (!this.#isTemporary) await replaceFile(join(this.#directory, HEAD), String(headId));
      this.#headId = headId;
    });
  }

  /** The records from `id` on that are written by now, segment by segment. @throws SegmentDamaged */
  async *read(id: number): AsyncGenerator<readonly SegmentRecord[]> {
    const untilId = this.#nextId;
    const segments = [...this.#segments];
    for (const [index, segment] of segments.entries()) {
      if ((segments[index + 1]?.firstId ?? untilId) <= id) continue;
      const fromId = Math.max(id, this.#headId);
      const records = await readSegment(segment, { bytes: segment.bytes });
      const wanted = records.filter((record) => record.id >= fromId && record.id < untilId);
      if (wanted.length > 0) yield wanted;
    }
  }

  /** Waits for what was appended. */
  async close(): Promise<void> {
    await this.#inTurn(async () => {
      await this.#handle?.close();
      this.#handle = undefined;
    });
  }

  #inTurn(task: () => Promise<void>): Promise<void> {
    const done = this.#tail.then(task);
    this.#tail = done.catch(() => {});
    return done;
  }

  async #writeWaiting(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    const accepted: Append[] = [];
    let nextId = this.#nextId;
    const parts: Buffer[] = [];
    let bytes = 0;
    for (const append of waiting) {
      const part = encodeRecords(append.payloads, nextId);
      if (this.#bytes + bytes + part.length > this.#bytesMax) {
        append.reject(new SegmentLogFull(`${this.#directory} has reached its bound of ${this.#bytesMax} bytes`));
        continue;
      }
      accepted.push(append);
      parts.push(part);
      bytes += part.length;
      nextId += append.payloads.length;
    }
    try {
      if (bytes > 0)
        await this.#write(
          Buffer.concat(parts),
          accepted.some(({ syncs }) => syncs),
        );
    } catch (error) {
      for (const { reject } of accepted) reject(error);
      return;
    }
    for (const { payloads, resolve } of accepted) {
      resolve(this.#nextId);
      this.#nextId += payloads.length;
    }
  }

  async #write(records: Buffer, syncs: boolean): Promise<void> {
    const segment = await this.#writable(syncs);
    this.#handle ??= await open(segment.path, 'r+');
    const handle = this.#handle;
    if (this.#isTorn) await handle.truncate(segment.bytes);
    this.#isTorn = true;
    for (let done = 0; done < records.length; ) {
      done += (await handle.write(records, done, records.length - done, segment.bytes + done)).bytesWritten;
    }
    if (syncs) await handle.datasync();
    this.#isTorn = false;
    segment.bytes += records.length;
    this.#bytes += records.length;
  }

  async #writable(syncs: boolean): Promise<OpenSegment> {
    const last = this.#segments.at(-1);
    if (last !== undefined && last.bytes < this.#segmentBytesMax) return last;
    await this.#handle?.close();
    this.#handle = undefined;
    const segment = { path: segmentPath(this.#directory, this.#nextId), firstId: this.#nextId, bytes: HEADER_BYTES };
    const handle = await open(segment.path, 'w', 0o600);
    try {
      await handle.write(encodeHeader(segment.firstId));
      if (syncs) await syncDirectory(this.#directory);
    } catch (error) {
      await handle.close();
      throw error;
    }
    this.#handle = handle;
    this.#segments.push(segment);
    this.#bytes += HEADER_BYTES;
    return segment;
  }
}

/** The names in a directory; none where it is not there. */
export async function filesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  }
}

/** In the order of their records; none where there is no log. */
export async function listSegments(directory: string): Promise<Segment[]> {
  const names = (await filesIn(directory)).filter((name) => SEGMENT_NAME.test(name)).sort();
  return names.map((name) => ({ path: join(directory, name), firstId: Number.parseInt(name, 10) }));
}

export interface ReadSettings {
  /** How much of the file counts, as its writer knows. */
  readonly bytes?: number;
  /** The last segment of a log that another process writes: its end may be half-written. */
  readonly isLast?: boolean;
}

/** The records of a segment, those that are trimmed too; none when it is gone by now. @throws SegmentDamaged */
export async function readSegment(
  { path, firstId }: Segment,
  { bytes, isLast = false }: ReadSettings = {},
): Promise<readonly SegmentRecord[]> {
  const content = await readFile(path).catch((error) => {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  });
  if (content === undefined) return [];
  const counted = content.subarray(0, bytes);
  if (isLast && counted.length < HEADER_BYTES) return [];
  if (decodeHeader(counted) !== firstId) throw new SegmentDamaged(path, 0);
  const { records, end, resumesAt } = scanRecords(counted, HEADER_BYTES, firstId);
  if (resumesAt !== undefined || (!isLast && end < counted.length)) throw new SegmentDamaged(path, end);
  return records;
}

/**
 * Takes damaged bytes out of a segment, and keeps them beside it in a `.damaged` file. Nobody else may use the directory.
 * Resolves to how many bytes were taken out.
 */
export async function repairSegment({ path, firstId }: Segment): Promise<number> {
  const content = await readFile(path);
  const sound: Buffer[] = [encodeHeader(firstId)];
  const damaged: Buffer[] = decodeHeader(content) === firstId ? [] : [content.subarray(0, HEADER_BYTES)];
  for (const { start, end, resumesAt } of scanStretches(content, HEADER_BYTES, firstId)) {
    sound.push(content.subarray(start, end));
    damaged.push(content.subarray(end, resumesAt));
  }
  const removed = damaged.reduce((sum, { length }) => sum + length, 0);
  if (removed === 0) return 0;
  await writeFile(`${path}.damaged`, Buffer.concat(damaged), { mode: 0o600, flush: true });
  await replaceFile(path, Buffer.concat(sound));
  return removed;
}

const SEGMENT_NAME = /^\d{16}\.seg$/;

function segmentPath(directory: string, firstId: number): string {
  return join(directory, `${String(firstId).padStart(16, '0')}.seg`);
}

/** Resolves to the id after the last record. A segment whose beginning was cut off by a crash is taken away. */
async function recoverLast(segments: OpenSegment[]): Promise<number> {
  const last = segments.at(-1);
  if (last === undefined) return 0;
  if (last.bytes < HEADER_BYTES) {
    await rm(last.path);
    segments.pop();
    // It was begun with the id that came next.
    return last.firstId;
  }
  const content = await readFile(last.path);
  if (decodeHeader(content) !== last.firstId) throw new SegmentDamaged(last.path, 0);
  const { records, end, resumesAt } = scanRecords(content, HEADER_BYTES, last.firstId);
  if (resumesAt !== undefined) throw new SegmentDamaged(last.path, end);
  if (end < content.length) await truncate(last.path, end);
  last.bytes = end;
  return (records.at(-1)?.id ?? last.firstId - 1) + 1;
}

export async function readHead(directory: string): Promise<number> {
  try {
    return Number.parseInt(await readFile(join(directory, HEAD), 'utf8'), 10) || 0;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return 0;
    throw error;
  }
}

async function replaceFile(path: string, content: Uint8Array | string): Promise<void> {
  await writeFile(`${path}.new`, content, { mode: 0o600, flush: true });
  await rename(`${path}.new`, path);
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
