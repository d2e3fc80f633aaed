import { randomBytes } from 'node:crypto';
import { PassThrough } from 'node:stream';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FakeS3, startApart, startFakeS3 } from '../../support/servers/index.ts';

const KEYS = { accessKeyId: 'AKDEMO', secretAccessKey: 'demo/secret+key' };
const BUCKET = 'test-accesslog';
const binary = randomBytes(300_000);

let server: FakeS3;
let client: S3Client;
const faults = new Map<string, Parameters<typeof startFakeS3>[0]['respond']>();

function connect(endpoint: string, credentials = KEYS): S3Client {
  return new S3Client({ endpoint, credentials, region: 'ap-northeast-2', forcePathStyle: true, maxAttempts: 1 });
}

beforeAll(async () => {
  const respond = (request: Parameters<NonNullable<Parameters<typeof startFakeS3>[0]['respond']>>[0]) =>
    faults.get(request.key)?.(request);
  server = await startFakeS3({ ...KEYS, buckets: [BUCKET], respond });
  client = connect(server.url);
});

afterAll(async () => {
  client.destroy();
  await server.stop();
});

async function put(key: string, body: Buffer, more: object = {}): Promise<void> {
  await client.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: body, ...more }));
}

async function get(key: string): Promise<Buffer> {
  const answer = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key: key }));
  return Buffer.from((await answer.Body?.transformToByteArray()) ?? []);
}

describe('S3 stand-in with the AWS SDK', () => {
  it('gives binary bodies back unchanged under the default checksums', async () => {
    await put('a/b.bin', binary);
    expect(Buffer.compare(await get('a/b.bin'), binary)).toBe(0);
    expect(server.objects(BUCKET).get('a/b.bin')?.headers).toHaveProperty('x-amz-checksum-crc32');
  });

  it.each(['CRC32C', 'SHA1', 'SHA256'] as const)('verifies %s', async (algorithm) => {
    await put(`sum-${algorithm}`, binary, { ChecksumAlgorithm: algorithm });
    expect(Buffer.compare(await get(`sum-${algorithm}`), binary)).toBe(0);
  });

  it('takes a streamed body out of its aws-chunked framing', async () => {
    let framing: unknown;
    faults.set('streamed', ({ headers, method }) => {
      if (method === 'PUT') framing = headers['x-amz-content-sha256'];
      return undefined;
    });
    const body = new PassThrough();
    const sent = client.send(
      new PutObjectCommand({ Bucket: BUCKET, Key: 'streamed', Body: body, ContentLength: binary.length }),
    );
    for (let offset = 0; offset < binary.length; offset += 70_000) body.write(binary.subarray(offset, offset + 70_000));
    body.end();
    await sent;
    expect(framing).toBe('STREAMING-UNSIGNED-PAYLOAD-TRAILER');
    expect(Buffer.compare(await get('streamed'), binary)).toBe(0);
  });

  it('keeps keys with signs, non-ASCII text, content encoding and ACL', async () => {
    const key = '한글/2026/11/ls.s3.a b+c=d&e.txt.gz';
    await put(key, binary, { ContentEncoding: 'gzip', ACL: 'private', StorageClass: 'STANDARD' });
    const head = await client.send(new HeadObjectCommand({ Bucket: BUCKET, Key: key }));
    expect(head).toMatchObject({ ContentEncoding: 'gzip', ContentLength: binary.length });
    expect(server.objects(BUCKET).get(key)?.headers).toMatchObject({ 'x-amz-acl': 'private' });
    expect(Buffer.compare(await get(key), binary)).toBe(0);
  });

  it('lists by prefix in pages and deletes', async () => {
    for (const name of ['1', '2', '3']) await put(`list/${name}`, Buffer.from(name));
    const first = await client.send(new ListObjectsV2Command({ Bucket: BUCKET, Prefix: 'list/', MaxKeys: 2 }));
    expect([first.IsTruncated, first.Contents?.map(({ Key }) => Key)]).toEqual([true, ['list/1', 'list/2']]);
    const token = { ContinuationToken: first.NextContinuationToken };
    const rest = await client.send(new ListObjectsV2Command({ Bucket: BUCKET, Prefix: 'list/', ...token }));
    expect(rest.Contents?.map(({ Key, Size }) => [Key, Size])).toEqual([['list/3', 1]]);
    await client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: 'list/1' }));
    await expect(get('list/1')).rejects.toMatchObject({ name: 'NoSuchKey' });
  });

  it('puts a multipart upload together', async () => {
    const body = randomBytes(11 * 1024 * 1024 + 17);
    const params = { Bucket: BUCKET, Key: 'large', Body: body, ContentEncoding: 'gzip' };
    await new Upload({ client, params, partSize: 5 * 1024 * 1024 }).done();
    expect(Buffer.compare(await get('large'), body)).toBe(0);
    expect(server.objects(BUCKET).get('large')).toMatchObject({
      etag: expect.stringMatching(/^"[0-9a-f]{32}-3"$/),
      headers: { 'content-encoding': 'gzip' },
    });
    expect(server.openUploads()).toBe(0);
  });

  it('aborts a multipart upload whose part fails', async () => {
    faults.set('doomed', ({ operation }) =>
      operation === 'UploadPart' ? { error: { status: 500, code: 'InternalError' } } : undefined,
    );
    const params = { Bucket: BUCKET, Key: 'doomed', Body: randomBytes(6 * 1024 * 1024) };
    await expect(new Upload({ client, params }).done()).rejects.toThrow();
    expect([server.openUploads(), server.objects(BUCKET).has('doomed')]).toEqual([0, false]);
  });

  it('makes buckets and knows those that are not there', async () => {
    await client.send(new CreateBucketCommand({ Bucket: 'made-now' }));
    await client.send(new HeadBucketCommand({ Bucket: 'made-now' }));
    await expect(client.send(new HeadBucketCommand({ Bucket: 'absent' }))).rejects.toMatchObject({ name: 'NotFound' });
    const toAbsent = new PutObjectCommand({ Bucket: 'absent', Key: 'a', Body: 'b' });
    await expect(client.send(toAbsent)).rejects.toMatchObject({ name: 'NoSuchBucket' });
  });

  it.each([
    ['an unknown key', { ...KEYS, accessKeyId: 'AKOTHER' }, 'InvalidAccessKeyId'],
    ['a wrong secret', { ...KEYS, secretAccessKey: 'other' }, 'SignatureDoesNotMatch'],
  ])('refuses %s with 403', async (_case, credentials, code) => {
    const stranger = connect(server.url, credentials);
    const attempt = stranger.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'no', Body: 'no' }));
    await expect(attempt).rejects.toMatchObject({ name: code, $metadata: { httpStatusCode: 403 } });
    stranger.destroy();
  });

  it('refuses a body that does not match its checksum', async () => {
    const wrong = new PutObjectCommand({ Bucket: BUCKET, Key: 'wrong', Body: 'text', ChecksumCRC32: 'AAAAAA==' });
    await expect(client.send(wrong)).rejects.toMatchObject({ name: 'BadDigest' });
    expect(server.objects(BUCKET).has('wrong')).toBe(false);
  });

  it('executes and loses the answer, or resets before, by the fault hook', async () => {
    faults.set('lost', () => ({ reset: 'after' }));
    faults.set('never', () => ({ reset: 'before' }));
    await expect(put('lost', binary)).rejects.toThrow();
    await expect(put('never', binary)).rejects.toThrow();
    expect([server.objects(BUCKET).has('lost'), server.objects(BUCKET).has('never')]).toEqual([true, false]);
  });

  it('runs as a process of its own', async () => {
    const apart = await startApart('s3', { ...KEYS, buckets: [BUCKET] });
    const other = connect(apart.url);
    await other.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'k', Body: 'v' }));
    const answer = await other.send(new GetObjectCommand({ Bucket: BUCKET, Key: 'k' }));
    expect([apart.name, await answer.Body?.transformToString()]).toEqual(['s3 stand-in', 'v']);
    other.destroy();
    await apart.stop();
    await expect(fetch(apart.url)).rejects.toThrow();
  });
});
