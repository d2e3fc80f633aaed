import type { ObjectBody } from './objectBody.ts';
import type { Encoding } from './objectKey.ts';

/** What is to be put under a key. Its file stays open while the promise of `put` is pending. */
export interface ObjectToPut {
  readonly key: string;
  readonly encoding: Encoding;
  readonly body: ObjectBody;
}

/** A bucket, as far as the output needs one. */
export interface ObjectStore {
  /** Writes and deletes a test object. A rejection says what is missing, and what to do. */
  checkWritable(): Promise<void>;
  /** Resolves when the object is durable; may be repeated after a rejection. */
  put(object: ObjectToPut): Promise<void>;
  /** One line for people, without secrets. */
  describeError(error: unknown): string;
  close(): void;
}
