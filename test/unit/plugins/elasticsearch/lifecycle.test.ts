import { describe, expect, it } from 'vitest';
import type { WireAnswer } from '../../../../src/plugins/outputs/elasticsearch/wire.ts';
import { numbered, TestBatch } from '../../../support/outputHarness.ts';
import { bench, FakeWire, type Given, serverInfo } from './support.ts';

const ILM = { features: { ilm: { available: true, enabled: true } } };

interface Cluster {
  readonly version?: string;
  readonly distribution?: string;
  /** The answer to `GET /_xpack`. */
  readonly xpack?: WireAnswer;
  readonly aliases?: readonly string[];
  readonly policies?: readonly string[];
  readonly onAlias?: WireAnswer;
}

const ok = (body: object = {}): WireAnswer => ({ status: 200, text: JSON.stringify(body) });

/** A fake cluster as far as index lifecycle management sees one. */
function cluster({ version = '7.9.2', distribution, xpack = ok(ILM), ...rest }: Cluster = {}): FakeWire {
  const wire = new FakeWire();
  const policies = new Set(rest.policies);
  wire.info = () => serverInfo(version, distribution);
  wire.onOther = ({ method, path }) => {
    if (path === '/_xpack') return xpack;
    const policy = /^\/_ilm\/policy\/(.*)$/.exec(path)?.[1];
    if (policy !== undefined && method === 'PUT') policies.add(policy);
    if (policy !== undefined) return policies.has(policy) ? ok() : { status: 404, text: '' };
    if (method === 'HEAD' && rest.aliases?.includes(path.slice(1))) return ok();
    return method === 'PUT' && path.startsWith('/%3C') ? rest.onAlias : undefined;
  };
  return wire;
}

async function start(given: Given, wire: FakeWire) {
  const opened = bench(given, wire);
  const batch = new TestBatch(numbered(1));
  void opened.output.write(batch.events);
  await opened.clock.advance(50);
  const calls = wire.others.map(({ method, path }) => `${method} ${decodeURIComponent(path)}`);
  const index = wire.bulks[0]?.[0]?.meta['_index'];
  return { ...opened, batch, calls, index };
}

describe('index lifecycle management', () => {
  it('is in use for the default index, by Logstash 7.9.2 in this order', async () => {
    const { output, wire, calls, index, log } = await start({}, cluster());
    expect(calls).toEqual([
      'GET /',
      'GET /_xpack',
      'HEAD /_template/logstash',
      'PUT /_template/logstash',
      'HEAD /logstash',
      'PUT /<logstash-{now/d}-000001>',
      'GET /_ilm/policy/logstash-policy',
      'PUT /_ilm/policy/logstash-policy',
    ]);
    const bodyOf = (call: string) => JSON.parse(wire.others[calls.indexOf(call)]?.body ?? '{}');
    expect(bodyOf('PUT /_template/logstash')).toMatchObject({
      index_patterns: ['logstash-*'],
      settings: { 'index.lifecycle.name': 'logstash-policy', 'index.lifecycle.rollover_alias': 'logstash' },
    });
    expect(bodyOf('PUT /<logstash-{now/d}-000001>')).toEqual({ aliases: { logstash: { is_write_index: true } } });
    expect(bodyOf('PUT /_ilm/policy/logstash-policy')).toEqual({
      policy: { phases: { hot: { actions: { rollover: { max_size: '50gb', max_age: '30d' } } } } },
    });
    expect(index).toBe('logstash');
    expect(log.lines.filter((line) => /WARN|ERROR/.test(line))).toEqual([]);
    await output.close();
  });

  it('with an alias, a pattern and a policy of its own overrides the index', async () => {
    const given = {
      index: 'access-%{+YYYYMM}',
      ilm_rollover_alias: 'access',
      ilm_pattern: '000001',
      ilm_policy: 'weekly',
    };
    const { output, calls, index, log } = await start(given, cluster({ version: '8.19.21', policies: ['weekly'] }));
    expect(calls.slice(2)).toEqual([
      'HEAD /_index_template/access',
      'PUT /_index_template/access',
      'HEAD /access',
      'PUT /<access-000001>',
      'GET /_ilm/policy/weekly',
    ]);
    expect(index).toBe('access');
    expect(log.lines).toContain('WARN Overwriting supplied index access-%{+YYYYMM} with rollover alias access');
    await output.close();
  });

  it('puts the settings of a composable template where they belong', async () => {
    const { output, wire, calls } = await start({}, cluster({ version: '9.5.3' }));
    const put = wire.others[calls.indexOf('PUT /_index_template/logstash')];
    expect(JSON.parse(put?.body ?? '')).toMatchObject({
      index_patterns: ['logstash-*'],
      priority: 200,
      template: { settings: { 'index.lifecycle.name': 'logstash-policy', 'index.refresh_interval': '5s' } },
    });
    await output.close();
  });

  it('takes an alias and a policy that are there', async () => {
    const there = { aliases: ['logstash'], policies: ['logstash-policy'] };
    const { output, calls, index } = await start({ manage_template: 'false' }, cluster(there));
    expect(calls.slice(2)).toEqual(['HEAD /logstash', 'GET /_ilm/policy/logstash-policy']);
    expect(index).toBe('logstash');
    await output.close();
  });

  it('takes an alias that another worker has just made', async () => {
    const exists = { status: 400, text: '{"error":{"type":"resource_already_exists_exception","reason":"x"}}' };
    const { output, batch } = await start({}, cluster({ onAlias: exists }));
    expect(batch.isSettled).toBe(true);
    await output.close();
  });

  it.each<[string, Given, Cluster, RegExp | undefined]>([
    ['an index of its own', { index: 'access' }, {}, undefined],
    ['an index of its own, and ilm_enabled', { index: 'access', ilm_enabled: 'true' }, {}, /WARN `ilm_enabled` has no/],
    ['switched off', { ilm_enabled: 'false' }, {}, undefined],
    ['OpenSearch', {}, { distribution: 'opensearch', version: '2.19.1' }, /disabled - opensearch has no such thing/],
    ['version 6', {}, { version: '6.8.23' }, /disabled - the cluster is before 7/],
    ['the OSS distribution', {}, { xpack: { status: 400, text: '{"error":"no handler found"}' } }, /is not installed/],
    ['an older OSS one', {}, { xpack: { status: 404, text: '' } }, /is not installed/],
    ['no licence', {}, { xpack: ok({ features: { ilm: { available: false } } }) }, /is not available/],
    ['switched off there', {}, { xpack: ok({ features: { ilm: { available: true } } }) }, /is not enabled/],
  ])('is not in use: %s', async (_name, given, like, line) => {
    const { output, index, calls, log } = await start(given, cluster(like));
    expect(index).toBe(given['index'] ?? 'logstash-2020.10.20');
    expect(calls.filter((call) => call.includes('_ilm'))).toEqual([]);
    if (line !== undefined) expect(log.lines.join('\n')).toMatch(line);
    await output.close();
  });

  it.each<[string, Given, Cluster, RegExp]>([
    [
      'is asked for and not there',
      { ilm_enabled: 'true' },
      { xpack: { status: 404, text: '' } },
      /`ilm_enabled` is true, but.*not installed/,
    ],
    ['may not be asked about', {}, { xpack: { status: 403, text: '' } }, /index lifecycle management: answer 403/],
    ['has no such policy', { ilm_policy: 'weekly' }, {}, /the lifecycle policy 'weekly' is not there/],
    [
      'cannot make its alias',
      {},
      { onAlias: { status: 400, text: '{"error":{"type":"illegal","reason":"no"}}' } },
      /'logstash' is not made: answer 400, illegal: no/,
    ],
  ])('lets events wait, and says why, when it %s', async (_name, given, like, message) => {
    const { output, batch, clock, log, wire } = await start(given, cluster(like));
    await clock.advance(60_000);
    expect([wire.bulks, batch.settled]).toEqual([[], 0]);
    const said = log.lines.filter((line) => line.startsWith('WARN connection to'));
    expect(said[0]).toMatch(message);
    expect(said[0]).toMatch(/; events wait$/);
    expect(said.length).toBeLessThan(5);
    wire.onOther = ({ method, path }) =>
      path === '/_xpack' ? ok(ILM) : method === 'PUT' || path.startsWith('/_ilm') ? ok() : undefined;
    await clock.advance(10_000);
    expect(batch.isSettled).toBe(true);
    await output.close();
  });
});

describe('the kind of the index template', () => {
  const calls = async (given: Given, like: Cluster) => {
    const { output, calls: all } = await start({ index: 'logs', ...given }, cluster(like));
    await output.close();
    return all.filter((call) => call.startsWith('PUT'));
  };

  it.each<[string, Given, Cluster, string]>([
    ['7.9.2', {}, {}, 'PUT /_template/logstash'],
    ['8', {}, { version: '8.19.21' }, 'PUT /_index_template/logstash'],
    ['9', {}, { version: '9.5.3' }, 'PUT /_index_template/logstash'],
    ['OpenSearch', {}, { distribution: 'opensearch', version: '3.5.0' }, 'PUT /_template/logstash'],
    ['by option on 7', { template_api: 'composable' }, {}, 'PUT /_index_template/logstash'],
    ['by option on 9', { template_api: 'legacy' }, { version: '9.5.3' }, 'PUT /_template/logstash'],
    ['a name', { template_name: 'a/b' }, {}, 'PUT /_template/a/b'],
  ])('%s', async (_name, given, like, call) => {
    expect(await calls(given, like)).toEqual([call]);
  });
});
