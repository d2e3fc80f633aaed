import { deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { snappyCompress } from 'hysnappy';
import { describe, expect, test } from 'vitest';
import {
  type Compression,
  type CompressionChoice,
  createDecompressor,
  detectCompression,
  NotCompressed,
  RecordTooLarge,
} from '../../../src/kinesis/decompress.ts';

const TEXT = Buffer.from('{"logtype":"accesslog","remote":"81.2.69.142"}');

/** `TEXT` four times, as the library of Google writes it in the framing format. */
const FRAMED_SNAPPY = Buffer.from(
  '/wYAAHNOYVBwWQA8AADpCzn1uAFweyJsb2d0eXBlIjoiYWNjZXNzbG9nIiwicmVtb3QBFTA4MS4yLjY5LjE0MiJ9/i4A/i4AGS4=',
  'base64',
);
const FOUR_TEXTS = Buffer.concat([TEXT, TEXT, TEXT, TEXT]);

function decompress(data: Uint8Array, compression: CompressionChoice = 'auto', expandedBytesMax = 1_000_000) {
  return createDecompressor({ compression, expandedBytesMax })(data);
}

const COMPRESSED: [string, Compression, Uint8Array][] = [
  ['gzip', 'gzip', gzipSync(TEXT)],
  ['gzip in two members', 'gzip', Buffer.concat([gzipSync(TEXT.subarray(0, 10)), gzipSync(TEXT.subarray(10))])],
  ['zlib, fastest', 'zlib', deflateSync(TEXT, { level: 1 })],
  ['zlib, default', 'zlib', deflateSync(TEXT)],
  ['zlib, best', 'zlib', deflateSync(TEXT, { level: 9 })],
  ['zlib, stored', 'zlib', deflateSync(TEXT, { level: 0 })],
  ['zlib with a small window', 'zlib', deflateSync(TEXT, { windowBits: 9 })],
  ['zstd', 'zstd', zstdCompressSync(TEXT)],
  [
    'zstd in two frames',
    'zstd',
    Buffer.concat([zstdCompressSync(TEXT.subarray(0, 10)), zstdCompressSync(TEXT.subarray(10))]),
  ],
];

const PLAIN: [string, Uint8Array][] = [
  ['a JSON text', TEXT],
  ['nothing', Buffer.alloc(0)],
  ['three bytes', Buffer.from([0x1f, 0x8b, 8])],
  ['a text that looks like zlib', Buffer.from('x^2 + y^2 = z^2')],
  ['another', Buffer.from('8Yabcdefgh')],
  ['a gzip cut short', gzipSync(TEXT).subarray(0, 30)],
  ['a zstd cut short', zstdCompressSync(TEXT).subarray(0, 20)],
  ['a framed Snappy cut short', FRAMED_SNAPPY.subarray(0, 30)],
  ['raw deflate', deflateRawSync(TEXT)],
  ['a KPL container', Buffer.from([0xf3, 0x89, 0x9a, 0xc2, 1, 2, 3, 4])],
];

describe('what the bytes tell', () => {
  test.each(COMPRESSED)('%s is expanded', (_name, _compression, data) => {
    expect(TEXT.equals(decompress(data))).toBe(true);
  });

  test('framed Snappy is expanded', () => {
    expect(FOUR_TEXTS.equals(decompress(FRAMED_SNAPPY))).toBe(true);
  });

  test.each(PLAIN)('%s stays as it is', (_name, data) => {
    expect(decompress(data)).toBe(data);
  });

  test('raw Snappy tells nothing', () => {
    const data = snappyCompress(TEXT);
    expect(decompress(data)).toBe(data);
  });

  test('what JSON begins with is never taken for compressed', () => {
    for (const start of ['{"a":1}', '[1,2,3]', '"text"', '123456', 'true  ', ' {"a":1}', '\n{"a":1}']) {
      expect(detectCompression(Buffer.from(start))).toBeUndefined();
    }
  });
});

describe('what the user tells', () => {
  test.each(COMPRESSED)('%s is expanded', (_name, compression, data) => {
    expect(TEXT.equals(decompress(data, compression))).toBe(true);
  });

  test('Snappy is expanded in both its forms', () => {
    expect(TEXT.equals(decompress(snappyCompress(TEXT), 'snappy'))).toBe(true);
    expect(FOUR_TEXTS.equals(decompress(FRAMED_SNAPPY, 'snappy'))).toBe(true);
  });

  test.each<Compression>(['gzip', 'zlib', 'zstd', 'snappy'])('whatever is not %s is refused', (compression) => {
    const others = COMPRESSED.filter(([, other]) => other !== compression).map(([, , data]) => data);
    for (const data of [...PLAIN.map(([, plain]) => plain), ...others]) {
      expect(() => decompress(data, compression)).toThrow(NotCompressed);
    }
  });

  test('none leaves all as it is', () => {
    for (const data of [gzipSync(TEXT), FRAMED_SNAPPY, TEXT]) expect(decompress(data, 'none')).toBe(data);
  });
});

describe('the bound', () => {
  const zeros = Buffer.alloc(100_000);

  test.each<[Compression, CompressionChoice, Uint8Array]>([
    ['gzip', 'auto', gzipSync(zeros)],
    ['zlib', 'auto', deflateSync(zeros)],
    ['zstd', 'auto', zstdCompressSync(zeros)],
    ['gzip', 'gzip', gzipSync(zeros)],
    ['snappy', 'snappy', snappyCompress(zeros)],
  ])('%s, with compression => "%s", is refused over it, and not at it', (kind, choice, data) => {
    expect(() => decompress(data, choice, 99_999)).toThrow(RecordTooLarge);
    expect(() => decompress(data, choice, 99_999)).toThrow(
      `a ${kind} record of ${data.length} bytes grows beyond the bound of 99999 bytes`,
    );
    expect(decompress(data, choice, 100_000)).toHaveLength(100_000);
  });

  test('holds for all chunks of framed Snappy together', () => {
    const twice = Buffer.concat([FRAMED_SNAPPY, FRAMED_SNAPPY]);
    expect(decompress(twice, 'auto', FOUR_TEXTS.length * 2)).toHaveLength(FOUR_TEXTS.length * 2);
    expect(() => decompress(twice, 'auto', FOUR_TEXTS.length * 2 - 1)).toThrow(RecordTooLarge);
  });

  test('holds for plain records only in so far as they are not expanded', () => {
    expect(decompress(TEXT, 'auto', 10)).toBe(TEXT);
  });

  test('what was expanded is told', () => {
    const told: [Compression, number][] = [];
    const expand = createDecompressor({
      compression: 'auto',
      expandedBytesMax: 99_999,
      onExpanded: (...expanded) => told.push(expanded),
    });
    expand(gzipSync(TEXT));
    expand(TEXT);
    expand(Buffer.from('x^2 + y^2 = z^2'));
    expect(() => expand(gzipSync(zeros))).toThrow(RecordTooLarge);
    expect(told).toEqual([['gzip', TEXT.length]]);
  });
});
