import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { S3Error } from './request.ts';

/** Access key to secret. */
export type Credentials = ReadonlyMap<string, string>;

interface SignedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly rawBody: Buffer;
}

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request,\s*SignedHeaders=([^,]+),\s*Signature=([0-9a-f]{64})$/;

/** Checks Signature Version 4 in the Authorization header and the hash of the body; throws what S3 answers. */
export function verifySignature(request: SignedRequest, credentials: Credentials): void {
  const authorization = request.headers.authorization;
  if (authorization === undefined) throw new S3Error(403, 'AccessDenied', 'The request is not signed.');
  const match = AUTHORIZATION.exec(authorization);
  if (match === null) {
    throw new S3Error(
      400,
      'AuthorizationHeaderMalformed',
      'The authorization header is not Signature Version 4 for s3.',
    );
  }
  const [, accessKey = '', date = '', region = '', signedHeaders = '', signature = ''] = match;
  const secret = credentials.get(accessKey);
  if (secret === undefined) {
    throw new S3Error(403, 'InvalidAccessKeyId', 'The AWS Access Key Id you provided does not exist in our records.');
  }
  const scope = `${date}/${region}/s3/aws4_request`;
  const timestamp = header(request.headers, 'x-amz-date');
  const canonical = sha256(canonicalRequest(request, signedHeaders.split(';')));
  const text = ['AWS4-HMAC-SHA256', timestamp, scope, canonical].join('\n');
  const key = ['s3', 'aws4_request'].reduce(hmac, hmac(hmac(Buffer.from(`AWS4${secret}`), date), region));
  if (!timingSafeEqual(hmac(key, text), Buffer.from(signature, 'hex'))) {
    throw new S3Error(
      403,
      'SignatureDoesNotMatch',
      'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
    );
  }
  verifyBodyHash(request);
}

function canonicalRequest(request: SignedRequest, signedHeaders: readonly string[]): string {
  const [path = '', query = ''] = request.url.split('?', 2);
  const parameters = query
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => (pair.includes('=') ? pair : `${pair}=`))
    .sort();
  const headers = signedHeaders.map((name) => `${name}:${header(request.headers, name).trim().replace(/ +/g, ' ')}\n`);
  return [
    request.method,
    path,
    parameters.join('&'),
    headers.join(''),
    signedHeaders.join(';'),
    header(request.headers, 'x-amz-content-sha256'),
  ].join('\n');
}

function verifyBodyHash(request: SignedRequest): void {
  const declared = header(request.headers, 'x-amz-content-sha256');
  const isHash = /^[0-9a-f]{64}$/.test(declared);
  if (isHash && declared !== createHash('sha256').update(request.rawBody).digest('hex')) {
    throw new S3Error(400, 'XAmzContentSHA256Mismatch', 'The provided x-amz-content-sha256 does not match the body.');
  }
}

function header(headers: IncomingHttpHeaders, name: string): string {
  const value = headers[name];
  return Array.isArray(value) ? value.join(',') : (value ?? '');
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
