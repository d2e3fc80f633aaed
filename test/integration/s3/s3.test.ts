import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Secret } from '../../../src/plugin-api/option.ts';
import { numbered, TestBatch } from '../../support/outputHarness.ts';
import type { ProxiedRequest } from '../../support/servers/faultProxy.ts';
import { numbersIn, S3Lab } from './support.ts';

const WAIT = { timeout: 10_000, interval: 20 };

describe('output s3', () => {
  let lab: S3Lab;

  beforeAll(async () => {
    lab = await S3Lab.start();
  }, 120_000);
  afterAll(() => lab.stop());

  it('uploads what is buffered on close, under the names and with the headers of Logstash', async () => {
    const { output, context } = await lab.output({ prefix: 'close/%{+YYYY}/%{+MM}/%{+dd}/', encoding: 'gzip' });
    await output.open?.();
    const batch = new TestBatch(numbered(3));
    await output.write(batch.events);
    expect(batch.settled).toBe(0);
    await output.close();
    expect(batch.isSettled).toBe(true);
    const [object, ...others] = await lab.objects('close/');
    expect(others).toEqual([]);
    expect(object?.key).toMatch(
      /^close\/2020\/10\/20\/ls\.s3\.[0-9a-f-]{36}\.\d{4}-\d\d-\d\dT\d\d\.\d\d\.part0\.txt\.gz$/,
    );
    expect(object?.contentEncoding).toBe('gzip');
    expect(numbersIn([object].filter((found) => found !== undefined))).toEqual([0, 1, 2]);
    const counts = [...context.counters].map(([name, { value }]) => [name, value]);
    expect(Object.fromEntries(counts)).toMatchObject({ objects: 1, lines: 3, bytes: object?.bytes.length });
  });

  it('uploads with encryption, storage class and ACL, by names of its own', async () => {
    const given = { server_side_encryption: true, storage_class: 'REDUCED_REDUNDANCY', canned_acl: 'private' };
    const object_key = '%{+yyyy}/%{tags}-%{part}-%{uuid}.%{extension}';
    const { output } = await lab.output({ ...given, prefix: 'own', object_key, tags: ['a', 'b'], encoding: 'gzip' });
    await output.open?.();
    const batch = new TestBatch(numbered(3));
    await output.write(batch.events);
    await output.close();
    expect(batch.isSettled).toBe(true);
    const objects = await lab.objects('own/');
    expect(objects.map(({ key }) => key)).toEqual([
      expect.stringMatching(/^own\/\d{4}\/a\.b-0-[0-9a-f-]{36}\.txt\.gz$/),
    ]);
    expect(numbersIn(objects)).toEqual([0, 1, 2]);
  });

  it('leaves nothing of its check in the bucket', async () => {
    const objects = await lab.objects('logstash-programmatic-access-test-object-');
    expect(objects).toEqual([]);
  });

  it('ends an object by time although no event comes any more', async () => {
    const { output } = await lab.output({ prefix: 'idle', rotation_strategy: 'time', time_file: 0.005 });
    await output.open?.();
    const batch = new TestBatch(numbered(2));
    await output.write(batch.events);
    await vi.waitFor(() => expect(batch.isSettled).toBe(true), WAIT);
    expect((await lab.objects('idle/')).map(({ lines }) => lines.length)).toEqual([2]);
    await output.close();
    expect(await lab.objects('idle/')).toHaveLength(1);
  });

  it.each(['none', 'gzip'])('ends objects by size, encoding %s', async (encoding) => {
    const { output } = await lab.output({ prefix: `size-${encoding}/`, size_file: 2000, encoding });
    await output.open?.();
    const text = Array.from({ length: 60 }, (_, n) => n * 7919).join(' ');
    const batches = Array.from({ length: 40 }, (_, n) => new TestBatch([{ n, text: `${n} ${text}` }]));
    for (const batch of batches) {
      await output.write(batch.events);
    }
    await output.close();
    expect(batches.every(({ isSettled }) => isSettled)).toBe(true);
    const objects = await lab.objects(`size-${encoding}/`);
    expect(objects.length).toBeGreaterThan(1);
    expect(numbersIn(objects)).toEqual(batches.map((_, n) => n));
    const large = objects.filter(({ bytes }) => bytes.length >= 2000);
    expect(large.length).toBeGreaterThanOrEqual(objects.length - 1);
    const parts = objects.map(({ key }) => Number(/part(\d+)/.exec(key)?.[1])).sort((a, b) => a - b);
    expect(parts).toEqual(objects.map((_, n) => n));
  });

  it('keeps prefixes apart, and replaces what no prefix may hold', async () => {
    const { output } = await lab.output({ prefix: 'multi/%{app}/%{missing}', max_open_files: 2 });
    await output.open?.();
    const batch = new TestBatch(['a', 'b', 'a', 'c', 'x>y', '..', 'ü 한'].map((app, n) => ({ n, app })));
    await output.write(batch.events);
    await output.close();
    expect(batch.isSettled).toBe(true);
    const objects = await lab.objects('multi/');
    const directories = new Set(objects.map(({ key }) => key.split('/')[1]));
    expect([...directories].sort()).toEqual(['__', 'a', 'b', 'c', 'x_y', 'ü 한']);
    expect(objects.every(({ key }) => key.split('/')[2] === '%{missing}')).toBe(true);
    expect(numbersIn(objects)).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  it('uploads a large file in parts', async () => {
    const seen: string[] = [];
    lab.proxy.setRule(({ method, url }) => {
      seen.push(`${method} ${url}`);
      return undefined;
    });
    const { output } = await lab.output({ prefix: 'large/', size_file: 2 ** 30, upload_multipart_threshold: 6e6 });
    await output.open?.();
    const filler = 'x'.repeat(1000);
    const batch = new TestBatch(numbered(12_000).map((fields) => ({ ...fields, filler })));
    await output.write(batch.events);
    await output.close();
    lab.proxy.setRule(undefined);
    expect(seen.filter((call) => call.includes('partNumber=')).length).toBe(3);
    const objects = await lab.objects('large/');
    expect(objects).toHaveLength(1);
    expect(numbersIn(objects)).toHaveLength(12_000);
    expect(batch.isSettled).toBe(true);
  }, 30_000);

  it.each([
    ['the answer to a part is lost', ({ url }) => url.includes('partNumber=2')],
    ['the answer to the completion is lost', ({ method, url }) => method === 'POST' && url.includes('uploadId=')],
  ] as [string, (request: ProxiedRequest) => boolean][])(
    'uploads in parts though %s',
    async (title, isMeant) => {
      let lost = 0;
      lab.proxy.setRule((request) => (isMeant(request) && ++lost === 1 ? { kind: 'loseReply' } : undefined));
      const prefix = `parts/${title.replaceAll(' ', '-')}`;
      const given = { prefix, encoding: 'gzip', gzip_level: 1, size_file: 2 ** 30, upload_multipart_threshold: 6e6 };
      const { output } = await lab.output(given);
      await output.open?.();
      const batch = new TestBatch(
        numbered(300).map((fields) => ({ ...fields, noise: randomBytes(20_000).toString('hex') })),
      );
      await output.write(batch.events);
      await output.close();
      lab.proxy.setRule(undefined);
      expect(lost).toBeGreaterThan(1);
      expect(batch.isSettled).toBe(true);
      expect(numbersIn(await lab.objects(`${prefix}/`))).toHaveLength(300);
    },
    30_000,
  );

  it('settles nothing while S3 is away, and all when it is back', async () => {
    const { output, log, context } = await lab.output({ prefix: 'away/', size_file: 10 });
    await output.open?.();
    lab.proxy.setRule(() => ({ kind: 'reset' }));
    const batch = new TestBatch(numbered(3));
    await output.write(batch.events);
    await vi.waitFor(() => expect(context.counter('upload_failures').value).toBeGreaterThan(1), WAIT);
    expect(batch.settled).toBe(0);
    expect(output.status?.()).toMatchObject({ uploads_waiting: 1 });
    lab.proxy.setRule(undefined);
    await vi.waitFor(() => expect(batch.isSettled).toBe(true), WAIT);
    await output.close();
    expect(numbersIn(await lab.objects('away/'))).toEqual([0, 1, 2]);
    expect(log.filter((line) => line.includes('upload to s3://test-accesslog'))).toEqual([
      expect.stringMatching(/^WARN upload to s3:\/\/test-accesslog fails and is tried again: ECONNRESET/),
      expect.stringMatching(/^INFO upload to s3:\/\/test-accesslog works again after/),
    ]);
  }, 30_000);

  it('uploads once more when the answer was lost, under the same name', async () => {
    const { output } = await lab.output({ prefix: 'lost/', size_file: 10 });
    await output.open?.();
    let left = 1;
    lab.proxy.setRule(() => (left-- > 0 ? { kind: 'loseReply' } : undefined));
    const batch = new TestBatch(numbered(1));
    await output.write(batch.events);
    await output.close();
    lab.proxy.setRule(undefined);
    expect(numbersIn(await lab.objects('lost/'))).toEqual([0]);
  });

  it('says at start that the secret is wrong, without printing it', async () => {
    const { output } = await lab.output({ secret_access_key: new Secret('wrongsecret') });
    const failure = await failureOf(output.open?.());
    expect(failure).toMatch(/SignatureDoesNotMatch: .*the secret key is wrong: check `access_key_id`/);
    expect(failure).not.toContain('wrongsecret');
    await output.close();
  });

  it('says at start that the bucket is missing', async () => {
    const { output } = await lab.output({ bucket: 'no-such-bucket' });
    const failure = await failureOf(output.open?.());
    expect(failure).toMatch(/`no-such-bucket`: NoSuchBucket: .*create it, or correct `bucket`/);
  });

  it('says at start which permission is missing', async () => {
    lab.proxy.setRule(() => ({
      kind: 'answer',
      status: 403,
      headers: { 'content-type': 'application/xml' },
      body: '<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>',
    }));
    const { output } = await lab.output();
    const failure = await failureOf(output.open?.());
    lab.proxy.setRule(undefined);
    expect(failure).toContain('s3:PutObject and s3:DeleteObject on arn:aws:s3:::test-accesslog/logstash-programmatic');
    expect(failure).toContain('validate_credentials_on_root_bucket => false');
  });

  it('starts with a policy that allows only the prefix', async () => {
    const denied = '<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>';
    const headers = { 'content-type': 'application/xml' };
    lab.proxy.setRule(({ url }) =>
      url.startsWith('/test-accesslog/allowed/') ? undefined : { kind: 'answer', status: 403, headers, body: denied },
    );
    const refused = await lab.output({ prefix: 'elsewhere/%{+YYYY}' });
    expect(await failureOf(refused.output.open?.())).toContain('AccessDenied');
    const { output, log } = await lab.output({ prefix: 'allowed/%{+YYYY}' });
    await output.open?.();
    const batch = new TestBatch(numbered(1));
    await output.write(batch.events);
    await output.close();
    lab.proxy.setRule(undefined);
    expect(batch.isSettled).toBe(true);
    expect(log).toContain('INFO objects may be written to allowed/, though not to the root of the bucket');
    expect((await lab.objects('allowed/')).map(({ key }) => key)).toEqual([
      expect.stringMatching(/^allowed\/2020\/ls/),
    ]);
  });

  it('starts while the server has troubles of its own', async () => {
    lab.proxy.setRule(() => ({
      kind: 'answer',
      status: 500,
      headers: {},
      body: '<Error><Code>InternalError</Code></Error>',
    }));
    const { output, log } = await lab.output({ prefix: 'troubled/' });
    await output.open?.();
    lab.proxy.setRule(undefined);
    const batch = new TestBatch(numbered(1));
    await output.write(batch.events);
    await output.close();
    expect(batch.isSettled).toBe(true);
    expect(numbersIn(await lab.objects('troubled/'))).toEqual([0]);
    expect(log.filter((line) => line.startsWith('WARN'))).toEqual([
      expect.stringMatching(
        /^WARN whether bucket `test-accesslog` may be written cannot be told yet, .*: InternalError/,
      ),
    ]);
  });

  it('says at start that nothing answers', async () => {
    const { output } = await lab.output({ endpoint: 'http://127.0.0.1:1' });
    expect(await failureOf(output.open?.())).toMatch(/ECONNREFUSED.*nothing answers at http:\/\/127\.0\.0\.1:1/);
  });
});

async function failureOf(opening: Promise<void> | undefined): Promise<string> {
  return opening === undefined
    ? 'did not open'
    : opening.then(
        () => 'opened',
        (error: Error) => error.message,
      );
}
