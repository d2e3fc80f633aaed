/** The bytes of an object to be: the beginning of a local file, and what is only in memory behind it. */
import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';

const CHUNK_BYTES = 1024 * 1024;

export interface ObjectBody {
  /** `undefined` when nothing is on disk. */
  readonly handle: FileHandle | undefined;
  readonly fileBytes: number;
  readonly memory: Uint8Array;
}

export function bodyBytes({ fileBytes, memory }: ObjectBody): number {
  return fileBytes + memory.length;
}

/** Into the beginning of `space`. @throws when the file is shorter than it was, or cannot be read */
export async function readBody(
  body: ObjectBody,
  space: Buffer = Buffer.allocUnsafeSlow(bodyBytes(body)),
): Promise<Uint8Array> {
  if (body.fileBytes === 0) return body.memory;
  const whole = space.subarray(0, bodyBytes(body));
  await fill(body, whole.subarray(0, body.fileBytes), 0);
  whole.set(body.memory, body.fileBytes);
  return whole;
}

/** The same in pieces, for what is too large to be in memory as a whole. */
export async function* bodyChunks(body: ObjectBody): AsyncGenerator<Uint8Array> {
  for (let position = 0; position < body.fileBytes; position += CHUNK_BYTES) {
    const chunk = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, body.fileBytes - position));
    await fill(body, chunk, position);
    yield chunk;
  }
  if (body.memory.length > 0) yield body.memory;
}

/** In hexadecimal digits, as `sha256sum` prints it. */
export async function sha256Of(body: ObjectBody): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of bodyChunks(body)) hash.update(chunk);
  return hash.digest('hex');
}

async function fill({ handle, fileBytes }: ObjectBody, target: Uint8Array, position: number): Promise<void> {
  let filled = 0;
  while (filled < target.length) {
    const { bytesRead = 0 } = (await handle?.read(target, filled, target.length - filled, position + filled)) ?? {};
    if (bytesRead === 0) throw new Error(`the local file has ${position + filled} bytes instead of ${fileBytes}`);
    filled += bytesRead;
  }
}
