import { readFileSync } from 'node:fs';
import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { addUp, predict } from '../../support/predict.ts';

interface RecordedRow {
  readonly in: string;
  readonly events: number;
  readonly logtype?: unknown;
  readonly timestamp?: string;
}

const NOW = new Date('2026-11-22T10:00:00.000Z');
const ROWS: RecordedRow[] = readFileSync(new URL('./seedPipeline.jsonl', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line));

function predictOne(text: string) {
  const [first] = predict(Buffer.from(text), NOW);
  return first;
}

describe('prediction', () => {
  // What a real Logstash 7.9.3 made of these records with the user's filters.
  it.each(ROWS)('agrees with Logstash on the log type and time of $in', (row) => {
    const predictions = predict(Buffer.from(row.in), NOW);
    // Of several documents in one record Logstash keeps the first.
    expect(Math.min(predictions.length, 1)).toBe(row.events);
    const timestamp = row.timestamp === '<now>' ? NOW.toISOString() : row.timestamp;
    expect([predictions[0]?.logtype, predictions[0]?.timestamp.toISOString()]).toEqual([row.logtype, timestamp]);
  });

  it.each([
    ['the whole name', '{"logtype":"api-requestlog"}', 'api-requestlog-202611', undefined],
    ['a part of all three: the first wins', '{"logtype":"log"}', 'accesslog-202611', 'test-accesslog/2026/11/22/'],
    ['a part of the second', '{"logtype":"responselog"}', 'api-responselog-202611', undefined],
    ['empty text', '{"logtype":""}', 'accesslog-202611', 'test-accesslog/2026/11/22/'],
    ['a longer name', '{"logtype":"api-accesslog"}', undefined, undefined],
    ['a number', '{"logtype":1}', undefined, undefined],
    ['no JSON', 'text', undefined, undefined],
    [
      'a log type that logdata overwrites',
      '{"logtype":"api-responselog","logdata":"{\\"logtype\\":\\"accesslog\\"}"}',
      'accesslog-202611',
      'test-accesslog/2026/11/22/',
    ],
    [
      'a time that logdata overwrites',
      '{"logtype":"api-responselog","logdata":"{\\"@timestamp\\":\\"2020-10-31T23:59:59-01:00\\"}"}',
      'api-responselog-202011',
      undefined,
    ],
  ])('routes %s', (_case, text, index, s3Prefix) => {
    expect(predictOne(text)).toMatchObject({ index, s3Prefix });
  });

  it.each([
    ['a size beyond a long', '{"logtype":"accesslog","size":"18446744073709551615"}', true],
    ['the largest long', '{"logtype":"accesslog","size":"9223372036854775807"}', false],
    ['a size of -', '{"logtype":"accesslog","size":"-"}', false],
    ['a dotted key beside a value', '{"logtype":"api-responselog","path":"/","logdata":"{\\"path.x\\":1}"}', true],
    [
      'the same in logdata that is not read',
      '{"logtype":"api-requestlog","path":"/","logdata":"{\\"path.x\\":1}"}',
      false,
    ],
    ['an infinite number', '{"logtype":"api-responselog","logdata":"{\\"f\\":1e400}"}', true],
  ])('knows what Elasticsearch does with %s', (_case, text, refused) => {
    expect(predictOne(text)?.refused !== undefined).toBe(refused);
  });

  it('counts each document of a record, plain or compressed', () => {
    const text = '{"logtype":"accesslog"}\n{"logtype":"api-requestlog"}\n[{"logtype":"other"},{"logtype":"accesslog"}]';
    const forms = [Buffer.from(text), gzipSync(text), deflateSync(text), zstdCompressSync(text)];
    for (const form of forms) {
      expect(addUp(predict(form, NOW))).toEqual({
        events: 4,
        indices: { 'accesslog-202611': 2, 'api-requestlog-202611': 1 },
        s3Lines: 2,
        unrouted: 1,
        refused: 0,
      });
    }
  });
});
