/** What a crash inside a write has left at the end of a file, where the next line or gzip member could not be read behind it. */
import { type FileHandle, open } from 'node:fs/promises';
import { wholeMember } from '../../../util/gzipMembers.ts';

const NEWLINE = 0x0a;
/** How members begin that this output has written. */
const MEMBER_START = Buffer.from('1f8b0800000000000003', 'hex');
const WINDOW_BYTES = 16 * 1024;
/** A write, and so a member, has no more text. */
const WINDOW_BYTES_MAX = 32 * 1024 * 1024;

/** Whether a file of this size ends inside a line. */
export async function endsInsideLine(path: string, size: number): Promise<boolean> {
  return withFile(path, async (handle) => (await readTail(handle, size, 1))[0] !== NEWLINE);
}

/** Where the member begins that a crash cut off; `undefined` when the file ends with a whole one, or in what is not ours. */
export async function tornMemberStart(path: string, size: number): Promise<number | undefined> {
  return withFile(path, async (handle) => {
    for (let windowBytes = WINDOW_BYTES; ; windowBytes *= 8) {
      const tail = await readTail(handle, size, Math.min(windowBytes, WINDOW_BYTES_MAX));
      const end = await lastWholeMemberEnd(tail);
      if (end !== undefined) return isTorn(tail.subarray(end)) ? size - tail.length + end : undefined;
      if (tail.length === size) return isTorn(tail) ? 0 : undefined;
      if (windowBytes >= WINDOW_BYTES_MAX) return undefined;
    }
  });
}

async function lastWholeMemberEnd(bytes: Buffer): Promise<number | undefined> {
  for (
    let at = bytes.lastIndexOf(MEMBER_START);
    at >= 0;
    at = at === 0 ? -1 : bytes.lastIndexOf(MEMBER_START, at - 1)
  ) {
    const length = await wholeMember(bytes.subarray(at));
    if (length !== undefined) return at + length;
  }
  return undefined;
}

function isTorn(rest: Buffer): boolean {
  const start = rest.subarray(0, MEMBER_START.length);
  return rest.length > 0 && start.equals(MEMBER_START.subarray(0, start.length));
}

async function readTail(handle: FileHandle, size: number, bytes: number): Promise<Buffer> {
  const tail = Buffer.alloc(Math.min(size, bytes));
  const { bytesRead } = await handle.read(tail, 0, tail.length, size - tail.length);
  return tail.subarray(0, bytesRead);
}

async function withFile<T>(path: string, use: (handle: FileHandle) => Promise<T>): Promise<T> {
  const handle = await open(path, 'r');
  try {
    return await use(handle);
  } finally {
    await handle.close();
  }
}
