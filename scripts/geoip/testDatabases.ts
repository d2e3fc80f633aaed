/** Synthetic databases with the layout of GeoLite2, the same for the same arguments. */
import { SPECIAL_IPV4 } from '../../src/plugins/filters/geoip/address.ts';
import { asnRecords, inventPlaces } from './inventedWorld.ts';
import type { MmdbMap } from './mmdbValue.ts';
import { type MmdbMetadata, MmdbWriter } from './mmdbWriter.ts';
import { pick, type Random, seededRandom } from './random.ts';

export interface Size {
  /** About how many IPv4 networks to cut the public address space into. */
  readonly networks: number;
  readonly cities: number;
  readonly organisations: number;
  readonly languages: readonly string[];
}

/** Those of GeoLite2. */
export const LANGUAGES = ['en', 'de', 'es', 'fr', 'ja', 'pt-BR', 'ru', 'zh-CN'];

export const SMALL: Size = { networks: 3000, cities: 300, organisations: 32, languages: ['en'] };

/** Networks that examples and demonstrations use, so that these come from a likely country. */
const WELL_KNOWN: readonly (readonly [network: string, length: number, country: string])[] = [
  ['1.1.1.0', 24, 'AU'],
  ['8.8.8.0', 24, 'US'],
  ['13.124.0.0', 15, 'KR'],
  ['52.78.0.0', 15, 'KR'],
  ['59.0.0.0', 11, 'KR'],
  ['91.198.174.0', 24, 'NL'],
  ['104.16.0.0', 13, 'US'],
  ['121.64.0.0', 12, 'KR'],
  ['175.208.0.0', 13, 'KR'],
  ['211.224.0.0', 13, 'KR'],
];

/** Left out of both, so that a demonstration has public addresses that are in neither. */
const UNKNOWN: readonly (readonly [base: string, bits: number])[] = [['2.16.10.0', 24]];

const IPV6_BLOCKS = ['2001:4860::/32', '2400::/12', '2600::/12', '2800::/12', '2a00::/12', '2c00::/12'];

export function writeCityDatabase(size: Size): Buffer {
  const random = seededRandom(1);
  const { cities, countries } = inventPlaces(random, size.cities, size.languages);
  const citiesOf = Map.groupBy(cities, (city) => city.country);
  const writer = new MmdbWriter(metadata('GeoLite2-City', 'places', size));
  insertNetworks(writer, random, size, (country) => {
    const near = country === undefined ? undefined : citiesOf.get(country);
    const places = near ?? (random() < 0.1 ? countries : cities);
    return pick(random, pick(random, places).records);
  });
  return writer.toBuffer();
}

export function writeAsnDatabase(size: Size): Buffer {
  const random = seededRandom(2);
  const records = asnRecords(random, size.organisations);
  const writer = new MmdbWriter(metadata('GeoLite2-ASN', 'organisations', size));
  insertNetworks(writer, random, size, () => pick(random, records));
  return writer.toBuffer();
}

function metadata(databaseType: string, what: string, { languages, networks }: Size): MmdbMetadata {
  return {
    databaseType,
    description: `synthetic test database of about ${networks} networks with invented ${what}`,
    languages,
    buildEpochSeconds: Date.UTC(2026, 0, 1) / 1000,
    ipVersion: 6,
    recordSize: 28,
  };
}

type MakeRecord = (country: string | undefined) => MmdbMap;

function insertNetworks(writer: MmdbWriter, random: Random, { networks }: Size, record: MakeRecord): void {
  const excluded = [...SPECIAL_IPV4, ...UNKNOWN].map(([base, bits]) => range(base, bits));
  const length = Math.round(Math.log2(networks));
  cut(random, length, { first: 0, length: 0 }, excluded, (network) => {
    // A few gaps: addresses that are in one database and not in the other.
    if (random() < 0.95) writer.insertIpv4(network.first, network.length, record(undefined));
  });
  for (const [base, bits, country] of WELL_KNOWN) {
    cut(random, Math.max(length, bits + 2), range(base, bits), excluded, (network) => {
      writer.insertIpv4(network.first, network.length, record(country));
    });
  }
  for (const block of IPV6_BLOCKS) writer.insert(block, record(undefined));
}

interface Network {
  readonly first: number;
  readonly length: number;
}

/** Cuts a network into such of about `length` bits that hold no excluded address. */
function cut(
  random: Random,
  length: number,
  network: Network,
  excluded: readonly Network[],
  take: (network: Network) => void,
): void {
  const { first } = network;
  const end = endOf(network);
  const within = excluded.filter((other) => other.first < end && endOf(other) > first);
  if (within.some((other) => other.first <= first && endOf(other) >= end)) return;
  const small = network.length > length || (network.length >= length - 1 && random() < 0.4);
  if (small && within.length === 0) {
    take(network);
    return;
  }
  const half = network.length + 1;
  cut(random, length, { first, length: half }, within, take);
  cut(random, length, { first: first + 2 ** (32 - half), length: half }, within, take);
}

function range(base: string, length: number): Network {
  return { first: base.split('.').reduce((sum, part) => sum * 256 + Number(part), 0), length };
}

function endOf({ first, length }: Network): number {
  return first + 2 ** (32 - length);
}
