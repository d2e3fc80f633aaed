import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

/** A request as the stand-in handles it and as a fault hook sees it. */
export interface S3Request {
  readonly method: string;
  /** As sent, with the query. */
  readonly url: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly bucket: string;
  /** Decoded; empty for a request on the bucket itself. */
  readonly key: string;
  /** As sent: still in aws-chunked framing when the client used it. */
  readonly rawBody: Buffer;
  /** The API operation's name, such as `PutObject`. */
  readonly operation: string;
  /** 1 for the first request of this operation, and so on. */
  readonly count: number;
}

/** An answer other than success, with S3's error code. */
export class S3Error extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }

  toXml(): string {
    const text = `<Code>${this.code}</Code><Message>${escapeXml(this.message)}</Message>`;
    return `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${text}<RequestId>1</RequestId></Error>`;
  }
}

export async function readBody(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Path style (`/bucket/key`), or virtual-host style (`bucket.localhost`). */
export function splitPath(url: URL, host: string | undefined): { bucket: string; key: string } {
  const virtual = /^([^.:]+)\.localhost(?::\d+)?$/.exec(host ?? '')?.[1];
  const path = url.pathname.slice(1);
  const slash = path.indexOf('/');
  if (virtual !== undefined) return { bucket: virtual, key: decodeURIComponent(path) };
  if (slash === -1) return { bucket: path, key: '' };
  return { bucket: path.slice(0, slash), key: decodeURIComponent(path.slice(slash + 1)) };
}

const OPERATIONS: readonly [method: string, onKey: boolean, parameter: string, name: string][] = [
  ['POST', true, 'uploads', 'CreateMultipartUpload'],
  ['PUT', true, 'uploadId', 'UploadPart'],
  ['POST', true, 'uploadId', 'CompleteMultipartUpload'],
  ['DELETE', true, 'uploadId', 'AbortMultipartUpload'],
  ['PUT', true, '', 'PutObject'],
  ['GET', true, '', 'GetObject'],
  ['HEAD', true, '', 'HeadObject'],
  ['DELETE', true, '', 'DeleteObject'],
  ['GET', false, 'uploads', 'ListMultipartUploads'],
  ['GET', false, '', 'ListObjectsV2'],
  ['PUT', false, '', 'CreateBucket'],
  ['HEAD', false, '', 'HeadBucket'],
];

export function operationOf(method: string, bucket: string, key: string, query: URLSearchParams): string {
  if (bucket === '') return method === 'GET' ? 'ListBuckets' : 'Unknown';
  const found = OPERATIONS.find(
    ([verb, onKey, parameter]) =>
      verb === method && onKey === (key !== '') && (parameter === '' || query.has(parameter)),
  );
  return found?.[3] ?? 'Unknown';
}

export function escapeXml(text: string): string {
  return text.replace(/[<>&"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
