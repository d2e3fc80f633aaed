import { describe, expect, it } from 'vitest';
import type { FieldType } from '../../../../src/plugin-api/index.ts';
import type { WireAnswer } from '../../../../src/plugins/outputs/elasticsearch/wire.ts';
import { bench, FakeWire, type Given } from './support.ts';

const PLACE: FieldType = { field: '[remote_geoip][location]', type: 'geo_point' };
const OTHER: FieldType = { field: '[geo][there]', type: 'geo_point' };
const INDEX = { index: 'access-%{+YYYYMM}', manage_template: 'false' };

const point = { properties: { location: { type: 'geo_point' } } };
const MAPPED = { properties: { remote_geoip: point } };
const ok = (body: object): WireAnswer => ({ status: 200, text: JSON.stringify(body) });

/** What the server says of its templates. */
interface Templates {
  /** The answer to the simulation of an index. */
  readonly simulated?: WireAnswer;
  readonly legacy?: WireAnswer;
}

async function start(given: Given, { simulated = ok({}), legacy = ok({}) }: Templates, fieldTypes = [PLACE]) {
  const wire = new FakeWire();
  const asked: string[] = [];
  wire.onOther = ({ method, path }) => {
    if (path === '/') return undefined;
    asked.push(`${method} ${path}`);
    if (method === 'POST') return simulated;
    return path.startsWith('/_template') ? legacy : undefined;
  };
  const { output, clock, log } = bench({ ...INDEX, ...given }, wire, { fieldTypes });
  await clock.advance(0);
  await output.close();
  return { asked, lines: log.lines.filter((line) => line.includes('geo_point')) };
}

const template = (index_patterns: string | string[], mappings: object) => ok({ x: { index_patterns, mappings } });

describe('the check of templates at the start', () => {
  it('says in one line that no template maps a place, and how to get one that does', async () => {
    const { asked, lines } = await start({}, {}, [PLACE, OTHER]);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(
      /^WARN no index template maps remote_geoip\.location and geo\.there of access-\d{6} as geo_point: .*`logstash-ts template print -f <configuration>`/,
    );
    expect(asked[0]).toMatch(/^POST \/_index_template\/_simulate_index\/access-\d{6}$/);
    expect(asked[1]).toBe('GET /_template');
  });

  it.each<[string, Templates]>([
    ['a composable template', { simulated: ok({ template: { mappings: MAPPED } }) }],
    ['a legacy template', { legacy: template('access-*', MAPPED) }],
    ['one of several patterns', { legacy: template(['other', 'acc*-*'], MAPPED) }],
    ['a legacy template for a server of version 6', { legacy: template('access-*', { doc: MAPPED }) }],
    [
      'a dynamic template by path',
      {
        legacy: template('*', {
          dynamic_templates: [{ p: { path_match: '*_geoip.location', mapping: { type: 'geo_point' } } }],
        }),
      },
    ],
    [
      'a dynamic template by name',
      { legacy: template('*', { dynamic_templates: [{ p: { match: 'location', mapping: { type: 'geo_point' } } }] }) },
    ],
  ])('is content with %s', async (_name, templates) => {
    expect((await start({}, templates)).lines).toEqual([]);
  });

  it.each<[string, Templates]>([
    ['for other indices', { legacy: template('logstash-*', MAPPED) }],
    ['for names with a dot that stands for itself', { legacy: template('access.*', MAPPED) }],
    ['for another field', { legacy: template('*', { properties: { geoip: point } }) }],
    ['hidden by a composable one', { simulated: ok({ template: {} }), legacy: template('*', MAPPED) }],
    [
      'with another type',
      { legacy: template('*', { properties: { remote_geoip: { properties: { location: { type: 'object' } } } } }) },
    ],
    [
      'with another dynamic template',
      { legacy: template('*', { dynamic_templates: [{ p: { match: 'place', mapping: { type: 'geo_point' } } }] }) },
    ],
    ['beside a server that simulates nothing', { simulated: { status: 400, text: '' }, legacy: template('x', MAPPED) }],
  ])('is not content with one %s', async (_name, templates) => {
    expect((await start({}, templates)).lines).toHaveLength(1);
  });

  it('says nothing where it cannot know', async () => {
    const refused = { simulated: { status: 403, text: '' }, legacy: { status: 403, text: '' } };
    expect((await start({}, refused)).lines).toEqual([]);
    expect((await start({}, { legacy: { status: 200, text: '<html>' } })).lines).toEqual([]);
    expect(await start({ index: '%{type}-%{+YYYY}' }, {})).toEqual({ asked: [], lines: [] });
  });

  it('asks nothing when no filter makes places', async () => {
    expect((await start({}, {}, [{ field: 'code', type: 'integer' }])).asked).toEqual([]);
  });

  it('looks at the data stream that is written to', async () => {
    const { asked } = await start({ index: 'logstash-%{+yyyy.MM.dd}', data_stream: 'true' }, {});
    expect(asked[0]).toBe('POST /_index_template/_simulate_index/logs-generic-default');
  });
});
