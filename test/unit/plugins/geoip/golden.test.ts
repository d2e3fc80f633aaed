import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseJson } from '../../../../src/event/json.ts';
import type { ValueMap } from '../../../../src/event/value.ts';
import { createGeoip, DATA, run, testDatabase } from './support.ts';

const rows = readFileSync(join(DATA, 'geoip-table.jsonl'), 'utf8').trimEnd().split('\n');
const parsed = rows.map((row) => parseJson(row, 'double') as ValueMap);
const databases = [...new Set(parsed.map((row) => String(row['db'])))];

describe('look-ups recorded from Logstash', () => {
  it('has all rows', () => {
    expect(parsed).toHaveLength(1799);
    expect(databases).toHaveLength(4);
  });

  it.each(databases)('%s', async (name) => {
    const { filter } = await createGeoip({ database: testDatabase(name) });
    for (const row of parsed.filter(({ db }) => db === name)) {
      const { out, success } = run(filter, JSON.stringify({ ip: row['ip'] }));
      expect(out).toStrictEqual({ ip: row['ip'], geoip: row['geoip'] });
      expect(success).toBe(!row['tagged']);
    }
  });
});
