import type { IncomingMessage, ServerResponse } from 'node:http';
import { operations } from './s3/operations.ts';
import { operationOf, readBody, S3Error, type S3Request, splitPath } from './s3/request.ts';
import { verifySignature } from './s3/signature.ts';
import { S3Store, type StoredObject } from './s3/store.ts';
import { type Server, startHttp } from './server.ts';

export type { S3Request } from './s3/request.ts';
export type { StoredObject } from './s3/store.ts';

/** What a fault hook may ask for instead of the plain answer. */
export interface S3Fault {
  /** An error answer in S3's form; nothing is executed. */
  readonly error?: { readonly status: number; readonly code: string; readonly message?: string };
  /** `before`: the connection is reset and nothing executed. `after`: executed, the answer is lost. */
  readonly reset?: 'before' | 'after';
  readonly delayMs?: number;
}

export interface FakeS3Options {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly buckets?: readonly string[];
  readonly port?: number;
  readonly respond?: (request: S3Request) => S3Fault | undefined;
}

export interface FakeS3 extends Server {
  /** The objects of a bucket by key, for a test to look into. */
  objects(bucket: string): ReadonlyMap<string, StoredObject>;
  openUploads(): number;
}

/** A small S3: signatures and checksums are checked, the whole is in memory. */
export async function startFakeS3(options: FakeS3Options): Promise<FakeS3> {
  const store = new S3Store();
  for (const bucket of options.buckets ?? []) store.buckets.set(bucket, new Map());
  const credentials = new Map([[options.accessKeyId, options.secretAccessKey]]);
  const counts = new Map<string, number>();

  const handle = async (message: IncomingMessage, response: ServerResponse) => {
    const request = await toRequest(message, counts);
    response.setHeader('x-amz-request-id', '1');
    try {
      verifySignature(request, credentials);
      const fault = options.respond?.(request);
      if (fault?.delayMs) await new Promise((done) => setTimeout(done, fault.delayMs));
      if (fault?.error) throw new S3Error(fault.error.status, fault.error.code, fault.error.message ?? 'by a test');
      if (fault?.reset === 'before') return message.socket.resetAndDestroy();
      const operation = operations[request.operation];
      if (operation === undefined) throw new S3Error(501, 'NotImplemented', `${request.method} ${request.url}`);
      const { status = 200, headers = {}, body } = operation(store, request);
      if (fault?.reset === 'after') return message.socket.resetAndDestroy();
      response.writeHead(status, headers).end(body);
    } catch (error) {
      sendError(request, response, error);
    }
  };
  const server = await startHttp(
    's3 stand-in',
    '1',
    (message, response) => void handle(message, response).catch(() => message.socket.destroy()),
    options.port,
  );
  return { ...server, objects: (bucket) => store.bucket(bucket), openUploads: () => store.uploads.size };
}

async function toRequest(message: IncomingMessage, counts: Map<string, number>): Promise<S3Request> {
  const url = new URL(message.url ?? '/', 'http://stand-in');
  const { bucket, key } = splitPath(url, message.headers.host);
  const method = message.method ?? 'GET';
  const operation = operationOf(method, bucket, key, url.searchParams);
  const count = (counts.get(operation) ?? 0) + 1;
  counts.set(operation, count);
  const rawBody = await readBody(message);
  return {
    method,
    url: message.url ?? '/',
    query: url.searchParams,
    headers: message.headers,
    bucket,
    key,
    rawBody,
    operation,
    count,
  };
}

function sendError(request: S3Request, response: ServerResponse, error: unknown): void {
  const known = error instanceof S3Error ? error : new S3Error(500, 'InternalError', String(error));
  response.writeHead(known.status, { 'content-type': 'application/xml' });
  response.end(request.method === 'HEAD' ? undefined : known.toXml());
}
