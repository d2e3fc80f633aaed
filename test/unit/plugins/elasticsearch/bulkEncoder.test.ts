import { describe, expect, it } from 'vitest';
import { Event } from '../../../../src/event/event.ts';
import type { Value } from '../../../../src/event/value.ts';
import { Float } from '../../../../src/event/value.ts';
import { Bulk } from '../../../../src/plugins/outputs/elasticsearch/bulk.ts';
import { BulkEncoder } from '../../../../src/plugins/outputs/elasticsearch/bulkEncoder.ts';
import { ASSUMED_DIALECT, dialectOf } from '../../../../src/plugins/outputs/elasticsearch/dialect.ts';
import { TextBuffer } from '../../../../src/util/textBuffer.ts';
import { type Given, parseBulkBody, parseOptions } from './support.ts';

const AT = Date.UTC(2020, 9, 20, 3, 56);

function event(fields: Record<string, Value>, origin?: string): Event {
  const made = Event.fromMap({ ...fields }, AT);
  made.origin = origin;
  return made;
}

function encode(given: Given, one: Event, version = '7.9.2') {
  const bulk = new Bulk(0, new TextBuffer(16));
  new BulkEncoder(parseOptions(given)).encode(one, bulk, dialectOf({ distribution: 'elasticsearch', version }));
  return parseBulkBody(bulk.body())[0];
}

function meta(given: Given, fields: Record<string, Value> = {}, version = '7.9.2') {
  const item = encode(given, event(fields), version);
  return { [item?.action ?? '']: item?.meta };
}

it('refuses an index without a name, also as the first one', () => {
  expect(() => meta({ index: '%{a}' }, { a: '' })).toThrow('its index has no name');
});

describe('action lines', () => {
  const index = 'logs';
  it.each<[string, Given, Record<string, Value>, object]>([
    ['the default index', {}, {}, { index: { _index: 'logstash-2020.10.20' } }],
    ['an index by month', { index: 'accesslog-%{+YYYYMM}' }, {}, { index: { _index: 'accesslog-202010' } }],
    ['an index by field', { index: '%{logtype}-x' }, { logtype: 'a"b' }, { index: { _index: 'a"b-x' } }],
    ['a field that is missing', { index: '%{logtype}-x' }, {}, { index: { _index: '%{logtype}-x' } }],
    [
      'half a surrogate pair, on which servers hang',
      { index: '%{a}', routing: '%{a}' },
      { a: 'x\ud800' },
      { index: { _index: 'x\ufffd', routing: 'x\ufffd' } },
    ],
    ['an id', { index, document_id: '%{id}' }, { id: 7 }, { index: { _index: index, _id: '7' } }],
    ['create', { index, action: 'create' }, {}, { create: { _index: index } }],
    [
      'update',
      { index, action: 'update', document_id: '1' },
      {},
      { update: { _index: index, _id: '1', retry_on_conflict: 1 } },
    ],
    ['delete', { index, action: 'delete', document_id: '1' }, {}, { delete: { _index: index, _id: '1' } }],
    ['an action by field', { index, action: '%{do}' }, { do: 'create' }, { create: { _index: index } }],
    ['routing', { index, routing: '%{user}' }, { user: 'u' }, { index: { _index: index, routing: 'u' } }],
    ['a pipeline', { index, pipeline: '%{p}' }, { p: 'geo' }, { index: { _index: index, pipeline: 'geo' } }],
    ['a pipeline that comes to nothing', { index, pipeline: '%{p}' }, { p: ' ' }, { index: { _index: index } }],
    ['a parent', { index, parent: '%{p}' }, { p: '9' }, { index: { _index: index, parent: '9' } }],
    [
      'a version',
      { index, document_id: '1', version: '%{v}', version_type: 'external' },
      { v: 4 },
      { index: { _index: index, _id: '1', version: '4', version_type: 'external' } },
    ],
    ['a type', { index, document_type: '%{t}' }, { t: 'log' }, { index: { _index: index, _type: 'log' } }],
  ])('%s', (_name, given, fields, expected) => {
    expect(meta(given, fields)).toEqual(expected);
  });

  it('follow the version of the server', () => {
    const update = { index, action: 'update', document_id: '1', document_type: 'log' };
    expect(meta({ index }, {}, '6.8.0')).toEqual({ index: { _index: index, _type: 'doc' } });
    expect(meta(update, {}, '6.8.0')).toMatchObject({ update: { _type: 'log', _retry_on_conflict: 1 } });
    expect(meta(update, {}, '8.19.0')).toEqual({ update: { _index: index, _id: '1', retry_on_conflict: 1 } });
    expect(dialectOf({ distribution: 'opensearch', version: '2.19.1' }).takesType).toBe(false);
  });

  it('written before the version was known are translated', () => {
    const bulk = new Bulk(0, new TextBuffer(16));
    const encoder = new BulkEncoder(parseOptions({ index, action: '%{do}', document_id: '1', routing: 'r' }));
    for (const action of ['index', 'update', 'delete']) encoder.encode(event({ do: action }), bulk, ASSUMED_DIALECT);
    const translated = parseBulkBody(
      bulk.translated(dialectOf({ distribution: 'elasticsearch', version: '6.8.0' })).body(),
    );
    const common = { _index: index, _id: '1', routing: 'r', _type: 'doc' };
    expect(translated.map((item) => [item.action, item.meta])).toEqual([
      ['index', common],
      ['update', { ...common, _retry_on_conflict: 1 }],
      ['delete', common],
    ]);
    expect(translated[0]?.body).toEqual(parseBulkBody(bulk.body())[0]?.body);
  });

  it('go to the alias of index lifecycle management, also when written before it was known', () => {
    const encoder = new BulkEncoder(parseOptions({ index: 'a-%{n}', dlq_on_failed_indexname_interpolation: 'true' }));
    const dialect = { ...ASSUMED_DIALECT, alias: 'logs' };
    const [early, late] = [new Bulk(0, new TextBuffer(16)), new Bulk(0, new TextBuffer(16))];
    encoder.encode(event({ n: 1 }), early, ASSUMED_DIALECT);
    encoder.encode(event({}), late, dialect);
    const indices = [early.translated(dialect), late].map((bulk) => parseBulkBody(bulk.body())[0]?.meta['_index']);
    expect(indices).toEqual(['logs', 'logs']);
  });
});

describe('ids of events that can come again', () => {
  const origin = 'logs/shardId-000000000003/49590338271490256608559692538361571095921575989136588898/0';

  it.each<[string, Given, string, string | undefined]>([
    ['index becomes create', {}, 'create', origin],
    ['create stays', { action: 'create' }, 'create', origin],
    ['not when turned off', { idempotent: 'false' }, 'index', undefined],
    ['not with an id of its own', { document_id: 'mine' }, 'index', 'mine'],
    ['not with a version', { version: '3' }, 'index', undefined],
    ['not for update', { action: 'update', document_id: 'mine' }, 'update', 'mine'],
  ])('%s', (_name, given, action, id) => {
    const item = encode({ index: 'logs', ...given }, event({}, origin));
    expect([item?.action, item?.meta['_id']]).toEqual([action, id]);
  });

  it('are legal however long the name of the record is, and stay apart', () => {
    const ids = ['x', 'y'].map((end) => encode({}, event({}, `${'é'.repeat(300)}${end}`))?.meta['_id'] as string);
    expect(ids[0]).toMatch(/^[\w-]{43}$/);
    expect(ids[1]).not.toBe(ids[0]);
  });

  it('are not made for sources that cannot replay', () => {
    expect(meta({ index: 'logs' })).toEqual({ index: { _index: 'logs' } });
  });
});

describe('documents', () => {
  it('keep number forms and every character', () => {
    const bulk = new Bulk(0, new TextBuffer(16));
    const fields = { float: new Float(1), big: 2n ** 60n, text: 'é\n€𝄞"\u2028' };
    new BulkEncoder(parseOptions()).encode(event(fields), bulk, ASSUMED_DIALECT);
    const line = bulk.body().toString().split('\n')[1];
    expect(line).toBe(
      '{"float":1.0,"big":1152921504606846976,"text":"é\\n€𝄞\\"\u2028","@version":"1","@timestamp":"2020-10-20T03:56:00.000Z"}',
    );
  });

  it('of a child name their parent, and the event stays as it is', () => {
    const child = event({ join: 'answer', question: '12' });
    const item = encode({ index: 'qa', parent: '%{question}', join_field: 'join' }, child);
    expect(item?.meta).toEqual({ _index: 'qa', routing: '12' });
    expect(item?.body).toMatchObject({ join: { name: 'answer', parent: '12' } });
    expect(child.data['join']).toBe('answer');
  });

  const update = { index: 'i', action: 'update', document_id: '1' };
  const document = { a: 1, '@version': '1', '@timestamp': '2020-10-20T03:56:00.000Z' };
  it.each<[string, Given, object]>([
    ['doc', {}, { doc: document }],
    ['doc_as_upsert', { doc_as_upsert: 'true' }, { doc: document, doc_as_upsert: true }],
    ['upsert', { upsert: '{"n":%{a}}' }, { doc: document, upsert: { n: 1 } }],
    [
      'script',
      { script: 'ctx._source.n += params.event.a' },
      { script: { params: { event: document }, source: 'ctx._source.n += params.event.a', lang: 'painless' } },
    ],
    [
      'stored script',
      { script: 'count', script_type: 'indexed', script_var_name: 'e' },
      { script: { params: { e: document }, id: 'count' } },
    ],
    [
      'script and upsert',
      { script: 's', upsert: '{"n":0}' },
      { script: { params: { event: document }, source: 's', lang: 'painless' }, upsert: { n: 0 } },
    ],
    [
      'scripted upsert',
      { script: 's', scripted_upsert: 'true' },
      { script: { params: { event: document }, source: 's', lang: 'painless' }, scripted_upsert: true, upsert: {} },
    ],
  ])('of an update: %s', (_name, given, expected) => {
    expect(encode({ ...update, ...given }, event({ a: 1 }))?.body).toEqual(expected);
  });

  it.each<[string, Given, Record<string, Value>, RegExp]>([
    ['an unknown action', { action: '%{do}' }, { do: 'upsert' }, /'upsert' is no action/],
    ['an upsert that is no JSON', { ...update, upsert: '{%{a}' }, { a: 1 }, /upsert is no JSON/],
    ['an id too long', { document_id: 'é'.repeat(257) }, {}, /longer than 512 bytes/],
    ['an illegal reference', { index: '%{a[b]}' }, {}, /Invalid FieldReference/],
    [
      'an index whose field is missing, when asked to',
      { index: 'a-%{type}', dlq_on_failed_indexname_interpolation: 'true' },
      {},
      /still contains placeholder: \[a-%\{type\}\]/,
    ],
  ])('are refused with %s', (_name, given, fields, message) => {
    expect(() => encode(given, event(fields))).toThrow(message);
  });
});
