import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FakeElasticsearch, startApart, startFakeElasticsearch } from '../../support/servers/index.ts';

let server: FakeElasticsearch;

beforeAll(async () => {
  server = await startFakeElasticsearch({
    respond: ({ path }) =>
      path === '/busy/_bulk' ? { answer: { status: 429, headers: { 'retry-after': '1' }, body: {} } } : undefined,
    respondItem: ({ id }) =>
      id === 'refused' ? { status: 400, type: 'mapper_parsing_exception', reason: 'by a test' } : undefined,
  });
});

afterAll(() => server.stop());

async function call(method: string, path: string, body?: string | Uint8Array, headers: Record<string, string> = {}) {
  const type = { 'content-type': 'application/x-ndjson', ...headers };
  const answer = await fetch(server.url + path, { method, headers: type, ...(body !== undefined && { body }) });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, body: text === '' ? undefined : JSON.parse(text) };
}

function ndjson(...lines: object[]): string {
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}

describe('Elasticsearch stand-in', () => {
  it('says its version and lives at the root', async () => {
    expect((await call('GET', '/')).body.version).toMatchObject({ number: '7.9.2', build_flavor: 'oss' });
    expect((await call('HEAD', '/')).status).toBe(200);
    expect((await call('GET', '/_cluster/health')).body.status).toBe('green');
  });

  it('carries out each bulk action with its own status', async () => {
    const body = ndjson(
      { index: { _index: 'logs', _id: '1' } },
      { a: 1 },
      { create: { _index: 'logs', _id: '1' } },
      { a: 2 },
      { create: { _index: 'logs', _id: '2' } },
      { a: 3 },
      { index: { _index: 'logs' } },
      { a: 4 },
      { update: { _index: 'logs', _id: '1' } },
      { doc: { b: 5 } },
      { update: { _index: 'logs', _id: 'none' } },
      { doc: { b: 6 } },
      { update: { _index: 'logs', _id: 'new' } },
      { doc: { b: 7 }, doc_as_upsert: true },
      { delete: { _index: 'logs', _id: '2' } },
      { delete: { _index: 'logs', _id: 'none' } },
      { index: { _index: 'logs', _id: 'refused' } },
      { a: 8 },
      { index: { _index: 'Logs-%{x}', _id: '9' } },
      { a: 9 },
    );
    const { body: answer } = await call('POST', '/_bulk', body);
    const statuses = answer.items.map((item: object) => Object.values(item)[0].status);
    expect(statuses).toEqual([201, 409, 201, 201, 200, 404, 201, 200, 404, 400, 400]);
    expect([answer.errors, answer.items[1].create.error.type]).toEqual([true, 'version_conflict_engine_exception']);
    const documents = server.documents('logs');
    expect(documents.get('1')).toMatchObject({ source: '{"a":1,"b":5}', version: 2 });
    expect([...documents.keys()]).toEqual(['1', expect.stringMatching(/^[\w-]{20}$/), 'new']);
  });

  it.each([
    ['an integer beyond a long', '{"size":18446744073709551615}', 400],
    ['the largest long', '{"size":9223372036854775807}', 201],
    ['a double beyond its range', '{"f":1e400}', 400],
    ['a dotted key under a value', '{"path":"/","path.with.dots":1}', 400],
    ['a dotted key alone', '{"dotted.key":1}', 201],
    ['an object where values are', '{"a":{"b":1}}', 400],
    ['a value in an array where values are', '{"a":[2,null,"text"]}', 201],
  ])('maps %s as the real one', async (_case, document, status) => {
    await call('POST', '/_bulk', `{"index":{"_index":"mapped","_id":"first"}}\n{"a":1}\n`);
    const { body } = await call('POST', '/_bulk', `{"index":{"_index":"mapped","_id":"${_case}"}}\n${document}\n`);
    expect(body.items[0].index.status).toBe(status);
  });

  it('counts, lists and searches', async () => {
    await call('POST', '/_bulk', ndjson({ index: { _index: 'c-1', _id: 'x' } }, { n: 1 }));
    await call('POST', '/_bulk', ndjson({ index: { _index: 'c-2', _id: 'y' } }, { n: 2 }));
    expect((await call('GET', '/c-*/_count')).body.count).toBe(2);
    expect((await call('POST', '/_refresh')).status).toBe(200);
    expect((await call('GET', '/_cat/indices/c-*?format=json')).body).toMatchObject([
      { index: 'c-1', 'docs.count': '1' },
      { index: 'c-2', 'docs.count': '1' },
    ]);
    expect((await call('GET', '/c-2/_search?size=5')).body.hits).toMatchObject({
      total: { value: 1 },
      hits: [{ _index: 'c-2', _id: 'y', _source: { n: 2 } }],
    });
    expect((await call('GET', '/c-2/_doc/y')).body).toMatchObject({ found: true, _source: { n: 2 } });
    expect((await call('GET', '/none/_search')).status).toBe(404);
  });

  it('takes templates, gzip bodies and deletion of an index', async () => {
    expect((await call('HEAD', '/_template/logstash')).status).toBe(404);
    expect((await call('PUT', '/_template/logstash', '{"index_patterns":["logstash-*"]}')).status).toBe(200);
    expect((await call('GET', '/_template/logstash')).body.logstash.index_patterns).toEqual(['logstash-*']);
    const packed = gzipSync(ndjson({ index: { _index: 'gone', _id: '1' } }, { a: 1 }));
    await call('POST', '/_bulk', packed, { 'content-encoding': 'gzip' });
    expect(server.documents('gone').size).toBe(1);
    expect((await call('DELETE', '/gone')).body).toEqual({ acknowledged: true });
    expect((await call('HEAD', '/gone')).status).toBe(404);
  });

  it.each([
    ['no newline at the end', '{"index":{"_index":"a"}}\n{}', 'newline'],
    ['a malformed action line', '{"put":{}}\n{}\n', 'Malformed action/metadata line [1]'],
    ['an empty body', '\n', 'no requests added'],
  ])('refuses a bulk with %s', async (_case, body, reason) => {
    const answer = await call('POST', '/_bulk', body);
    expect([answer.status, answer.body.error.reason]).toEqual([400, expect.stringContaining(reason)]);
  });

  it('answers by the fault hook', async () => {
    const answer = await call('POST', '/busy/_bulk', ndjson({ index: {} }, { a: 1 }));
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '1']);
    expect(server.requests.filter(({ path }) => path === '/busy/_bulk')).toHaveLength(1);
  });

  it('runs as a process of its own, with a password', async () => {
    const apart = await startApart('elasticsearch', { version: '8.19.0', auth: 'elastic:secret' });
    const authorization = `Basic ${Buffer.from('elastic:secret').toString('base64')}`;
    expect((await fetch(apart.url)).status).toBe(401);
    const allowed = await fetch(apart.url, { headers: { authorization } });
    expect(await allowed.json()).toMatchObject({ version: { number: '8.19.0' } });
    await apart.stop();
    await expect(fetch(apart.url)).rejects.toThrow();
  });
});
