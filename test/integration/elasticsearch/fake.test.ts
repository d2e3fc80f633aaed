import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { numbered, TestBatch } from '../../support/outputHarness.ts';
import { startFakeElasticsearch } from '../../support/servers/index.ts';
import { freePort } from '../../support/servers/server.ts';
import { describeElasticsearch, openOutput } from './suite.ts';

describeElasticsearch('the stand-in', startFakeElasticsearch);

describe('elasticsearch output on stand-ins of other kinds', () => {
  it.each([
    ['6.8.23', 'doc'],
    ['7.17.29', undefined],
    ['8.19.21', undefined],
    ['9.5.3', undefined],
  ])('version %s: `_type` is %s', async (version, type) => {
    const server = await startFakeElasticsearch({ version });
    const { output } = await openOutput({ hosts: server.url, index: 'logs' });
    await output.write(new TestBatch(numbered(1)).events);
    await output.close();
    const line = server.requests.find(({ path }) => path === '/_bulk')?.body.split('\n')[0] ?? '';
    expect(JSON.parse(line)).toEqual({ index: { _index: 'logs', ...(type && { _type: type }) } });
    await server.stop();
  });

  it('a server that goes and comes back at its address', async () => {
    const port = await freePort();
    const before = await startFakeElasticsearch({ port });
    const { output, lines } = await openOutput({ hosts: before.url, index: 'logs' });
    const [first, second] = [new TestBatch(numbered(5)), new TestBatch(numbered(7))];
    await output.write(first.events);
    await expect.poll(() => first.isSettled).toBe(true);
    await before.stop();
    await output.write(second.events);
    await expect.poll(() => lines.some((line) => /ECONNREFUSED|closed|reset/i.test(line))).toBe(true);
    const after = await startFakeElasticsearch({ port });
    await output.close();
    expect(second.isSettled).toBe(true);
    expect(after.documents('logs').size).toBe(7);
    await after.stop();
  });
});

it("says of the user's pipeline which of its indices will not show places", async () => {
  const server = await startFakeElasticsearch();
  onTestFinished(() => server.stop());
  const dataPath = mkdtempSync(join(tmpdir(), 'logstash-ts-seed-'));
  onTestFinished(() => rmSync(dataPath, { recursive: true, force: true }));
  const database = new URL('../../data/geoip/GeoLite2-ASN-Test.mmdb', import.meta.url).pathname;
  const seed = readFileSync(new URL('../../data/seed.conf', import.meta.url), 'utf8')
    .replace(
      /kinesis \{[\s\S]*?codec => json \{ \}/,
      'generator { count => 1 message => \'{"logtype":"api-requestlog"}\' codec => json { }',
    )
    .replace(/ s3 \{[\s\S]*?\n {4}\}/, '')
    .replace(/database => ".*"/, `database => "${database}"`)
    .replaceAll('localhost:9200', server.url);
  const child = spawn(process.execPath, ['src/cli/main.ts', '-e', seed, '--path.data', dataPath]);
  const [log] = await Promise.all([text(child.stderr), text(child.stdout)]);
  expect(log.match(/no index template maps .* as geo_point/g)).toEqual([
    expect.stringMatching(/^no index template maps remote_geoip\.location of accesslog-\d{6} as geo_point$/),
  ]);
  expect(server.indices()).toEqual([expect.stringMatching(/^api-requestlog-\d{6}$/)]);
});
