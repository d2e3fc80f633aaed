import type { FileHandle } from 'node:fs/promises';
import type { Encoding } from './objectKey.ts';

/** A file to be put under a key. The handle stays open while the promise of `put` is pending. */
export interface ObjectFile {
  readonly key: string;
  readonly encoding: Encoding;
  readonly handle: FileHandle;
  /** Bytes, from the beginning of the file. */
  readonly size: number;
}

/** A bucket, as far as the output needs one. */
export interface ObjectStore {
  /** Writes and deletes a test object. A rejection says what is missing, and what to do. */
  checkWritable(): Promise<void>;
  /** Resolves when the object is durable; may be repeated after a rejection. */
  put(file: ObjectFile): Promise<void>;
  /** One line for people, without secrets. */
  describeError(error: unknown): string;
  close(): void;
}
