/**
 * Twenty behaviours of Logstash 7.9.2 under the user's own pipeline that a naive port gets wrong. Where ours differs on
 * purpose, ours is tested, and `documented` names the heading of docs/compatibility.md that tells why.
 */
import dns from 'node:dns';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { MmdbWriter } from '../../scripts/geoip/mmdbWriter.ts';
import { compile } from '../../src/compiler/index.ts';
import { registry } from '../../src/plugins/index.ts';
import { ARRIVAL_MS, DATABASES, type SeedLab, seedText, withSeed } from './seedLab.ts';

const LONDON = '81.2.69.142';
const ACCESS = 'accesslog-202010';
const page = readFileSync(new URL('../../docs/compatibility.md', import.meta.url), 'utf8');
const documented = (heading: string) => expect(page).toContain(`### ${heading}\n`);

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

/** The documents of one index after these events went through. */
async function documentsOf(index: string, ...events: object[]): Promise<Record<string, unknown>[]> {
  return withSeed({}, async (lab) => {
    await lab.putEvents(...events);
    await lab.finish();
    return lab.documents(index).map(({ source }) => source);
  });
}

/** What an access log of this address becomes. */
async function located(remote: unknown, more: object = {}): Promise<Record<string, unknown>> {
  const [document] = await documentsOf(ACCESS, { logtype: 'accesslog', remote, ...more });
  return document ?? {};
}

describe('input and routing', () => {
  it('1. `[logtype] in "accesslog"` asks whether the literal contains the field', async () => {
    await withSeed({}, async (lab) => {
      const types = ['', 'a', 'log', 'accesslog', 'api-accesslog', 'api-responselog', 'api-requestlog', 'Accesslog'];
      await lab.putEvents(...types.map((logtype) => ({ logtype, remote: LONDON })));
      await lab.putEvents(
        {},
        { logtype: 1 },
        { logtype: null },
        { logtype: ['accesslog'] },
        { logtype: { accesslog: 1 } },
      );
      await lab.finish();
      const typesIn = (index: string) => lab.documents(index).map(({ source }) => source['logtype']);
      expect(typesIn(ACCESS)).toEqual(['', 'a', 'log', 'accesslog']);
      expect(typesIn('api-responselog-202010')).toEqual(['api-responselog']);
      expect(typesIn('api-requestlog-202010')).toEqual(['api-requestlog']);
      expect(lab.indices()).toHaveLength(3);
      for (const { source } of lab.documents(ACCESS)) expect(source).toHaveProperty('remote_geoip.city_name', 'London');
    });
  });

  it('2. a logtype that is none of the three reaches no output, and is acknowledged', async () => {
    await withSeed({}, async (lab) => {
      await lab.put({ data: '{"logtype":"syslog"}', sequenceNumber: '7' }, { data: 'no JSON', sequenceNumber: '8' });
      expect(lab.settledPosition()).toEqual({ sequenceNumber: '8', subSequenceNumber: 0 });
      await lab.finish();
      expect(lab.indices()).toEqual([]);
      expect(lab.objects()).toEqual([]);
      expect(lab.snapshot()).toMatchObject({ eventsIn: 2, unrouted: 2, eventsOut: 0 });
    });
  });

  it('3. `codec => json { }`: an object is one event, a list of objects several, blank none, the rest a tagged text', async () => {
    const decoded = async (data: string) =>
      withSeed({}, async (lab) => {
        await lab.put({ data });
        return lab.emitted.map((event) => event.data);
      });
    expect(await decoded('{"a":1}')).toMatchObject([{ a: 1 }]);
    expect(await decoded('[{"a":1},{"a":2}]')).toMatchObject([{ a: 1 }, { a: 2 }]);
    expect(await decoded(' \n')).toEqual([]);
    for (const text of ['nonsense', '"text"', '5', 'null', '{"a":']) {
      expect(await decoded(text)).toMatchObject([{ message: text, tags: ['_jsonparsefailure'] }]);
    }
    documented('Several JSON values in one record');
    expect(await decoded('{"a":1}{"a":2}\n{"a":3}')).toMatchObject([{ a: 1 }, { a: 2 }, { a: 3 }]);
  });

  it('4. `@metadata` holds arrival time, partition key and sequence number; from plugin 2.2.0 on beside what was there', async () => {
    documented('Metadata of Kinesis events');
    await withSeed({}, async (lab) => {
      await lab.put({ data: '{"@metadata":{"kept":1,"partition_key":"forged"}}', sequenceNumber: '4959' });
      expect(lab.emitted[0]?.metadata).toEqual({
        kept: 1,
        approximate_arrival_timestamp: ARRIVAL_MS,
        partition_key: 'key',
        sequence_number: '4959',
        sub_sequence_number: 0,
      });
    });
  });

  it('5. parts of an aggregated record share their sequence number; ids made of it would overwrite siblings, ours do not', async () => {
    documented('Document ids');
    await withSeed({}, async (lab) => {
      const part = (n: number) => ({
        data: `{"logtype":"api-requestlog","n":${n}}`,
        sequenceNumber: '4959',
        subSequenceNumber: n,
      });
      await lab.put(part(0), part(1), { data: `${part(2).data}${part(3).data}`, sequenceNumber: '4960' });
      await lab.finish();
      expect(lab.emitted.map((event) => event.metadata['sequence_number'])).toEqual(['4959', '4959', '4960', '4960']);
      const documents = lab.documents('api-requestlog-202010');
      expect(documents.map(({ source }) => source['n']).sort()).toEqual([0, 1, 2, 3]);
      expect(new Set(documents.map(({ id }) => id)).size).toBe(4);
    });
  });

  it('6. `@timestamp` is when the record arrived unless the JSON has one; `time` stays a text; dates follow it in UTC', async () => {
    documented('Time of arrival');
    await withSeed({}, async (lab) => {
      // Seoul had November already.
      const arrivalMs = Date.UTC(2020, 9, 31, 23, 59, 59, 999);
      const own = '{"logtype":"api-requestlog","@timestamp":"2019-02-03T04:05:06.007+09:00"}';
      await lab.put(
        { data: '{"logtype":"api-requestlog","time":"2020-11-01T08:59:59.999+09:00"}', arrivalMs },
        { data: own, arrivalMs },
      );
      await lab.finish();
      expect(lab.documents('api-requestlog-202010').map(({ source }) => source)).toMatchObject([
        { '@timestamp': '2020-10-31T23:59:59.999Z', time: '2020-11-01T08:59:59.999+09:00' },
      ]);
      expect(lab.documents('api-requestlog-201902').map(({ source }) => source)).toMatchObject([
        { '@timestamp': '2019-02-02T19:05:06.007Z' },
      ]);
    });
  });
});

describe('filters', () => {
  it('7. converting "-" to integer gives 0, "12abc" 12, "1,234" 1234; missing stays missing, null stays null', async () => {
    const sizes = ['-', '12abc', '1,234', null, '512', 7.9, true];
    const events = [...sizes.map((size) => ({ logtype: 'accesslog', size })), { logtype: 'accesslog' }];
    const documents = await documentsOf(ACCESS, ...events);
    expect(documents.map(({ size }) => size)).toEqual([0, 12, 1234, null, 512, 7, 1, undefined]);
    expect(documents.at(-1)).not.toHaveProperty('size');
  });

  it('8. a geoip failure is tagged once; missing or blank leaves the target absent, a miss leaves it empty', async () => {
    for (const remote of [undefined, null, '', '  ']) {
      const document = await located(remote);
      expect(document['tags']).toEqual(['_geoip_lookup_failure']);
      expect(document).not.toHaveProperty('remote_geoip');
      expect(document).not.toHaveProperty('remote_geoip_asn');
    }
    for (const remote of ['10.0.0.1', '127.0.0.1', 'not an address']) {
      const document = await located(remote, { tags: ['mine'] });
      expect(document).toMatchObject({
        tags: ['mine', '_geoip_lookup_failure'],
        remote_geoip: {},
        remote_geoip_asn: {},
      });
    }
  });

  it('9. host names are not asked of DNS, so that no event waits for it: they are not found', async () => {
    documented('Host names in geoip');
    const lookup = vi.spyOn(dns, 'lookup');
    expect(await located('localhost')).toMatchObject({ remote_geoip: {}, tags: ['_geoip_lookup_failure'] });
    expect(lookup.mock.calls.map(([name]) => name)).not.toContain('localhost');
  });

  it('10. a City record without latitude and longitude is a failure, even with a country', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'logstash-ts-city-'));
    const writer = new MmdbWriter({
      databaseType: 'GeoLite2-City',
      description: 'of a test',
      languages: ['en'],
      buildEpochSeconds: 1_600_000_000,
      ipVersion: 6,
      recordSize: 24,
    });
    writer.insert('198.51.100.0/24', { country: { iso_code: 'KR', names: { en: 'South Korea' } } });
    const path = join(directory, 'city.mmdb');
    writeFileSync(path, writer.toBuffer());
    try {
      const edit = (text: string) => text.replace(`${DATABASES}GeoLite2-City-Test.mmdb`, path);
      await withSeed({ edit }, async (lab) => {
        await lab.putEvents({ logtype: 'accesslog', remote: '198.51.100.7' });
        await lab.finish();
        expect(lab.documents(ACCESS)[0]?.source).toMatchObject({ remote_geoip: {}, tags: ['_geoip_lookup_failure'] });
      });
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('11. `country_code3` has the two letters of `country_code2`', async () => {
    expect(await located(LONDON)).toMatchObject({ remote_geoip: { country_code2: 'GB', country_code3: 'GB' } });
  });

  it('12. an ASN database gives `ip`, `asn` as an integer, and `as_org`', async () => {
    const { remote_geoip_asn: asn } = await located('1.128.0.0');
    expect(asn).toEqual({ ip: '1.128.0.0', asn: 1221, as_org: 'Telstra Pty Ltd' });
  });

  it('13. a missing `database` is a fault of the configuration, before anything starts', async () => {
    const text = seedText({ elasticsearch: 'http://127.0.0.1:1', s3: 'http://127.0.0.1:1', directory: '/nonexistent' });
    const missing = '/usr/share/GeoLite2-ASN.mmdb';
    const { reporter } = await compile(
      [{ path: 'seed.conf', text: text.replace(`${DATABASES}GeoLite2-ASN-Test.mmdb`, missing) }],
      { registry, variable: () => undefined, supportEscapes: false, fileExists: (path) => path !== missing },
    );
    const errors = reporter.diagnostics.filter(({ severity }) => severity === 'error');
    expect(errors).toMatchObject([{ code: 'LST304' }]);
    const [{ file, span, message } = { file: { text: '' }, span: { start: 0, end: 0 }, message: '' }] = errors;
    expect(message).toContain(`File does not exist or cannot be opened ${missing}`);
    expect(file.text.slice(span.start, span.end)).toBe(`"${missing}"`);
  });

  it('14. parsed keys go into the root over what is there, the source stays; a list, a scalar or null is tagged', async () => {
    const event = (logdata: unknown) => ({ logtype: 'api-responselog', code: 'old', path: '/old', logdata });
    const text = '{"code":200,"path":"/v1","user":{"id":7}}';
    const documents = await documentsOf('api-responselog-202010', ...[text, '[1]', '5', 'null', '"x"'].map(event));
    expect(documents[0]).toMatchObject({ code: 200, path: '/v1', logdata: text, user: { id: 7 } });
    expect(documents[0]).not.toHaveProperty('tags');
    for (const document of documents.slice(1)) {
      expect(document).toMatchObject({ code: 'old', path: '/old', tags: ['_jsonparsefailure'] });
    }
    expect(documents).toHaveLength(5);
  });
});

/** So many events that the files of one prefix pass five MiB. */
const BULKY = Array.from({ length: 60 }, (_, n) => ({ logtype: 'accesslog', n, message: 'x'.repeat(100_000) }));
const BULKY_EVENTS = BULKY.length;

function putBulky(lab: SeedLab): Promise<void> {
  return lab.putEvents(...BULKY);
}

describe('outputs', () => {
  it('15. the index has Joda letters in UTC, and index lifecycle management stays off', async () => {
    await withSeed({}, async (lab) => {
      const arrivals = [Date.UTC(2020, 9, 31, 23, 59, 59, 999), Date.UTC(2020, 10, 1), Date.UTC(2020, 11, 31, 23)];
      const data = '{"logtype":"api-requestlog"}';
      await lab.put(...arrivals.map((arrivalMs) => ({ data, arrivalMs })));
      await lab.finish();
      expect(lab.indices()).toEqual(['api-requestlog-202010', 'api-requestlog-202011', 'api-requestlog-202012']);
      expect(lab.requests().filter((request) => /_ilm|_alias|_xpack|_license/.test(request))).toEqual([]);
    });
  });

  it('16. the template `logstash` is installed all the same, and is not for these indices', async () => {
    await withSeed({}, async (lab) => {
      await lab.putEvents({ logtype: 'accesslog', remote: LONDON });
      await lab.finish();
      expect(lab.requests()).toContain('PUT /_template/logstash');
      expect(lab.templates().get('logstash')).toMatchObject({ index_patterns: 'logstash-*' });
      expect(lab.indices().filter((index) => index.startsWith('logstash-'))).toEqual([]);
      // Without the template's geo_point these are mapped as two numbers.
      expect(lab.documents(ACCESS)[0]?.source).toHaveProperty('remote_geoip.location', { lat: 51.5142, lon: -0.0931 });
      expect(
        lab.log.filter((line) => line.includes('no index template maps remote_geoip.location of accesslog-')),
      ).toHaveLength(1);
    });
  });

  it('17. without `document_id` ours makes ids of the record: a replay, or a bulk sent again, duplicates nothing', async () => {
    documented('Document ids');
    const twice = async (lab: SeedLab) => {
      const record = { data: '{"logtype":"api-requestlog"}', sequenceNumber: '4959' };
      await lab.put(record);
      await lab.put(record);
      await lab.finish();
      return lab.documents('api-requestlog-202010').length;
    };
    expect(await withSeed({}, twice)).toBe(1);
    let isFirst = true;
    const loseFirstAnswer: NonNullable<Parameters<typeof withSeed>[0]['elasticsearch']> = {
      respond: ({ path }) => {
        if (path !== '/_bulk' || !isFirst) return undefined;
        isFirst = false;
        return { reset: 'after' };
      },
    };
    const edit = (text: string) => text.replaceAll('index =>', 'retry_initial_interval => 0.01 index =>');
    expect(await withSeed({ edit, elasticsearch: loseFirstAnswer }, twice)).toBe(1);
    expect(isFirst).toBe(false);
    const likeLogstash = (text: string) => text.replaceAll('index =>', 'idempotent => false index =>');
    expect(await withSeed({ edit: likeLogstash }, twice)).toBe(2);
  });

  it('18. `rotation_strategy` is size_and_time: with `time_file` alone, five MiB end an object too', async () => {
    await withSeed({}, async (lab) => {
      await putBulky(lab);
      await vi.waitFor(() => expect(lab.objects()).toHaveLength(1), { timeout: 20_000 });
      await lab.putEvents({ logtype: 'accesslog', remote: LONDON });
      await lab.finish();
      const [first, rest] = lab.objects().sort((a, b) => b.bytes.length - a.bytes.length);
      expect(first?.key).toMatch(/\.part0\.txt$/);
      expect(first?.bytes.length).toBeGreaterThanOrEqual(5_242_880);
      expect(rest?.key).toMatch(/\.part1\.txt$/);
    });
  });

  it('19. an object has the UTC date of its events in the prefix and local time in its name; plain unless asked for gzip', async () => {
    vi.stubEnv('TZ', 'Asia/Seoul');
    const nowMs = Date.UTC(2020, 9, 20, 18, 56, 30);
    const object = async (encoding: string) =>
      withSeed({ nowMs, edit: (text) => text.replace('time_file => 5', `time_file => 5 ${encoding}`) }, async (lab) => {
        await lab.putEvents({ logtype: 'accesslog', remote: LONDON });
        await lab.finish();
        return lab.objects();
      });
    const uuid = '[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}';
    const name = String.raw`^test-accesslog/2020/10/20/ls\.s3\.${uuid}\.2020-10-21T03\.56\.part0\.txt`;
    const [plain, ...more] = await object('');
    expect(more).toEqual([]);
    expect(plain?.key).toMatch(new RegExp(`${name}$`));
    expect(plain?.headers).not.toHaveProperty('content-encoding');
    expect(JSON.parse(plain?.bytes.toString() ?? '')).toMatchObject({ logtype: 'accesslog' });
    const [gzip] = await object('encoding => "gzip"');
    expect(gzip?.key).toMatch(new RegExp(String.raw`${name}\.gz$`));
    expect(gzip?.headers).toHaveProperty('content-encoding', 'gzip');
  });

  it('20. where a blocked Elasticsearch stops the S3 of Logstash, ours goes on until its buffer is full, and nothing is settled early', async () => {
    documented('Delivery');
    let isBlocked = true;
    const elasticsearch = {
      respond: ({ path }: { path: string }) =>
        isBlocked && path === '/_bulk' ? { answer: { status: 503, body: { error: 'blocked by a test' } } } : undefined,
    };
    const edit = (text: string) => text.replaceAll('index =>', 'retry_initial_interval => 0.05 index =>');
    await withSeed({ elasticsearch, edit }, async (lab) => {
      await putBulky(lab);
      await vi.waitFor(() => expect(lab.objects()).toHaveLength(1), { timeout: 20_000 });
      expect(lab.documents(ACCESS)).toEqual([]);
      expect(lab.settledPosition()).toBeNull();
      isBlocked = false;
      await lab.finish();
      expect(lab.documents(ACCESS)).toHaveLength(BULKY_EVENTS);
      expect(lab.settledPosition()).not.toBeNull();
    });
  });
});
