/**
 * The rows recorded from a real Logstash 7.9.3 that need only the plugins there are. A row that differs on purpose stands
 * in `DIFFERENCES`, under the heading of docs/compatibility.md that tells why; a row there that no longer differs fails.
 */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { registry } from '../../src/plugins/index.ts';
import {
  canonical,
  expectedError,
  expectedOutputs,
  type GoldenRow,
  prepareCase,
  readGolden,
  recordsOf,
  runCase,
} from '../support/golden.ts';

const DATABASES = new URL('../data/geoip', import.meta.url).pathname;

const DIFFERENCES: Readonly<Record<string, readonly string[]>> = {
  'Several JSON values in one record': [
    'codec-json-lines-shapes',
    'codec-json-04',
    'codec-json_lines-04',
    'codec-opt-json_lines{delimiter=>"|"}',
    'codec-opt-json{charset=>"UTF-8"}',
  ],
  'Malformed UTF-8': ['str-raw-line', 'str-raw-plain-json', 'xtra-plain-inspect'],
  'Text of floating-point numbers': [
    'enc-out-11',
    'enc-out-12',
    'enc-out-13',
    'num-codec-sprintf',
    'num-codec-sprintf-list',
    'xtra-float-fmt',
  ],
  'Method calls in conditions': ['cond-odd-110'],
  'Comparing constants': ['cond-ord-const-le#p3'],
};
const DOCUMENTED = new Set(Object.values(DIFFERENCES).flat());

const FILTERS_OF_LOGSTASH =
  /\b(grok|date|kv|csv|dissect|split|clone|translate|useragent|prune|fingerprint|urldecode|truncate|uuid|aggregate|throttle|ruby|metrics|dns|cidr|xml|de_dot|json_encode)\s*\{/g;

function runsHere(row: GoldenRow): boolean {
  const names = [...row.config.matchAll(FILTERS_OF_LOGSTASH)].map((match) => match[1] as string);
  return names.every((name) => registry.names('filter').includes(name));
}

/** Whether a row gives what Logstash gave; where its worker died, that ours goes on. */
async function sameAsLogstash(row: GoldenRow): Promise<{ ours: unknown; theirs: unknown }> {
  const config = row.config.replaceAll('${MMDB}', DATABASES);
  const theirs = expectedOutputs(row);
  const error = expectedError(row);
  const ours = await runCase({
    config,
    records: recordsOf(row),
    ...(row.codec === undefined ? {} : { codec: row.codec }),
    ...(row.escapes === undefined ? {} : { escapes: row.escapes }),
    metadata: theirs.some((text) => text.includes('"@metadata"')),
  });
  if (error !== undefined && /Unsupported database type/.test(error)) {
    return { ours: ours.errors.length, theirs: 1 };
  }
  if (error?.startsWith('pipeline worker crashed')) return { ours: ours.errors, theirs: [] };
  if (error !== undefined) return { ours: ours.errors.length > 0, theirs: true };
  const form = (text: string) => canonical(text, row.unordered_pairs);
  return {
    ours: [...ours.errors, ...ours.outputs.map(form).sort()],
    theirs: theirs.map(form).sort(),
  };
}

for (const file of ['logstash', 'language', 'filters']) {
  const all = readGolden<GoldenRow>(file);
  const rows = all.filter(runsHere);
  describe(`${file}: ${rows.length} of ${all.length} rows need only these plugins`, () => {
    for (const row of rows) {
      const documented = DOCUMENTED.has(row.name);
      it(`${row.name}${documented ? ' (differs as documented)' : ''}`, async () => {
        const { ours, theirs } = await sameAsLogstash(row);
        if (documented) expect(ours).not.toEqual(theirs);
        else expect(ours).toEqual(theirs);
      });
    }
  });
}

describe('the reasons', () => {
  const page = readFileSync(new URL('../../docs/compatibility.md', import.meta.url), 'utf8');
  it.each(Object.keys(DIFFERENCES))('docs/compatibility.md explains: %s', (heading) => {
    expect(page).toContain(`### ${heading}\n`);
  });
});

interface SeedRow {
  readonly id: number;
  readonly group: string;
  readonly in: string;
  readonly out: unknown;
  readonly more_out?: readonly unknown[];
  readonly error?: string;
}

/** Rows under 'Several JSON values in one record'. */
const SEVERAL_VALUES: ReadonlySet<number> = new Set([2688]);

describe("the user's own filters", async () => {
  const seed = readFileSync(new URL('../data/seed.conf', import.meta.url), 'utf8');
  const filters = seed
    .slice(seed.indexOf('filter {'), seed.indexOf('output {'))
    .replace(/database => "[^"]*"/, `database => "${DATABASES}/GeoLite2-ASN-Test.mmdb"`)
    .replace(
      'target => "remote_geoip"\n',
      `target => "remote_geoip"\n database => "${DATABASES}/GeoLite2-City-Test.mmdb"\n`,
    );
  const rows = readGolden<SeedRow>('seed-pipeline');

  it('has the test databases', () => {
    expect(existsSync(`${DATABASES}/GeoLite2-City-Test.mmdb`)).toBe(true);
    expect(filters).toContain('GeoLite2-City-Test.mmdb');
  });

  const byGroup = Map.groupBy(rows, (row) => row.group);
  for (const [group, members] of byGroup) {
    it(`gives Logstash's events for ${members.length} rows: ${group}`, async () => {
      const differing: unknown[] = [];
      const run = await prepareCase({ config: filters });
      for (const row of members) {
        const { errors, outputs } = run([Buffer.from(row.in)]);
        if (row.error !== undefined) {
          // Logstash's worker died of it: ours goes on with the event.
          if (outputs.length !== 1) differing.push({ id: row.id, outputs });
          continue;
        }
        const theirs = [row.out, ...(row.more_out ?? [])]
          .filter((out) => out !== null)
          .map((out) => loose(JSON.stringify(out)));
        const ours = [...errors, ...outputs.map(loose)];
        if (JSON.stringify(ours) !== JSON.stringify(theirs) && !SEVERAL_VALUES.has(row.id))
          differing.push({ id: row.id, in: row.in, ours, theirs });
      }
      expect(differing).toEqual([]);
    });
  }
});

/** These rows were recorded as parsed JSON, so that `1.0` became `1`, and a number beyond doubles null. */
function loose(json: string): string {
  return canonical(json).replace(/"(?:int|float):([^"]*)"/g, (_form, digits) => JSON.stringify(Number(digits)));
}
