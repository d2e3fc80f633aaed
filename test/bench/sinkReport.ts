/** What a sink has taken since it was last asked, over HTTP. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { OutputTally, Tally } from './outputTally.ts';

export const REPORT_PATH = '/_bench/report';

export interface Reported extends Tally {
  /** Milliseconds of the epoch; null when nothing came. */
  readonly firstMs: number | null;
  /** Requests with events, or objects. */
  readonly requests: number;
}

export class SinkReport {
  readonly #open: () => OutputTally;
  #tally: OutputTally;
  #firstMs: number | null = null;
  #requests = 0;
  #noted = 0;

  constructor(open: () => OutputTally) {
    this.#open = open;
    this.#tally = open();
  }

  /** Notes that a request with events has come; of such as are not taken, how many. */
  note(events = 0): void {
    this.#firstMs ??= Date.now();
    this.#requests++;
    this.#noted += events;
  }

  /** Takes whole lines and gives their number. */
  take(lines: Buffer): number {
    return this.#tally.take(lines);
  }

  /** Gives the report and begins a new one, when it is asked for. */
  answers(request: IncomingMessage, response: ServerResponse): boolean {
    if (request.url !== REPORT_PATH) return false;
    const tally = this.#tally.result();
    const events = tally.events + this.#noted;
    const reported: Reported = { ...tally, events, firstMs: this.#firstMs, requests: this.#requests };
    this.#tally = this.#open();
    this.#firstMs = null;
    this.#requests = 0;
    this.#noted = 0;
    response.end(JSON.stringify(reported));
    return true;
  }
}
