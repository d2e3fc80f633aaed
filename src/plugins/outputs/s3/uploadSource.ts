import type { ObjectBody } from './objectBody.ts';
import type { Encoding } from './objectKey.ts';
import type { ShardRange } from './shardRanges.ts';

/** An object that is complete and waits for its upload. */
export interface UploadSource {
  readonly key: string;
  readonly encoding: Encoding;
  /** Events in it; `undefined` when that is not known any more. */
  readonly lines: number | undefined;
  /** Which records are in it, as far as the manifest wants to know. */
  readonly shards: readonly ShardRange[];
  /** When its first event came. */
  readonly createdMs: number;
  /** Whether its events come from a source that cannot bring them again. */
  readonly isPrecious: boolean;
  /** For people: where the file lies, or would. */
  readonly path: string;
  /** Sends what is only in memory on its way to the disk. */
  seal(): void;
  /** What is to be uploaded; `undefined` when there is not a byte. May be asked again. */
  body(): Promise<ObjectBody | undefined>;
  /** The object is durable: settles the events and removes the file. */
  uploaded(): Promise<void>;
  /** The upload was given up: resolves when the file is on disk, where it stays for the next start. Never rejects. */
  kept(): Promise<void>;
}
