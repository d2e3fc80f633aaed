import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Reader, type Response } from 'maxmind';
import { describe, expect, it } from 'vitest';
import { double, type MmdbMap, uint16, uint32 } from '../../../../scripts/geoip/mmdbValue.ts';
import { MmdbWriter } from '../../../../scripts/geoip/mmdbWriter.ts';
import { SMALL, writeAsnDatabase, writeCityDatabase } from '../../../../scripts/geoip/testDatabases.ts';
import { isSpecialPurpose, parseAddress } from '../../../../src/plugins/filters/geoip/address.ts';
import { openDatabase } from '../../../../src/plugins/filters/geoip/database.ts';
import { metadata, temporaryFile } from './support.ts';

const FOLDER = join(import.meta.dirname, '../../../../geoip');

describe.each([24, 28, 32] as const)('a database with records of %i bits', (recordSize) => {
  it.each([4, 6] as const)('and an IPv%i tree', async (ipVersion) => {
    const writer = new MmdbWriter(metadata('GeoLite2-ASN', { recordSize, ipVersion }));
    writer.insert('81.0.0.0/8', { autonomous_system_number: uint32(1) });
    writer.insert('81.2.0.0/16', { autonomous_system_number: uint32(2) });
    writer.insert('81.2.69.142/32', { autonomous_system_number: uint32(4_294_967_295) });
    if (ipVersion === 6) writer.insert('2001:db8::/32', { autonomous_system_number: uint32(3) });
    const bytes = writer.toBuffer();
    const reader = new Reader<Response>(bytes);
    const asn = (text: string) => (reader.get(text) as Record<string, unknown> | null)?.['autonomous_system_number'];
    expect(['80.1.1.1', '81.3.0.1', '81.2.0.1', '81.2.69.142', '82.0.0.0'].map(asn)).toEqual([
      undefined,
      1,
      2,
      4_294_967_295,
      undefined,
    ]);
    if (ipVersion === 6) expect(asn('2001:db8::5')).toBe(3);
    expect(reader.metadata).toMatchObject({ databaseType: 'GeoLite2-ASN', recordSize, ipVersion, languages: ['en'] });
    const { tree } = await openDatabase(temporaryFile(bytes));
    expect(tree.find(address('80.1.1.1'))).toBe(-1);
    expect(tree.find(address('81.2.69.142'))).toBeGreaterThan(0);
    expect(tree.find(address('2001:db8::5')) > 0).toBe(ipVersion === 6);
  });
});

describe('values', () => {
  it('come back as they were, however long, and shared ones are written once', () => {
    const shared: MmdbMap = { long: 'x'.repeat(300), longer: 'y'.repeat(70_000) };
    const record: MmdbMap = {
      texts: ['', 'a', 'Malmö', '서울', 'z'.repeat(29), 'z'.repeat(285)],
      numbers: [uint16(0), uint16(65_535), uint32(70_000), double(-0.0931), 2n ** 64n - 1n],
      flags: [true, false],
      shared,
      again: shared,
    };
    const writer = new MmdbWriter(metadata('Test'));
    writer.insert('9.0.0.0/8', record);
    writer.insert('11.0.0.0/8', { again: shared });
    const bytes = writer.toBuffer();
    const reader = new Reader<Response>(bytes);
    expect(reader.get('9.1.2.3')).toEqual({
      ...record,
      numbers: [0, 65_535, 70_000, -0.0931, 2n ** 64n - 1n],
    });
    expect(reader.get('11.1.2.3')).toEqual({ again: shared });
    expect(bytes.length).toBeLessThan(75_000);
  });
});

describe('the databases in geoip/', () => {
  it.each([
    ['City', writeCityDatabase],
    ['ASN', writeAsnDatabase],
  ] as const)('%s is what the script writes', (name, write) => {
    const committed = readFileSync(join(FOLDER, `GeoLite2-${name}-Test.mmdb`));
    expect(committed.equals(write(SMALL)), 'run: npm run geoip:testdb').toBe(true);
    expect(committed.length).toBeLessThanOrEqual(150 * 1024);
  });

  it('know most public addresses and no special ones', async () => {
    const { tree } = await openDatabase(join(FOLDER, 'GeoLite2-City-Test.mmdb'));
    let known = 0;
    let open = 0;
    for (let i = 0; i < 5000; i++) {
      const candidate = address(String((i * 2_654_435_761) % 2 ** 32));
      const found = tree.find(candidate) >= 0;
      if (isSpecialPurpose(candidate)) expect(found, candidate.text).toBe(false);
      else {
        open++;
        if (found) known++;
      }
    }
    expect(known / open).toBeGreaterThan(0.9);
    expect(known / open).toBeLessThan(0.99);
  });
});

function address(text: string) {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`not an address: ${text}`);
  return parsed;
}
