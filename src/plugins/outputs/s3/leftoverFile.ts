import { type FileHandle, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { wholeMembersEnd } from '../../../util/gzipMembers.ts';
import type { ObjectBody } from './objectBody.ts';
import type { Encoding } from './objectKey.ts';
import { removeEmpty, removePair, type SpoolDescription } from './spoolDirectory.ts';
import type { SpoolUsage } from './spoolUsage.ts';
import type { UploadSource } from './uploadSource.ts';
import { wholeLinesEnd } from './wholeLines.ts';

/** A file that a dead process left, to be uploaded under the name it would have had. */
export class LeftoverFile implements UploadSource {
  readonly key: string;
  readonly encoding: Encoding;
  readonly createdMs: number;
  readonly path: string;
  readonly isPrecious: boolean;
  readonly lines = undefined;
  readonly shards = [];
  readonly #isLineWise: boolean;
  readonly #usage: SpoolUsage;
  readonly #spoolBytes: number;
  #opened: ObjectBody | undefined;

  private constructor(path: string, description: SpoolDescription, size: number, usage: SpoolUsage) {
    this.path = path;
    this.key = description.key;
    this.encoding = description.encoding;
    this.createdMs = description.createdMs;
    this.isPrecious = description.isPrecious;
    this.#isLineWise = description.isLineWise;
    this.#spoolBytes = size;
    this.#usage = usage;
    usage.diskBytes += size;
  }

  static async found(path: string, description: SpoolDescription, usage: SpoolUsage): Promise<LeftoverFile> {
    return new LeftoverFile(path, description, (await stat(path)).size, usage);
  }

  seal(): void {}

  /** A half-written member or line at the end is left out. */
  async body(): Promise<ObjectBody | undefined> {
    if (this.#opened === undefined) {
      const handle = await open(this.path, 'r');
      this.#opened = { handle, fileBytes: await this.#wholeBytes(handle), memory: new Uint8Array() };
    }
    return this.#opened.fileBytes === 0 ? undefined : this.#opened;
  }

  async #wholeBytes(handle: FileHandle): Promise<number> {
    const { size } = await handle.stat();
    if (this.encoding === 'gzip') return wholeMembersEnd(handle, size);
    return this.#isLineWise ? wholeLinesEnd(handle, size) : size;
  }

  async uploaded(): Promise<void> {
    await this.kept();
    this.#usage.diskBytes -= this.#spoolBytes;
    await removePair(this.path);
    await removeEmpty(dirname(this.path));
  }

  async kept(): Promise<void> {
    await this.#opened?.handle?.close().catch(() => undefined);
  }
}
