/**
 * What Fluent Bit put on a stream, in each of its forms, and the events that are in it. Two of the captures are kept in this
 * repository; the others, and the log lines all were made of, are read where `../shared/records` is there.
 */
import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { fluentBitParsers, parseLine } from '../../support/fluentBit.ts';
import type { PutRecord } from './harness.ts';

const SHARED = new URL('../../../../shared/records/', import.meta.url);
const KEPT = new URL('../../data/records/', import.meta.url);

export const CAPTURES = [
  'go_seed_noimds',
  'go_aggregation_kpl',
  'go_zlib',
  'c_gzip',
  'c_zstd',
  'c_simple_aggregation_gzip',
  'go_seed_imds',
] as const;
export type Capture = (typeof CAPTURES)[number];

export type Fields = Readonly<Record<string, unknown>>;

export function isHere(capture: Capture): boolean {
  return existsSync(new URL(`fb5.1.1_${capture}.jsonl.gz`, KEPT)) || existsSync(sharedFile(capture));
}

/** Bytes and partition keys as they were. */
export function recordsOf(capture: Capture): PutRecord[] {
  const kept = new URL(`fb5.1.1_${capture}.jsonl.gz`, KEPT);
  const text = existsSync(kept) ? gunzipSync(readFileSync(kept)) : readFileSync(sharedFile(capture));
  return linesOf(text.toString('utf8'))
    .map((line) => JSON.parse(line))
    .map(({ partitionKey, dataBase64 }) => ({ key: partitionKey, data: Buffer.from(dataBase64, 'base64') }));
}

/** The events of a capture that has one JSON object a record. */
export function plainEvents(capture: 'go_seed_noimds' | 'go_seed_imds'): Fields[] {
  return recordsOf(capture).map(({ data }) => JSON.parse(data.toString()));
}

export const logLinesAreHere = existsSync(new URL('input/', SHARED));

/** What Fluent Bit's rules make of the log lines. */
export function eventsOfLogLines(): Fields[] {
  const parsers = fluentBitParsers(readFileSync(new URL('input/parsers.conf', SHARED), 'utf8'));
  return LOGS.flatMap(({ file, logtype, time }) =>
    linesOf(readFileSync(new URL(`input/${file}`, SHARED), 'utf8'), { keepEmpty: true })
      .filter((line) => Buffer.byteLength(line) < LINE_BYTES_MAX)
      .map((line) => withoutBadTime({ ...parseLine(parsers, logtype, line), logtype }, time)),
  );
}

const LOGS = [
  { file: 'access.log', logtype: 'accesslog', time: /^\d+\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}$/ },
  { file: 'api-request.log', logtype: 'api-requestlog', time: /^[\d-]+ [\d:]+ GMT[+-]\d{4} \(GMT\)$/ },
  { file: 'api-response-2020-10-20.log', logtype: 'api-responselog', time: /^[\d-]+ [\d:]+ GMT[+-]\d{4} \(GMT\)$/ },
] as const;
/** Fluent Bit's `Buffer_Max_Size`, with `Skip_Long_Lines`. */
const LINE_BYTES_MAX = 32 * 1024;

function withoutBadTime({ time, ...fields }: Record<string, string>, format: RegExp): Fields {
  return time !== undefined && format.test(time) ? { ...fields, time } : fields;
}

/** A text that is equal for equal events. Bytes that are no UTF-8 become different characters in Fluent Bit's C and Go parts. */
export function canonical(event: Fields): string {
  return JSON.stringify(Object.entries(event).sort()).replace(/[\uFFFD\uE000-\uF8FF]/g, '');
}

export function linesOf(text: string, { keepEmpty = false } = {}): string[] {
  const lines = text.split('\n').slice(0, -1);
  return keepEmpty ? lines : lines.filter((line) => line !== '');
}

function sharedFile(capture: Capture): URL {
  return new URL(`fb5.1.1_${capture}.jsonl`, SHARED);
}
