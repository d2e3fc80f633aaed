/** Counts the events of an output as they pass, and keeps some of them to be looked at. */

const NEWLINE = 0x0a;
const SAMPLE_EVERY = 1000;
/** Fields that only an event whose address was found has. */
const CITY_FIELD = Buffer.from('"country_code2":"');
const ASN_FIELD = Buffer.from('"as_org":"');

export interface Tally {
  readonly events: number;
  readonly bytes: number;
  readonly cityHits: number;
  readonly asnHits: number;
  /** Every thousandth event. */
  readonly samples: readonly string[];
}

export class OutputTally {
  readonly #linesPerEvent: number;
  #lines = 0;
  #bytes = 0;
  #cityHits = 0;
  #asnHits = 0;
  #samples: string[] = [];

  /** @param linesPerEvent the last one of so many is the event: 2 for bulks */
  constructor(linesPerEvent = 1) {
    this.#linesPerEvent = linesPerEvent;
  }

  /** Takes whole lines and gives their number. */
  take(lines: Buffer): number {
    const before = this.#lines;
    const sampleLines = SAMPLE_EVERY * this.#linesPerEvent;
    for (let start = 0, end = lines.indexOf(NEWLINE); end !== -1; end = lines.indexOf(NEWLINE, start)) {
      if (++this.#lines % sampleLines === 0) this.#samples.push(lines.toString('utf8', start, end));
      start = end + 1;
    }
    this.#bytes += lines.length;
    this.#cityHits += count(lines, CITY_FIELD);
    this.#asnHits += count(lines, ASN_FIELD);
    return this.#lines - before;
  }

  result(): Tally {
    return {
      events: this.#lines / this.#linesPerEvent,
      bytes: this.#bytes,
      cityHits: this.#cityHits,
      asnHits: this.#asnHits,
      samples: this.#samples,
    };
  }
}

function count(bytes: Buffer, text: Buffer): number {
  let found = 0;
  for (let at = bytes.indexOf(text); at !== -1; at = bytes.indexOf(text, at + text.length)) found++;
  return found;
}
