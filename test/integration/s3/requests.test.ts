import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { numbered, TestBatch } from '../../support/outputHarness.ts';
import type { ProxiedRequest } from '../../support/servers/faultProxy.ts';
import { listen } from '../../support/servers/server.ts';
import { S3Lab } from './support.ts';

describe('requests of output s3', () => {
  let lab: S3Lab;

  beforeAll(async () => {
    lab = await S3Lab.start();
  }, 120_000);
  afterAll(() => lab.stop());

  /** The requests of one run that writes one event; each is answered as S3 would. */
  async function requestsOf(given: Record<string, unknown>, refusesAcl = false): Promise<ProxiedRequest[]> {
    const seen: ProxiedRequest[] = [];
    lab.proxy.setRule((request) => {
      seen.push(request);
      if (!refusesAcl || request.headers['x-amz-acl'] === undefined) return { kind: 'answer', status: 200 };
      const body = '<Error><Code>AccessControlListNotSupported</Code><Message>no ACLs</Message></Error>';
      return { kind: 'answer', status: 400, headers: { 'content-type': 'application/xml' }, body };
    });
    const { output } = await lab.output(given);
    await output.open?.();
    const batch = new TestBatch(numbered(1));
    await output.write(batch.events);
    await output.close();
    lab.proxy.setRule(undefined);
    expect(batch.isSettled).toBe(true);
    return seen;
  }

  it('check the root of the bucket as Logstash does, then upload', async () => {
    const calls = (await requestsOf({})).map(({ method, url }) => `${method} ${url.split('?')[0]}`);
    expect(calls).toEqual([
      expect.stringMatching(/^PUT \/test-accesslog\/logstash-programmatic-access-test-object-\d+$/),
      expect.stringMatching(/^DELETE \/test-accesslog\/logstash-programmatic-access-test-object-\d+$/),
      expect.stringMatching(/^PUT \/test-accesslog\/ls\.s3\./),
    ]);
  });

  it.each([
    [{}, { 'x-amz-acl': 'private', 'x-amz-storage-class': 'STANDARD', 'x-amz-server-side-encryption': undefined }],
    [
      { canned_acl: 'bucket-owner-full-control', storage_class: 'STANDARD_IA', server_side_encryption: true },
      {
        'x-amz-acl': 'bucket-owner-full-control',
        'x-amz-storage-class': 'STANDARD_IA',
        'x-amz-server-side-encryption': 'AES256',
      },
    ],
    [
      { server_side_encryption: true, server_side_encryption_algorithm: 'aws:kms', ssekms_key_id: 'K1' },
      { 'x-amz-server-side-encryption': 'aws:kms', 'x-amz-server-side-encryption-aws-kms-key-id': 'K1' },
    ],
    [{ ssekms_key_id: 'K1' }, { 'x-amz-server-side-encryption-aws-kms-key-id': undefined }],
    [{ encoding: 'gzip' }, { 'content-encoding': 'gzip' }],
    [{ encoding: 'none' }, { 'content-encoding': undefined }],
  ])('carry %j as headers', async (given, expected) => {
    const upload = (await requestsOf(given)).at(-1);
    for (const [name, value] of Object.entries(expected)) expect(upload?.headers[name]).toBe(value);
  });

  it('go without an ACL to a bucket that has none', async () => {
    const acls = (await requestsOf({}, true)).map(({ method, headers }) => `${method} ${headers['x-amz-acl']}`);
    expect(acls).toEqual(['PUT private', 'PUT undefined', 'DELETE undefined', 'PUT undefined']);
  });

  it('go through proxy_uri', async () => {
    const asked: string[] = [];
    const proxy = createServer((request, response) => {
      asked.push(`${request.method} ${request.url?.split('?')[0]}`);
      request.resume().on('end', () => response.end());
    });
    const port = await listen(proxy, 0);
    const proxy_uri = `http://127.0.0.1:${port}`;
    const { output } = await lab.output({ endpoint: 'http://s3.example.invalid', proxy_uri });
    await output.open?.();
    await output.close();
    proxy.closeAllConnections();
    await new Promise((done) => proxy.close(done));
    expect(asked[0]).toMatch(/^PUT http:\/\/s3\.example\.invalid\/test-accesslog\/logstash-programmatic/);
  });
});
