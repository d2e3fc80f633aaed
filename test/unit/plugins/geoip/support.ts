import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MmdbMetadata } from '../../../../scripts/geoip/mmdbWriter.ts';
import { Event } from '../../../../src/event/event.ts';
import { parseJson } from '../../../../src/event/json.ts';
import type { ValueMap } from '../../../../src/event/value.ts';
import type { Filter, OptionSpec } from '../../../../src/plugin-api/index.ts';
import { geoip } from '../../../../src/plugins/filters/geoip/index.ts';
import { type TestContext, testContext } from '../../../support/pluginContext.ts';

export const DATA = join(import.meta.dirname, '../../../data/geoip');

export function testDatabase(name: string): string {
  return join(DATA, `${name}.mmdb`);
}

/** The filter with its defaults, as the compiler would make it. */
export async function createGeoip(
  options: Record<string, unknown>,
  context: TestContext = testContext(),
): Promise<{ filter: Filter; context: TestContext }> {
  const defaults = Object.entries(geoip.options as Record<string, OptionSpec<unknown>>).map(([name, spec]) => [
    name,
    spec.default,
  ]);
  const values = { ...Object.fromEntries(defaults), source: 'ip', ...options };
  return { filter: await geoip.create(values, context), context };
}

/** The fields of an event after the filter, and whether it succeeded. */
export function run(filter: Filter, json: string): { out: ValueMap; success: boolean } {
  const event = new Event(parseJson(json, 'double') as ValueMap, {});
  const success = filter.apply(event);
  return { out: event.data, success };
}

/** The counters that are not zero. */
export function counts(context: TestContext): Record<string, number> {
  const entries = [...context.counters].map(([name, { value }]) => [name, value] as const);
  return Object.fromEntries(entries.filter(([, value]) => value > 0));
}

export function metadata(databaseType: string, more: Partial<MmdbMetadata> = {}): MmdbMetadata {
  return {
    databaseType,
    description: 'of a test',
    languages: ['en'],
    buildEpochSeconds: 1_600_000_000,
    ipVersion: 6,
    recordSize: 24,
    ...more,
  };
}

export function temporaryFile(bytes: Uint8Array): string {
  const path = join(mkdtempSync(join(tmpdir(), 'geoip-')), 'test.mmdb');
  writeFileSync(path, bytes);
  return path;
}
