import { snappyCompress } from 'hysnappy';
import { describe, expect, it } from 'vitest';
import { SnappyTooLarge, uncompressSnappy } from '../../../src/kinesis/snappy.ts';

const MAX = 1_000_000;
const IDENTIFIER = Buffer.from('\xff\x06\x00\x00sNaPpY', 'latin1');

function chunk(type: number, ...parts: Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const header = Buffer.alloc(4);
  header.writeUInt32LE(((body.length << 8) | type) >>> 0);
  return Buffer.concat([header, body]);
}

/** The masked CRC-32C of the nine digits, as the test vector 0xe3069283 gives it. */
const DIGITS = Buffer.from('123456789');
const DIGITS_CHECKSUM = Buffer.alloc(4);
DIGITS_CHECKSUM.writeUInt32LE((((0xe3069283 >>> 15) | (0xe3069283 << 17)) + 0xa282ead8) >>> 0);

function framed(...chunks: Uint8Array[]): Buffer {
  return Buffer.concat([IDENTIFIER, ...chunks]);
}

function text(data: Uint8Array): string {
  return Buffer.from(uncompressSnappy(data, MAX)).toString();
}

describe('the framing format', () => {
  it('has compressed and uncompressed chunks, and others to pass over', () => {
    const plain = chunk(1, DIGITS_CHECKSUM, DIGITS);
    const compressed = chunk(0, DIGITS_CHECKSUM, snappyCompress(DIGITS));
    const padding = chunk(0xfe, Buffer.alloc(7));
    expect(text(framed(plain, padding, compressed, chunk(0x80, DIGITS), IDENTIFIER, plain))).toBe(
      '123456789'.repeat(3),
    );
    expect(text(framed())).toBe('');
  });

  it.each([
    ['a wrong checksum', framed(chunk(1, Buffer.alloc(4), DIGITS)), 'a checksum does not match'],
    ['a chunk that must not be passed over', framed(chunk(2, DIGITS_CHECKSUM, DIGITS)), 'of the unknown type 2'],
    ['a chunk without a checksum', framed(chunk(1, Buffer.alloc(3))), 'a chunk has no checksum'],
    ['half a header', framed(Buffer.from([1, 2])), 'a chunk is cut short'],
    ['half a chunk', framed(chunk(1, DIGITS_CHECKSUM, DIGITS)).subarray(0, -1), 'a chunk is cut short'],
    ['a broken compressed chunk', framed(chunk(0, DIGITS_CHECKSUM, Buffer.from([9, 0]))), ''],
  ])('refuses %s', (_name, data, message) => {
    expect(() => uncompressSnappy(data, MAX)).toThrow(message);
  });
});

describe('the raw format', () => {
  it.each([0, 1, 100, 70_000, 1_500_000])('gives %s bytes', (length) => {
    const data = Buffer.alloc(length, 'some text ');
    expect(data.equals(uncompressSnappy(snappyCompress(data), 2_000_000))).toBe(true);
  });

  it('is not expanded when it says that it grows beyond the bound', () => {
    const data = snappyCompress(Buffer.alloc(1000));
    expect(() => uncompressSnappy(data, 999)).toThrow(SnappyTooLarge);
    expect(uncompressSnappy(data, 1000)).toHaveLength(1000);
  });

  it.each([
    ['nothing', []],
    ['a length without an end', [0xff, 0xff]],
    ['a length of more than 32 bits', [0xff, 0xff, 0xff, 0xff, 0x1f, 0]],
    ['a length that its bytes cannot give', [0xff, 0xff, 0xff, 0xff, 0x0f, 0]],
    ['no data', [9]],
    ['less data than it says', [9, 0, 65]],
    ['more data than it says', [1, 4, 65, 66]],
    ['a copy from before the start', [9, 0, 65, 0x15, 9]],
    // Some decoders run for ever on this one.
    ['a literal of a negative length', [10, 0xfc, 0x00, 0xff, 0xff, 0xff, ...Array.from({ length: 20 }, () => 1)]],
  ])('refuses %s', (_name, bytes) => {
    expect(() => uncompressSnappy(Buffer.from(bytes), MAX)).toThrow();
  });

  it('never gives more or fewer bytes than it says, whatever byte is changed', () => {
    const whole = snappyCompress(Buffer.from('hello hello hello, and once more hello hello hello'));
    for (let index = 1; index < whole.length; index++) {
      for (const flip of [0x01, 0x80, 0xff]) {
        const changed = Buffer.from(whole);
        changed[index] = (changed[index] as number) ^ flip;
        let length = 50;
        try {
          length = uncompressSnappy(changed, MAX).length;
        } catch {
          continue;
        }
        expect(length).toBe(50);
      }
    }
  });
});
