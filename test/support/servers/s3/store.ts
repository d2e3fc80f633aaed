import { createHash, randomUUID } from 'node:crypto';
import { S3Error } from './request.ts';

export interface StoredObject {
  readonly bytes: Buffer;
  readonly etag: string;
  /** Headers of the PUT that a GET gives back, and `x-amz-acl`, `x-amz-storage-class`, … for tests to look at. */
  readonly headers: Readonly<Record<string, string>>;
  readonly lastModified: Date;
}

interface Upload {
  readonly bucket: string;
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly parts: Map<number, { bytes: Buffer; etag: string }>;
}

const PART_BYTES_MIN = 5 * 1024 * 1024;

/** Buckets, objects and open multipart uploads, in memory. */
export class S3Store {
  readonly buckets = new Map<string, Map<string, StoredObject>>();
  readonly uploads = new Map<string, Upload>();

  bucket(name: string): Map<string, StoredObject> {
    const found = this.buckets.get(name);
    if (found === undefined) throw new S3Error(404, 'NoSuchBucket', `The specified bucket does not exist: ${name}`);
    return found;
  }

  object(bucket: string, key: string): StoredObject {
    const found = this.bucket(bucket).get(key);
    if (found === undefined) throw new S3Error(404, 'NoSuchKey', 'The specified key does not exist.');
    return found;
  }

  put(bucket: string, key: string, bytes: Buffer, headers: Readonly<Record<string, string>>): StoredObject {
    const object = { bytes, etag: `"${md5(bytes).toString('hex')}"`, headers, lastModified: new Date() };
    this.bucket(bucket).set(key, object);
    return object;
  }

  createUpload(bucket: string, key: string, headers: Readonly<Record<string, string>>): string {
    this.bucket(bucket);
    const id = randomUUID();
    this.uploads.set(id, { bucket, key, headers, parts: new Map() });
    return id;
  }

  putPart(id: string, number: number, bytes: Buffer): string {
    const etag = `"${md5(bytes).toString('hex')}"`;
    this.upload(id).parts.set(number, { bytes, etag });
    return etag;
  }

  /** Puts the named parts together in the order given, as S3 does: its ETag is the MD5 of the parts' MD5s, then their number. */
  completeUpload(id: string, wanted: readonly { number: number; etag: string }[]): StoredObject {
    const upload = this.upload(id);
    const parts = wanted.map(({ number, etag }, position) => {
      const part = upload.parts.get(number);
      if (part?.etag !== `"${etag}"`) throw new S3Error(400, 'InvalidPart', `Part ${number} could not be found.`);
      const isLast = position === wanted.length - 1;
      if (!isLast && part.bytes.length < PART_BYTES_MIN) {
        throw new S3Error(400, 'EntityTooSmall', 'Your proposed upload is smaller than the minimum allowed size');
      }
      return part.bytes;
    });
    const etag = `"${md5(Buffer.concat(parts.map(md5))).toString('hex')}-${parts.length}"`;
    const object = { bytes: Buffer.concat(parts), etag, headers: upload.headers, lastModified: new Date() };
    this.bucket(upload.bucket).set(upload.key, object);
    this.uploads.delete(id);
    return object;
  }

  abortUpload(id: string): void {
    this.upload(id);
    this.uploads.delete(id);
  }

  upload(id: string): Upload {
    const found = this.uploads.get(id);
    if (found === undefined) throw new S3Error(404, 'NoSuchUpload', 'The specified multipart upload does not exist.');
    return found;
  }
}

function md5(bytes: Buffer): Buffer {
  return createHash('md5').update(bytes).digest();
}
