import type { FileHandle } from 'node:fs/promises';
import type { Encoding } from './objectKey.ts';

/** A file that is complete and waits for its upload. */
export interface UploadSource {
  readonly key: string;
  readonly encoding: Encoding;
  readonly lines: number;
  /** When its first event came. */
  readonly createdMs: number;
  /** For people: where the file lies. */
  readonly path: string;
  /** Resolves when all is on disk. Never rejects. */
  whenStored(): Promise<void>;
  /** `undefined` when there is not a byte to upload. */
  open(): Promise<{ readonly handle: FileHandle; readonly size: number } | undefined>;
  /** The object is durable: settles the events and removes the file. */
  uploaded(): Promise<void>;
  /** The upload was given up: the file stays for the next start. Never rejects. */
  kept(): Promise<void>;
}
