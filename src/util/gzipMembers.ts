import type { FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';
import { crc32, inflateRaw } from 'node:zlib';

/** Members as this output writes them have a header without optional fields. */
const HEADER_BYTES = 10;
const TRAILER_BYTES = 8;
const FIRST_WINDOW_BYTES = 256 * 1024;

interface Inflated {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

const inflate = promisify(inflateRaw) as unknown as (input: Uint8Array, options: { info: true }) => Promise<Inflated>;

/** Where the last whole gzip member of a file ends: the rest was cut off by a crash. */
export async function wholeMembersEnd(handle: FileHandle, size: number): Promise<number> {
  let position = 0;
  while (position < size) {
    const length = await memberLength(handle, position, size);
    if (length === undefined) break;
    position += length;
  }
  return position;
}

/** Members are small but for events that are not, so the window grows until one fits. */
async function memberLength(handle: FileHandle, position: number, size: number): Promise<number | undefined> {
  for (let windowBytes = FIRST_WINDOW_BYTES; ; windowBytes *= 2) {
    const available = Math.min(windowBytes, size - position);
    const window = Buffer.allocUnsafe(available);
    const { bytesRead } = await handle.read(window, 0, available, position);
    const length = await wholeMember(window.subarray(0, bytesRead));
    if (length !== undefined || available === size - position) return length;
  }
}

/** Length of the member that these bytes begin with; `undefined` when they begin with none that is whole, or not with one of ours. */
export async function wholeMember(bytes: Buffer): Promise<number | undefined> {
  if (bytes.length < HEADER_BYTES + TRAILER_BYTES || bytes.readUInt32BE(0) !== 0x1f8b0800) return undefined;
  try {
    const { buffer, engine } = await inflate(bytes.subarray(HEADER_BYTES), { info: true });
    const end = HEADER_BYTES + engine.bytesWritten;
    if (bytes.length < end + TRAILER_BYTES || bytes.readUInt32LE(end) !== crc32(buffer)) return undefined;
    return bytes.readUInt32LE(end + 4) === buffer.length >>> 0 ? end + TRAILER_BYTES : undefined;
  } catch {
    return undefined;
  }
}
