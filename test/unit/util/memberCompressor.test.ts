import { randomBytes } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { wholeMember } from '../../../src/util/gzipMembers.ts';
import { MemberCompressor } from '../../../src/util/memberCompressor.ts';

const MIB = 1024 * 1024;
const TEXTS = [
  Buffer.from('a'),
  Buffer.from('a line\n'.repeat(100_000)),
  // Does not shrink, so that it comes out in several pieces.
  randomBytes(2 * MIB),
  Buffer.from('äöü\n'),
  randomBytes(1000),
];

test.each([0, 1, 6, 9])('each text is a member of its own, at level %i', async (level) => {
  const compressor = new MemberCompressor(level);
  for (const text of [...TEXTS, ...TEXTS]) {
    const member = await compressor.compress(text);
    expect(await wholeMember(member)).toBe(member.length);
    expect(gunzipSync(member).equals(text)).toBe(true);
  }
});

test('more texts at a time than there are engines', async () => {
  const compressor = new MemberCompressor(1);
  const texts = Array.from({ length: 40 }, (_, n) => Buffer.from(`text ${n}\n`.repeat(n * 500 + 1)));
  const members = await Promise.all(texts.map((text) => compressor.compress(text)));
  expect(members.map((member) => gunzipSync(member).toString())).toEqual(texts.map(String));
});

test('a member does not change when the next texts are compressed', async () => {
  const compressor = new MemberCompressor(1);
  const members: Buffer[] = [];
  for (let n = 0; n < 20; n++) members.push(await compressor.compress(randomBytes(100_000)));
  expect(gunzipSync(Buffer.concat(members)).length).toBe(20 * 100_000);
});

test('a text that cannot be taken says so, and the next one is compressed', async () => {
  const compressor = new MemberCompressor(1);
  await expect(compressor.compress(7 as unknown as Uint8Array)).rejects.toThrow();
  expect(gunzipSync(await compressor.compress(Buffer.from('x'))).toString()).toBe('x');
});
