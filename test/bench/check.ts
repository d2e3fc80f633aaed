/** Whether the output of a program is right; a figure of a wrong one is worth nothing. */
import { readFileSync } from 'node:fs';
import { type AsnResponse, type CityResponse, Reader } from 'maxmind';
import type { Databases } from './databases.ts';
import type { Tally } from './outputTally.ts';

/** What the pipeline adds to an event, as each program names it. */
export interface Shaped {
  readonly code: unknown;
  readonly country: unknown;
  readonly city: unknown;
  readonly organisation: unknown;
}

export type Shape = (event: Record<string, Fields | undefined>) => Shaped;
type Fields = Record<string, unknown>;

export const logstashShape: Shape = (event) => ({
  code: event['code'],
  country: event['remote_geoip']?.['country_name'],
  city: event['remote_geoip']?.['city_name'],
  organisation: event['remote_geoip_asn']?.['as_org'],
});

export function checkCount(tally: Tally, events: number): void {
  if (tally.events !== events) throw new Error(`${tally.events} events came out, not ${events}`);
}

export class Oracle {
  readonly #city: Reader<CityResponse>;
  readonly #asn: Reader<AsnResponse>;

  constructor({ city, asn }: Databases) {
    this.#city = new Reader(readFileSync(city));
    this.#asn = new Reader(readFileSync(asn));
  }

  /** @throws Error that says what is wrong */
  check(tally: Tally, events: number, shape: Shape): void {
    checkCount(tally, events);
    if (tally.samples.length !== Math.floor(events / 1000)) throw new Error('samples are missing');
    for (const sample of tally.samples) this.#checkEvent(sample, shape);
  }

  #checkEvent(line: string, shape: Shape): void {
    const event = JSON.parse(line);
    const shaped = shape(event);
    const place = this.#city.get(event.remote);
    // Logstash takes a place without coordinates for none, the peers do not.
    if (place !== null && place.location === undefined) return;
    const expected: Shaped = {
      code: Number(event.code),
      country: place?.country?.names.en,
      city: place?.city?.names.en,
      organisation: this.#asn.get(event.remote)?.autonomous_system_organization,
    };
    for (const field of ['code', 'country', 'city', 'organisation'] as const) {
      if (shaped[field] === expected[field]) continue;
      throw new Error(`${field} should be ${expected[field]} and is ${shaped[field]} in ${line}`);
    }
  }
}
