import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { crc32 } from 'node:zlib';
import { S3Error } from './request.ts';

const CHECKSUM_PREFIX = 'x-amz-checksum-';

export interface DecodedBody {
  readonly bytes: Buffer;
  /** Header name to value of the checksum the client sent (empty when none), to be given back on GET. */
  readonly checksum: Readonly<Record<string, string>>;
}

/** Takes the body out of its aws-chunked framing, and checks its length, MD5 and checksum, whether sent in a header or a trailer. */
export function decodeBody(rawBody: Buffer, headers: IncomingHttpHeaders): DecodedBody {
  const isChunked = String(headers['x-amz-content-sha256'] ?? '').startsWith('STREAMING-');
  const { bytes, trailers } = isChunked
    ? decodeChunks(rawBody)
    : { bytes: rawBody, trailers: new Map<string, string>() };
  const declaredLength = headers['x-amz-decoded-content-length'];
  if (isChunked && declaredLength !== undefined && Number(declaredLength) !== bytes.length) {
    throw new S3Error(400, 'IncompleteBody', 'You did not provide the number of bytes specified in the header.');
  }
  const md5 = headers['content-md5'];
  if (md5 !== undefined && md5 !== createHash('md5').update(bytes).digest('base64')) {
    throw new S3Error(400, 'BadDigest', 'The Content-MD5 you specified did not match what we received.');
  }
  const announced = headers['x-amz-trailer'];
  if (typeof announced === 'string' && !trailers.has(announced)) {
    throw new S3Error(400, 'MalformedTrailerError', `The trailer ${announced} was announced and did not come.`);
  }
  const checksum = findChecksum(headers, trailers);
  if (checksum === undefined) return { bytes, checksum: {} };
  verifyChecksum(checksum, bytes);
  return { bytes, checksum: { [checksum[0]]: checksum[1] } };
}

/** `<hex size>[;chunk-signature=…]\r\n<bytes>\r\n … 0\r\n<trailer>:<value>\r\n…\r\n`. Signatures of single chunks are not checked. */
function decodeChunks(raw: Buffer): { bytes: Buffer; trailers: Map<string, string> } {
  const parts: Buffer[] = [];
  let offset = 0;
  for (;;) {
    const lineEnd = raw.indexOf('\r\n', offset);
    const size = Number.parseInt(raw.toString('latin1', offset, lineEnd), 16);
    if (lineEnd === -1 || Number.isNaN(size)) throw incomplete();
    offset = lineEnd + 2;
    if (size === 0) return { bytes: Buffer.concat(parts), trailers: parseTrailers(raw.toString('latin1', offset)) };
    if (offset + size + 2 > raw.length) throw incomplete();
    parts.push(raw.subarray(offset, offset + size));
    offset += size + 2;
  }
}

function incomplete(): S3Error {
  return new S3Error(400, 'IncompleteBody', 'The request body terminated unexpectedly.');
}

function parseTrailers(text: string): Map<string, string> {
  const lines = text.split(/\r?\n/).filter((line) => line.includes(':'));
  return new Map(
    lines.map((line) => [line.slice(0, line.indexOf(':')).trim(), line.slice(line.indexOf(':') + 1).trim()]),
  );
}

function findChecksum(
  headers: IncomingHttpHeaders,
  trailers: ReadonlyMap<string, string>,
): readonly [string, string] | undefined {
  const all = [...trailers, ...Object.entries(headers)];
  for (const [name, value] of all) {
    const isKind = name === `${CHECKSUM_PREFIX}algorithm` || name === `${CHECKSUM_PREFIX}type`;
    if (name.startsWith(CHECKSUM_PREFIX) && !isKind && typeof value === 'string') return [name, value];
  }
  return undefined;
}

function verifyChecksum([name, value]: readonly [string, string], bytes: Buffer): void {
  const algorithm = name.slice(CHECKSUM_PREFIX.length);
  if (computeChecksum(algorithm, bytes) === value) return;
  const label = algorithm.toUpperCase();
  throw new S3Error(400, 'BadDigest', `The ${label} you specified did not match the calculated checksum.`);
}

/** Base64 of the checksum as S3 writes it. */
export function computeChecksum(algorithm: string, bytes: Buffer): string {
  switch (algorithm) {
    case 'crc32':
      return bigEndian(crc32(bytes));
    case 'crc32c':
      return bigEndian(crc32c(bytes));
    case 'sha1':
    case 'sha256':
      return createHash(algorithm).update(bytes).digest('base64');
    default:
      throw new S3Error(501, 'NotImplemented', `This stand-in cannot compute the checksum ${algorithm}.`);
  }
}

function bigEndian(value: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes.toString('base64');
}

const CASTAGNOLI = 0x82f63b78;

function crc32c(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ CASTAGNOLI : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}
