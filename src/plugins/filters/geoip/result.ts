/** Makes Logstash's fields of a database record, as JSON text. */
import type { DatabaseKind, GeoKey } from './databaseKinds.ts';
import type { RecordReader } from './recordReader.ts';
import type { ResultText } from './resultText.ts';
import { Wanted } from './wanted.ts';

type Type = 'text' | 'integer' | 'double';

const LATITUDE = 'location.latitude';
const LONGITUDE = 'location.longitude';
/** Found under the first two numbers. */
const COORDINATES = [LATITUDE, LONGITUDE];

/** Where in a record each field stands, and as what it is read. */
const FIELDS: Readonly<Record<Exclude<GeoKey, 'ip' | 'location'>, readonly [path: string, type: Type]>> = {
  asn: ['autonomous_system_number', 'integer'],
  as_org: ['autonomous_system_organization', 'text'],
  isp: ['isp', 'text'],
  organization: ['organization', 'text'],
  city_name: ['city.names.en', 'text'],
  continent_code: ['continent.code', 'text'],
  continent_name: ['continent.names.en', 'text'],
  country_name: ['country.names.en', 'text'],
  country_code2: ['country.iso_code', 'text'],
  // Logstash puts the two-letter code here too.
  country_code3: ['country.iso_code', 'text'],
  postal_code: ['postal.code', 'text'],
  dma_code: ['location.metro_code', 'integer'],
  // Of several the most specific one.
  region_name: ['subdivisions.[].names.en', 'text'],
  region_code: ['subdivisions.[].iso_code', 'text'],
  timezone: ['location.time_zone', 'text'],
  latitude: [LATITUDE, 'double'],
  longitude: [LONGITUDE, 'double'],
};

interface Field {
  /** `,"key":` */
  readonly start: Buffer;
  readonly type: Type;
  /** Of the wanted value that it is made of. */
  readonly number: number;
}

const LOCATION = Buffer.from(',"location":{"lat":');
const LON = Buffer.from(',"lon":');
const CLOSE = Buffer.from('}');

/** What a record gives to each of its addresses, but for `ip`. */
export class Description {
  readonly #wanted: Wanted;
  readonly #fields: readonly Field[];
  readonly #isCity: boolean;
  readonly #wantsLocation: boolean;
  /** Of the wanted values in the record at hand. */
  readonly #places: Int32Array;

  constructor(kind: DatabaseKind, keys: readonly GeoKey[]) {
    const fields = keys.flatMap((key) => (key === 'ip' || key === 'location' ? [] : [{ key, field: FIELDS[key] }]));
    this.#isCity = kind === 'City';
    this.#wantsLocation = keys.includes('location');
    this.#wanted = Wanted.of([...(this.#isCity ? COORDINATES : []), ...fields.map(({ field: [path] }) => path)]);
    this.#fields = fields.map(({ key, field: [path, type] }) => {
      return { start: Buffer.from(`,"${key}":`), type, number: this.#wanted.numberOf(path) };
    });
    this.#places = new Int32Array(this.#wanted.end);
  }

  /**
   * Writes the fields without braces, with a comma in front of each. False for a City record without coordinates, which
   * counts as none, as in Logstash.
   * @throws DamagedRecord, or a RangeError from the buffer or the stack
   */
  write(reader: RecordReader, offset: number, out: ResultText): boolean {
    const places = this.#places;
    reader.locate(offset, this.#wanted, places);
    const lat = this.#isCity ? double(reader.readNumber(places[0] as number)) : undefined;
    const lon = this.#isCity ? double(reader.readNumber(places[1] as number)) : undefined;
    if (this.#isCity && lat === undefined && lon === undefined) return false;
    for (const { start, type, number } of this.#fields) writeField(reader, places[number] as number, start, type, out);
    if (this.#wantsLocation && lat !== undefined && lon !== undefined) writeLocation(lat, lon, out);
    return true;
  }
}

function writeField(reader: RecordReader, place: number, start: Buffer, type: Type, out: ResultText): void {
  if (type === 'text') {
    if (!reader.readText(place)) return;
    out.append(start);
    out.appendText(reader.bytes, reader.textStart, reader.textEnd);
    return;
  }
  const number = reader.readNumber(place);
  if (number === undefined) return;
  if (type === 'integer' && Number.isSafeInteger(number)) {
    out.append(start);
    out.appendInteger(number);
  } else if (type === 'double' && double(number) !== undefined) {
    out.append(start);
    out.appendDouble(number);
  }
}

function writeLocation(lat: number, lon: number, out: ResultText): void {
  out.append(LOCATION);
  out.appendDouble(lat);
  out.append(LON);
  out.appendDouble(lon);
  out.append(CLOSE);
}

function double(value: number | undefined): number | undefined {
  return Number.isFinite(value) ? value : undefined;
}
