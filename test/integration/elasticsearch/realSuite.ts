/** What only a real search server can show; each runs the common suite too. */
import { describe, expect, it, vi } from 'vitest';
import type { SearchServer } from '../../../scripts/setup/searchServers.ts';
import { runTemplate } from '../../../src/cli/template.ts';
import type { Value } from '../../../src/event/value.ts';
import type { FieldType } from '../../../src/plugin-api/index.ts';
import { numbered, TestBatch } from '../../support/outputHarness.ts';
import { type FaultRule, type Server, startSearchServer } from '../../support/servers/index.ts';
import { kinesisBatch } from '../../unit/plugins/elasticsearch/support.ts';
import { describeCramped, describeSniffing, describeTls } from './realConnections.ts';
import { describeSpoiled } from './realSpoiled.ts';
import { countersOf, describeElasticsearch, jsonFile, type Lab, readIndex } from './suite.ts';

export function describeRealServer(kind: SearchServer): void {
  const name = `${kind.name} ${kind.version}`;
  describeElasticsearch(
    name,
    () => startSearchServer(kind),
    (lab) => {
      describe('templates', () => describeTemplates(kind, lab));
      describe('actions', () => describeActions(lab));
      describe('requests that are refused as a whole', () => describeSpoiled(lab));
      describe('TLS', () => describeTls(lab));
      describe('nodes', () => describeSniffing(lab));
      describe('aliases and data streams', () => describeTargets(kind, lab));
    },
  );
  describe(`elasticsearch output on ${name}, short of room and behind a password`, () => describeCramped(kind));
}

async function call(server: Server, method: string, path: string, body?: object): Promise<Record<string, unknown>> {
  const answer = await fetch(`${server.url}${path}`, {
    method,
    ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  const parsed = (await answer.json()) as Record<string, unknown>;
  expect(answer.status, JSON.stringify(parsed)).toBe(200);
  return parsed;
}

/** Events that hold what the geoip filter makes. */
function located(field: string): Record<string, Value>[] {
  return [{ [field]: { ip: '81.2.69.142', location: { lon: -0.0931, lat: 51.5142 }, latitude: 51.5142 } }];
}

async function fieldTypes(server: Server, index: string): Promise<string> {
  return JSON.stringify(await call(server, 'GET', `/${index}/_mapping`));
}

function describeTemplates(kind: SearchServer, lab: () => Lab): void {
  it('installs its own, of the kind that suits the server', async () => {
    const { server, place, writeAll } = lab();
    const { proxy } = await place();
    const given = { hosts: proxy.url, index: 'logstash-own', template_overwrite: 'true' };
    const { lines } = await writeAll(given, new TestBatch(located('geoip')).events);
    const api = kind.distribution === 'elasticsearch' && !kind.version.startsWith('7') ? 'composable' : 'legacy';
    expect(lines).toContain(`INFO ${api} index template 'logstash' is installed`);
    const mapping = await fieldTypes(server, 'logstash-own');
    expect(mapping).toContain('"location":{"type":"geo_point"}');
    expect(mapping).toContain('"latitude":{"type":"half_float"}');
  });

  const mappings = { properties: { remote_geoip: { properties: { location: { type: 'geo_point' } } } } };

  it.each<[string, (pattern: string) => object]>([
    ['legacy', (pattern) => ({ index_patterns: [pattern], order: 5, mappings })],
    ['composable', (pattern) => ({ index_patterns: [pattern], priority: 300, template: { mappings } })],
  ])('installs a %s one from a file', async (api, contentOf) => {
    const { server, place, writeAll } = lab();
    const { proxy, index } = await place();
    const template = jsonFile(contentOf(`${index}-*`));
    const given = { hosts: proxy.url, index: `${index}-a`, template, template_name: index };
    const { lines } = await writeAll(given, new TestBatch(located('remote_geoip')).events);
    expect(lines).toContain(`INFO ${api} index template '${index}' is installed`);
    expect(await fieldTypes(server, `${index}-a`)).toContain('"location":{"type":"geo_point"}');
  });

  const PLACE: FieldType = { field: '[remote_geoip][location]', type: 'geo_point' };

  it.each<[string, string[]]>([
    ['legacy', ['--legacy']],
    ['composable', []],
  ])('takes the %s one that `template print` makes, and is then content with it', async (api, flags) => {
    const { server, place, writeAll } = lab();
    const { proxy, index } = await place();
    const config = `filter {
      mutate { convert => { "code" => "integer" "took" => "float" "ok" => "boolean" } }
      geoip { source => "remote" target => "remote_geoip" }
    } output { elasticsearch { index => "${index}-%{+YYYYMM}" } }`;
    const given = { hosts: proxy.url, index: `${index}-%{+YYYYMM}`, manage_template: 'false' };
    const warnings = async () => {
      const { lines } = await writeAll(given, [], { fieldTypes: [PLACE] });
      return lines.filter((line) => line.includes('no index template maps remote_geoip.location'));
    };
    expect(await warnings()).toHaveLength(1);
    const path = api === 'legacy' ? '_template' : '_index_template';
    await call(server, 'PUT', `/${path}/${index}`, JSON.parse(await printed(config, flags)) as object);
    expect(await warnings()).toEqual([]);

    const [fields = {}] = located('remote_geoip');
    const batch = new TestBatch([
      { ...fields, code: 200, took: 1.5, ok: true, path: '/a', time: '2026-11-22T09:00:00Z' },
      { code: 404, took: 2, ok: false, path: '/b', time: 'no time' },
    ]);
    const { context } = await writeAll(given, batch.events);
    expect(context.deadLetters).toEqual([]);
    const mapping = await fieldTypes(server, `${index}-202010`);
    for (const part of [
      '"location":{"type":"geo_point"}',
      '"ip":{"type":"ip"}',
      '"code":{"type":"long"}',
      '"took":{"type":"double"}',
      '"ok":{"type":"boolean"}',
      '"path":{"type":"keyword"',
      '"time":{"type":"keyword"',
    ]) {
      expect(mapping).toContain(part);
    }
  });
}

/** What `logstash-ts template print` prints. */
async function printed(config: string, flags: readonly string[]): Promise<string> {
  let text = '';
  const out = vi.spyOn(process.stdout, 'write').mockImplementation(((part: string) => {
    text += part;
    return true;
  }) as typeof process.stdout.write);
  const err = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  try {
    expect(await runTemplate(['print', '-e', config, ...flags], {})).toBe(0);
  } finally {
    out.mockRestore();
    err.mockRestore();
  }
  return text;
}

function describeActions(lab: () => Lab): void {
  const ofIndex = async (index: string) =>
    new Map((await readIndex(lab().server.url, index)).map(({ _id, _source }) => [_id, _source]));

  it('runs scripts, with and without a document', async () => {
    const { place, writeAll } = lab();
    const { proxy, index } = await place();
    const given = {
      hosts: proxy.url,
      index,
      action: 'update',
      document_id: '%{id}',
      script: 'ctx._source.n += params.event.n',
      upsert: '{ "n": 100 }',
    };
    const { context } = await writeAll(given, new TestBatch([3, 4, 5].map((n) => ({ id: 'a', n }))).events);
    expect(context.deadLetters).toEqual([]);
    expect((await ofIndex(index)).get('a')).toEqual({ n: 109 });
  });

  it('upserts JSON of its own', async () => {
    const { place, writeAll } = lab();
    const { proxy, index } = await place();
    const given = { hosts: proxy.url, index, action: 'update', document_id: '1', upsert: '{ "first": "%{text}" }' };
    await writeAll(given, new TestBatch([{ text: 'a' }, { text: 'b' }]).events);
    expect((await ofIndex(index)).get('1')).toMatchObject({ first: 'a', text: 'b' });
  });

  it('takes an external version only when it is newer', async () => {
    const { place, writeAll } = lab();
    const { proxy, index } = await place();
    const given = { hosts: proxy.url, index, document_id: '1', version: '%{v}', version_type: 'external' };
    const batch = new TestBatch([5, 9, 7].map((v) => ({ v })));
    const { lines, context } = await writeAll(given, batch.events);
    expect(batch.isSettled).toBe(true);
    expect((await ofIndex(index)).get('1')).toMatchObject({ v: 9 });
    expect(lines.filter((line) => line.includes('is given up: 409'))).toHaveLength(1);
    expect(countersOf(context)).toMatchObject({ 'documents.successes': 2, 'documents.non_retryable_failures': 1 });
  });

  it('routes documents', async () => {
    const { server, place, writeAll } = lab();
    const { proxy, index } = await place();
    await writeAll({ hosts: proxy.url, index, routing: '%{user}' }, new TestBatch([{ user: 'kim' }]).events);
    await readIndex(server.url, index);
    const { hits } = (await call(server, 'GET', `/${index}/_search`)) as { hits: { hits: object[] } };
    expect(hits.hits).toMatchObject([{ _routing: 'kim' }]);
  });

  it('names an ingest pipeline, and buries what goes to one that is not there', async () => {
    const { server, place, writeAll } = lab();
    const { proxy, index } = await place();
    await call(server, 'PUT', '/_ingest/pipeline/plain', { processors: [] });
    const batch = new TestBatch(['plain', 'missing', ' '].map((way) => ({ way })));
    const { context } = await writeAll({ hosts: proxy.url, index, pipeline: '%{way}' }, batch.events);
    expect(batch.isSettled).toBe(true);
    expect(context.deadLetters.map(({ reason }) => reason)).toEqual([
      expect.stringMatching(/^400 illegal_argument_exception: pipeline with id \[missing\] does not exist/),
    ]);
    expect(await readIndex(server.url, index)).toHaveLength(2);
  });

  it('writes to an index with a placeholder in its name, unless told to bury such events', async () => {
    const { server, place, writeAll } = lab();
    const { proxy, index } = await place();
    const given = { hosts: proxy.url, index: `${index}-%{type}` };
    const events = () => new TestBatch([{ type: 'a' }, {}]).events;
    expect((await writeAll(given, events())).context.deadLetters).toEqual([]);
    expect(await readIndex(server.url, encodeURIComponent(`${index}-%{type}`))).toHaveLength(1);
    const { context } = await writeAll({ ...given, dlq_on_failed_indexname_interpolation: 'true' }, events());
    expect(context.deadLetters).toHaveLength(1);
    expect(await readIndex(server.url, `${index}-a`)).toHaveLength(2);
  });

  it('drops documents by the type of their error', async () => {
    const { place, writeAll } = lab();
    const { proxy, index } = await place();
    await writeAll({ hosts: proxy.url, index }, new TestBatch([{ code: 1 }]).events);
    const given = {
      hosts: proxy.url,
      index,
      drop_error_types: ['mapper_parsing_exception', 'document_parsing_exception'],
    };
    const batch = new TestBatch([{ code: 'text' }]);
    const { context, lines } = await writeAll(given, batch.events);
    expect([batch.isSettled, context.deadLetters]).toEqual([true, []]);
    expect(lines.filter((line) => line.includes('is given up: 400'))).toHaveLength(1);
  });

  it('compresses as far as it is told', async () => {
    const encodings: unknown[] = [];
    const { server, place, writeAll } = lab();
    const { proxy, index } = await place(({ url, headers }) => {
      if (url.startsWith('/_bulk')) encodings.push(headers['content-encoding']);
      return undefined;
    });
    for (const compression_level of ['0', '9']) {
      await writeAll({ hosts: proxy.url, index, compression_level }, new TestBatch(numbered(500)).events);
    }
    expect(encodings).toEqual([undefined, 'gzip']);
    expect(await readIndex(server.url, index)).toHaveLength(1000);
  });
}

function describeTargets(kind: SearchServer, lab: () => Lab): void {
  const ilm: FaultRule = ({ method, url }) => {
    const answer = (body: object) => ({ kind: 'answer' as const, status: 200, body: JSON.stringify(body) });
    if (url.startsWith('/_xpack')) return answer({ features: { ilm: { available: true, enabled: true } } });
    if (url.startsWith('/_ilm/policy') && method === 'GET') return { kind: 'answer', status: 404, body: '{}' };
    return url.startsWith('/_ilm/policy') ? answer({ acknowledged: true }) : undefined;
  };

  if (kind.distribution === 'elasticsearch') {
    it('makes a rollover alias and writes through it; a fake answers for the policies', async () => {
      const { server, place, writeAll } = lab();
      const { proxy, index } = await place(ilm);
      const given = {
        hosts: proxy.url,
        index,
        ilm_enabled: 'auto',
        ilm_rollover_alias: `${index}-ali`,
        manage_template: 'false',
      };
      for (const count of [2, 3]) await writeAll(given, new TestBatch(numbered(count)).events);
      const [behind = ''] = Object.keys(await call(server, 'GET', `/_alias/${index}-ali`));
      expect(behind).toMatch(new RegExp(`^${index}-ali-\\d{4}\\.\\d\\d\\.\\d\\d-000001$`));
      expect(await readIndex(server.url, behind)).toHaveLength(5);
    });
  }

  it('leaves index lifecycle management alone where there is none', async () => {
    const { place, writeAll } = lab();
    const { proxy } = await place();
    const { lines } = await writeAll({ hosts: proxy.url, ilm_enabled: 'auto' }, new TestBatch(numbered(1)).events);
    expect(lines.join('\n')).toMatch(/INFO Index Lifecycle Management is set to 'auto', but will be disabled/);
    const hits = await readIndex(lab().server.url, 'logstash-2020.10.20');
    expect(hits.length).toBeGreaterThan(0);
  });

  if (kind.hasDataStreams) {
    it('creates data streams, and replays into them', async () => {
      const { server, place, writeAll } = lab();
      const { proxy, index } = await place();
      await call(server, 'PUT', `/_index_template/${index}`, {
        index_patterns: [`logs-*-${index}`],
        priority: 300,
        data_stream: {},
      });
      const given = { hosts: proxy.url, data_stream: 'true', data_stream_namespace: index, ilm_enabled: 'auto' };
      for (let n = 0; n < 2; n++) {
        const batch = kinesisBatch(50);
        for (const event of batch.events) event.data['data_stream'] = { dataset: 'access' };
        const { context } = await writeAll(given, batch.events);
        expect(countersOf(context)).toMatchObject({ 'documents.successes': 50, 'documents.non_retryable_failures': 0 });
      }
      const stream = `logs-access-${index}`;
      expect(Object.keys(await call(server, 'GET', `/${stream}`))[0]).toMatch(`.ds-${stream}-`);
      const hits = await readIndex(server.url, stream);
      expect(hits).toHaveLength(50);
      expect(hits[0]?._source['data_stream']).toEqual({ type: 'logs', dataset: 'access', namespace: index });
    });
  }
}
