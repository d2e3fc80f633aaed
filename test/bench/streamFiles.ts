/** A stream as the records of its shards, written out beforehand so that the server only has to send them. */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { accessLogLines } from './accessLog.ts';
import { generated } from './generated.ts';
import { LINE_SOURCES } from './lines.ts';

/** Where in the shard's file each record begins, and the file ends. A comma stands behind each record. */
export type ShardIndex = readonly number[];

const WRITTEN_AT_ONCE = 1_000;
const NUMBER_DIGITS = 19;
/** The first of them: how often the shard was read before, where it begins anew. */
const ROUND_DIGITS = 6;
const SEQUENCE_START = '4959033827149025660855969253836';
const ARRIVAL_SECONDS = 1_603_133_760;
const SOURCES = [...LINE_SOURCES, 'test/bench/streamFiles.ts'];

export function streamFolder(events: number, shards: number): string {
  return generated(`stream-${events}-${shards}`, SOURCES, (directory) => writeStream(directory, events, shards));
}

export function shardFile(folder: string, shard: number): string {
  return join(folder, `${shard}.json`);
}

/** One a shard. */
export function readIndex(folder: string): readonly ShardIndex[] {
  return JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8'));
}

/** How many records of its shard go before the one with this sequence number. */
export function placeInShard(sequenceNumber: string, shards: number): number {
  return Math.floor(Number(sequenceNumber.slice(ROUND_DIGITS - NUMBER_DIGITS)) / shards);
}

/** How often the shard was read whole before the record with this sequence number; 0 for none. */
export function roundOf(sequenceNumber: string): number {
  return Number(sequenceNumber.slice(-NUMBER_DIGITS).slice(0, ROUND_DIGITS));
}

/** Writes it into the record that ends at `end`, with its comma. */
export function markRound(records: Buffer, end: number, round: number): void {
  const start = end - '"},'.length - NUMBER_DIGITS;
  records.write(String(round).padStart(ROUND_DIGITS, '0'), start, 'latin1');
}

function writeStream(folder: string, events: number, shards: number): void {
  const writers = Array.from({ length: shards }, (_, shard) => new ShardWriter(shardFile(folder, shard)));
  let number = 0;
  for (const line of accessLogLines(events)) {
    writers[number % shards]?.add(recordText(line, number, number % shards));
    number++;
  }
  writeFileSync(join(folder, 'index.json'), JSON.stringify(writers.map((writer) => writer.close())));
}

class ShardWriter {
  readonly #file: number;
  readonly #starts: number[] = [];
  #end = 0;
  #texts: string[] = [];

  constructor(path: string) {
    this.#file = openSync(path, 'w');
  }

  add(text: string): void {
    this.#starts.push(this.#end);
    this.#end += text.length;
    this.#texts.push(text);
    if (this.#texts.length === WRITTEN_AT_ONCE) this.#flush();
  }

  close(): ShardIndex {
    this.#flush();
    closeSync(this.#file);
    return [...this.#starts, this.#end];
  }

  #flush(): void {
    writeSync(this.#file, this.#texts.join(''));
    this.#texts = [];
  }
}

/** ASCII, in the order and with the forms that Kinesis has. */
function recordText(line: string, number: number, shard: number): string {
  const data = Buffer.from(`${line}\n`).toString('base64');
  const arrival = (ARRIVAL_SECONDS + number / 1000).toFixed(3);
  const key = createHash('md5').update(String(number)).digest('hex');
  const sequence = `${SEQUENCE_START}${String(shard).padStart(6, '0')}${String(number).padStart(NUMBER_DIGITS, '0')}`;
  return `{"ApproximateArrivalTimestamp":${arrival},"Data":"${data}","PartitionKey":"${key}","SequenceNumber":"${sequence}"},`;
}
