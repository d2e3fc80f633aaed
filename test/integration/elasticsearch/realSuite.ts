/** What only a real search server can show; each runs the common suite too. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { SearchServer } from '../../../scripts/setup/searchServers.ts';
import type { Value } from '../../../src/event/value.ts';
import { numbered, TestBatch } from '../../support/outputHarness.ts';
import { type FaultRule, type Server, startSearchServer } from '../../support/servers/index.ts';
import { startTlsFront } from '../../support/servers/tlsFront.ts';
import { kinesisBatch } from '../../unit/plugins/elasticsearch/support.ts';
import { countersOf, describeElasticsearch, type Lab, openOutput, readIndex, until } from './suite.ts';

const START_MS = 600_000;

export function describeRealServer(kind: SearchServer): void {
  const name = `${kind.name} ${kind.version}`;
  describeElasticsearch(
    name,
    () => startSearchServer(kind),
    (lab) => {
      describe('templates', () => describeTemplates(kind, lab));
      describe('actions', () => describeActions(lab));
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

function jsonFile(content: object): string {
  const directory = mkdtempSync(join(tmpdir(), 'logstash-ts-template-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, 'template.json');
  writeFileSync(path, JSON.stringify(content));
  return path;
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

function describeTls(lab: () => Lab): void {
  const file = (name: string) => new URL(`../../data/tls/${name}`, import.meta.url).pathname;

  async function front(options: { wantsClient?: boolean } = {}) {
    const started = await startTlsFront(lab().server.url, options);
    onTestFinished(() => started.stop());
    return started;
  }

  it.each([
    ['by the authority', { cacert: file('ca.pem') }],
    ['by authorities', { ssl_certificate_authorities: [file('client.pem'), file('ca.pem')] }],
    ['without a check', { ssl_verification_mode: 'none' }],
    ['by one version', { cacert: file('ca.pem'), ssl_supported_protocols: ['TLSv1.2'] }],
    ['by a suite', { cacert: file('ca.pem'), ssl_cipher_suites: ['TLS_AES_128_GCM_SHA256'] }],
  ])('writes over TLS: %s', async (_name, given) => {
    const { server, place, writeAll } = lab();
    const { index } = await place();
    const batch = new TestBatch(numbered(3));
    await writeAll({ hosts: (await front()).url, index, ...given }, batch.events);
    expect(await readIndex(server.url, index)).toHaveLength(3);
  });

  it.each([
    ['PEM files', { ssl_certificate: file('client.pem'), ssl_key: file('client.key') }],
    ['PKCS #12', { ssl_keystore_path: file('client.p12'), ssl_keystore_password: 'secret12' }],
  ])('shows a client certificate from %s', async (_name, given) => {
    const { server, place, writeAll } = lab();
    const { index } = await place();
    const started = await front({ wantsClient: true });
    await writeAll({ hosts: started.url, index, cacert: file('ca.pem'), ...given }, new TestBatch(numbered(3)).events);
    expect(new Set(started.clients)).toEqual(new Set(['writer']));
    expect(await readIndex(server.url, index)).toHaveLength(3);
  });

  it('sends nothing to a server whose certificate is by a stranger', async () => {
    const { index } = await lab().place();
    const started = await front();
    const { output, lines } = await openOutput({ hosts: started.url, index });
    await until(() => lines.some((line) => /connection to .* fails.*(certificate|issuer)/.test(line)));
    expect(started.clients).toEqual([]);
    await output.close();
  });
}

function describeSniffing(lab: () => Lab): void {
  it('finds the nodes and sends to them', async () => {
    const { server, place } = lab();
    const paths: string[] = [];
    const { proxy, index } = await place(({ url }) => {
      paths.push(url);
      return undefined;
    });
    const { output, lines } = await openOutput({ hosts: proxy.url, index, sniffing: 'true', sniffing_delay: 0.05 });
    await until(() => lines.some((line) => line.includes('the nodes to send to have changed')));
    proxy.setRule(() => ({ kind: 'reset' }));
    const batch = new TestBatch(numbered(10));
    await output.write(batch.events);
    await output.close();
    expect(batch.isSettled).toBe(true);
    expect(paths.filter((path) => path.startsWith('/_bulk'))).toEqual([]);
    expect(await readIndex(server.url, index)).toHaveLength(10);
  });

  it('goes on with the hosts it has when the cluster names none that it can reach', async () => {
    const { server, place } = lab();
    const nodes = { a: { roles: ['data'], http: { publish_address: '127.0.0.1:1' } } };
    let asked = 0;
    const { proxy, index } = await place(({ url }) => {
      if (!url.startsWith('/_nodes')) return undefined;
      asked++;
      return { kind: 'answer', status: 200, body: JSON.stringify({ nodes }) };
    });
    const { output, lines } = await openOutput({ hosts: proxy.url, index, sniffing: 'true', sniffing_delay: 0.2 });
    await until(() => asked > 0);
    const batch = new TestBatch(numbered(10));
    await output.write(batch.events);
    await until(() => batch.isSettled);
    await output.close();
    expect(lines.join('\n')).toMatch(/WARN asking for the nodes of the cluster fails/);
    expect(await readIndex(server.url, index)).toHaveLength(10);
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

/** A write queue this short refuses what comes beside two bulks. */
const SHORT_QUEUE = { 'thread_pool.write.size': 1, 'thread_pool.write.queue_size': 1 };
const AUTH = 'writer:topsecret';

function describeCramped(kind: SearchServer): void {
  let server: Server;
  beforeAll(async () => {
    server = await startSearchServer(kind, { settings: SHORT_QUEUE, auth: AUTH });
  }, START_MS);
  afterAll(() => server?.stop());

  async function count(index: string): Promise<number> {
    const headers = { authorization: `Basic ${btoa(AUTH)}` };
    await fetch(`${server.url}/${index}/_refresh`, { method: 'POST', headers });
    const { count: found } = (await (await fetch(`${server.url}/${index}/_count`, { headers })).json()) as {
      count: number;
    };
    return found;
  }

  it('loses and doubles nothing when its queue is full, and says so in a few lines', async () => {
    const given = { hosts: server.url, index: 'full', user: 'writer', password: 'topsecret' };
    const opened = await Promise.all([0, 1, 2].map(() => openOutput(given)));
    const batches = opened.map((_output, n) => kinesisBatch(20_000, n * 20_000));
    await Promise.all(opened.map(({ output }, n) => output.write(batches[n]?.events ?? [])));
    await Promise.all(opened.map(({ output }) => output.close()));
    expect(batches.map((batch) => batch.isSettled)).toEqual([true, true, true]);
    const totals = opened.map(({ context }) => countersOf(context));
    const sum = (name: string) => totals.reduce((total, counters) => total + (counters[name] ?? 0), 0);
    expect(sum('documents.retryable_failures') + sum('bulk_requests.responses.429')).toBeGreaterThan(0);
    expect(sum('documents.successes')).toBe(60_000);
    expect(await count('full')).toBe(60_000);
    const lines = opened.flatMap((output) => output.lines.filter((line) => line.startsWith('WARN')));
    expect(lines.join('\n')).toMatch(/refused for now with 429|answer 429/);
    expect(lines.length).toBeLessThan(20);
  }, 120_000);

  it('waits while its password is wrong', async () => {
    const { output, lines } = await openOutput({
      hosts: server.url.replace('//', '//writer:guessed@'),
      index: 'secret',
    });
    await until(() => lines.some((line) => line.includes('answer 401, it does not accept the credentials')));
    expect(lines.join()).not.toContain('guessed');
    await output.close();
    const again = await openOutput({ hosts: server.url, index: 'secret', cloud_auth: AUTH });
    const batch = new TestBatch(numbered(3));
    await again.output.write(batch.events);
    await again.output.close();
    expect(await count('secret')).toBe(3);
  });
}
