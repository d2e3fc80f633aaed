import { type KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { addUp, predict, type Totals } from '../../test/support/predict.ts';
import { mergeTotals, settledCount } from './reckoning.ts';
import { type DemoRecord, demoRecords } from './records.ts';

export interface ProducerOptions {
  readonly client: KinesisClient;
  readonly stream: string;
  readonly seed: number;
  readonly records: number | undefined;
  readonly rate: number | undefined;
}

/** PutRecords takes 500 at once, but kinesis-local now and then hangs on bodies of more than 128 KiB, until its idle time of 60 s. */
const BATCH_MAX = 100;
const TICK_MS = 100;

/** Puts records on the stream at an even pace and keeps what is to come of them. */
export class Producer {
  readonly #options: ProducerOptions;
  readonly #source: Generator<DemoRecord>;
  /** How many are to be settled by Elasticsearch of all put so far, with the time at which they were put: for the lag. */
  readonly #puts: { settled: number; at: number }[] = [];
  #totals: Totals = addUp([]);
  #records = 0;
  #stopped = false;

  constructor(options: ProducerOptions) {
    this.#options = options;
    this.#source = demoRecords(options.seed);
  }

  get records(): number {
    return this.#records;
  }

  /** What is to come of all that was put so far. */
  totals(): Totals {
    return this.#totals;
  }

  /** Seconds since the oldest event was put that is not among the first `settled`; 0 when none waits. */
  lagSeconds(settled: number, now: number): number {
    while ((this.#puts[0]?.settled ?? Number.POSITIVE_INFINITY) <= settled) this.#puts.shift();
    const oldest = this.#puts[0];
    return oldest === undefined ? 0 : (now - oldest.at) / 1000;
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Ends when all are put, or after `stop`. */
  async run(): Promise<void> {
    const { records = Number.POSITIVE_INFINITY, rate } = this.#options;
    const start = Date.now();
    while (!this.#stopped && this.#records < records) {
      const elapsedSeconds = (Date.now() - start) / 1000;
      const due = rate === undefined ? BATCH_MAX : Math.ceil(elapsedSeconds * rate) - this.#records;
      const size = Math.min(due, BATCH_MAX, records - this.#records);
      if (size > 0) await this.#put(size);
      else await new Promise((next) => setTimeout(next, TICK_MS));
    }
  }

  async #put(size: number): Promise<void> {
    const batch = Array.from({ length: size }, () => this.#source.next().value as DemoRecord);
    let left = batch;
    while (left.length > 0) {
      const entries = left.map(({ data, partitionKey }) => ({ Data: data, PartitionKey: partitionKey }));
      const { stream: StreamName, client } = this.#options;
      const { Records = [] } = await client.send(new PutRecordsCommand({ StreamName, Records: entries }));
      left = left.filter((_record, position) => Records[position]?.ErrorCode !== undefined);
    }
    this.#note(batch);
  }

  #note(batch: readonly DemoRecord[]): void {
    const now = new Date();
    this.#totals = mergeTotals(this.#totals, addUp(batch.flatMap(({ data }) => predict(data, now))));
    this.#records += batch.length;
    this.#puts.push({ settled: settledCount(this.#totals), at: now.getTime() });
  }
}
