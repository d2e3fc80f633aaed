import { describe, expect, it } from 'vitest';
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
