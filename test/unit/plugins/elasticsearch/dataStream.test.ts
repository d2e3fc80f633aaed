import { describe, expect, it } from 'vitest';
import type { Value } from '../../../../src/event/value.ts';
import { elasticsearch } from '../../../../src/plugins/outputs/elasticsearch/index.ts';
import { TestBatch } from '../../../support/outputHarness.ts';
import { reportFault } from '../../../support/pluginContext.ts';
import { bench, FakeWire, type Given, kinesisBatch, parseOptions, serverInfo } from './support.ts';

const ON: Given = { data_stream: 'true' };

/** Action, data stream and document of what one event becomes. */
async function sent(given: Given, fields: Record<string, Value>) {
  const wire = new FakeWire();
  const { output, clock } = bench({ ...ON, ...given }, wire);
  const [event] = new TestBatch([fields]).events;
  if (event !== undefined) void output.write([event]);
  await clock.advance(50);
  await output.close();
  const item = wire.bulks[0]?.[0];
  const document = item?.body as Record<string, unknown>;
  return { action: item?.action, stream: item?.meta['_index'], parts: document['data_stream'], event };
}

describe('data streams', () => {
  const DEFAULTS = { type: 'logs', dataset: 'generic', namespace: 'default' };
  const OWN = { type: 'metrics', dataset: 'nginx' };

  it.each<[string, Given, Record<string, Value>, string, object | undefined]>([
    ['by default', {}, {}, 'logs-generic-default', DEFAULTS],
    [
      'by option',
      { data_stream_type: 'traces', data_stream_dataset: 'api', data_stream_namespace: 'prod' },
      {},
      'traces-api-prod',
      { type: 'traces', dataset: 'api', namespace: 'prod' },
    ],
    ['by the event', {}, { data_stream: OWN }, 'metrics-nginx-default', { ...OWN, namespace: 'default' }],
    ['not by the event', { data_stream_auto_routing: 'false' }, { data_stream: OWN }, 'logs-generic-default', DEFAULTS],
    ['by nulls', {}, { data_stream: { type: null, dataset: 'x' } }, 'logs-x-default', { ...DEFAULTS, dataset: 'x' }],
    ['by no map', {}, { data_stream: 'nginx' }, 'logs-generic-default', DEFAULTS],
    ['without fields', { data_stream_sync_fields: 'false' }, {}, 'logs-generic-default', undefined],
    ['with its fields alone', { data_stream_sync_fields: 'false' }, { data_stream: OWN }, 'metrics-nginx-default', OWN],
    ['with more beside', {}, { data_stream: { a: 1 } }, 'logs-generic-default', { ...DEFAULTS, a: 1 }],
  ])('are named %s', async (_name, given, fields, stream, parts) => {
    const got = await sent(given, fields);
    expect(got).toMatchObject({ action: 'create', stream });
    expect(got.parts).toEqual(parts);
    // Another output may write the same event.
    expect(got.event?.data['data_stream']).toEqual(fields['data_stream']);
  });

  it('need no template, and ask nothing but the version', async () => {
    const { output, wire, clock } = bench(ON);
    await clock.advance(0);
    expect(wire.others.map(({ method, path }) => `${method} ${path}`)).toEqual(['GET /']);
    await output.close();
  });

  it('keep the ids of a source that can replay', async () => {
    const { output, wire, clock } = bench(ON);
    const batch = kinesisBatch(1);
    void output.write(batch.events);
    await clock.advance(50);
    expect(wire.bulks[0]?.[0]).toMatchObject({ action: 'create', meta: { _id: batch.events[0]?.origin } });
    await output.close();
  });

  it('wait for a server that has them', async () => {
    const wire = new FakeWire();
    wire.info = () => serverInfo('7.8.1');
    const { output, clock, log } = bench(ON, wire);
    await clock.advance(1000);
    expect(log.lines.at(-1)).toMatch(/data streams need Elasticsearch 7\.9 or later, this is 7\.8\.1; events wait$/);
    await output.close();
  });

  it.each<[string, Given, RegExp]>([
    ['an index', { ...ON, index: 'logs' }, /`index` does not go with data streams/],
    ['a template', { ...ON, template_overwrite: 'true' }, /`template_overwrite` does not go/],
    ['lifecycle management', { ...ON, ilm_enabled: 'true' }, /`ilm_enabled` does not go/],
    ['an upsert', { ...ON, doc_as_upsert: 'true' }, /`doc_as_upsert` does not go/],
    ['another action', { ...ON, action: 'update', document_id: 'x' }, /takes only `create`/],
    ['a bad name', { ...ON, data_stream_dataset: 'a/b' }, /part of a data stream's name/],
    ['an empty name', { ...ON, data_stream_namespace: '' }, /part of a data stream's name/],
    ['a long name', { ...ON, data_stream_namespace: 'é'.repeat(51) }, /part of a data stream's name/],
    ['a name without them', { data_stream_dataset: 'x' }, /only with `data_stream => true`/],
    ['a name with auto', { data_stream: 'auto', data_stream_sync_fields: 'false' }, /only with `data_stream => true`/],
  ])('refuse %s', (_name, given, message) => {
    expect(() => elasticsearch.check?.(parseOptions(given), reportFault)).toThrow(message);
  });

  it.each<[string, Given]>([
    ['create', { ...ON, action: 'create' }],
    ['what goes with them', { ...ON, routing: 'x', pipeline: 'y', document_id: '%{id}', manage_template: 'false' }],
    ['no data streams', { data_stream: 'false' }],
  ])('take %s', (_name, given) => {
    expect(() => elasticsearch.check?.(parseOptions(given), reportFault)).not.toThrow();
  });
});
