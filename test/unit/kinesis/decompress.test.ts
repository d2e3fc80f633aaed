import { deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { decompress, detectCompression, RecordTooLarge } from '../../../src/kinesis/decompress.ts';
import { createRecordForms } from '../../../src/kinesis/recordForms.ts';

const TEXT = Buffer.from('{"logtype":"accesslog","remote":"81.2.69.142"}');

function isText(data: Uint8Array): boolean {
  return TEXT.equals(data);
}

describe('decompress', () => {
  test.each<[string, Uint8Array]>([
    ['gzip', gzipSync(TEXT)],
    ['gzip in two members', Buffer.concat([gzipSync(TEXT.subarray(0, 10)), gzipSync(TEXT.subarray(10))])],
    ['zlib, fastest', deflateSync(TEXT, { level: 1 })],
    ['zlib, default', deflateSync(TEXT)],
    ['zlib, best', deflateSync(TEXT, { level: 9 })],
    ['zlib, stored', deflateSync(TEXT, { level: 0 })],
    ['zlib with a small window', deflateSync(TEXT, { windowBits: 9 })],
    ['zstd', zstdCompressSync(TEXT)],
    [
      'zstd in two frames',
      Buffer.concat([zstdCompressSync(TEXT.subarray(0, 10)), zstdCompressSync(TEXT.subarray(10))]),
    ],
    ['plain', TEXT],
  ])('%s', (_name, data) => {
    expect(isText(decompress(data))).toBe(true);
  });

  test.each<[string, Uint8Array]>([
    ['nothing', Buffer.alloc(0)],
    ['three bytes', Buffer.from([0x1f, 0x8b, 8])],
    ['a text that looks like zlib', Buffer.from('x^2 + y^2 = z^2')],
    ['another', Buffer.from('8Yabcdefgh')],
    ['a gzip cut short', gzipSync(TEXT).subarray(0, 30)],
    ['a zstd cut short', zstdCompressSync(TEXT).subarray(0, 20)],
    ['raw deflate', deflateRawSync(TEXT)],
    ['a KPL container', Buffer.from([0xf3, 0x89, 0x9a, 0xc2, 1, 2, 3, 4])],
  ])('%s stays as it is', (_name, data) => {
    expect(decompress(data)).toBe(data);
  });

  test.each<['gzip' | 'zlib' | 'zstd', Uint8Array]>([
    ['gzip', gzipSync(Buffer.alloc(100_000))],
    ['zlib', deflateSync(Buffer.alloc(100_000))],
    ['zstd', zstdCompressSync(Buffer.alloc(100_000))],
  ])('%s over the bound is refused, at the bound it is not', (compression, data) => {
    expect(() => decompress(data, 99_999)).toThrow(RecordTooLarge);
    expect(() => decompress(data, 99_999)).toThrow(
      `a ${compression} record of ${data.length} bytes grows beyond the bound of 99999 bytes`,
    );
    expect(decompress(data, 100_000)).toHaveLength(100_000);
  });

  test('what JSON begins with is never taken for compressed', () => {
    for (const start of ['{"a":1}', '[1,2,3]', '"text"', '123456', 'true  ', ' {"a":1}', '\n{"a":1}']) {
      expect(detectCompression(Buffer.from(start))).toBeUndefined();
    }
  });
});

test('a record that grows too large keeps its bytes and says why', () => {
  const packed = gzipSync(Buffer.alloc(1_000));
  const stored = { SequenceNumber: '17', Data: packed, PartitionKey: 'k', ApproximateArrivalTimestamp: new Date(5) };
  const [record, ...others] = createRecordForms(100).userRecords(stored);
  expect(others).toEqual([]);
  expect(record).toEqual({
    sequenceNumber: '17',
    subSequenceNumber: 0,
    partitionKey: 'k',
    approximateArrivalTimestampMs: 5,
    data: packed,
    fault: expect.any(RecordTooLarge),
  });
});
