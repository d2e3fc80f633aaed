/** Bytes come in pieces that end anywhere, inside of a character too. */
import { describe, expect, it } from 'vitest';
import type { CodecFactory } from '../../../../src/plugin-api/index.ts';
import { jsonLines } from '../../../../src/plugins/codecs/json_lines.ts';
import { line } from '../../../../src/plugins/codecs/line.ts';
import { testContext } from '../../../support/pluginContext.ts';

const TEXT = '{"message":"서울 é"}\n{"message":"plain"}\n{"message":"no end 日本"}';

function open(
  codec: typeof line | typeof jsonLines,
  charset: string,
  delimiter: string,
): ReturnType<CodecFactory['open']> {
  return codec.create({ charset, delimiter, format: undefined }, testContext())();
}

describe.each([
  ['line', line],
  ['json_lines', jsonLines],
] as const)('%s', (name, codec) => {
  it.each([
    ['UTF-8', '\n', Buffer.from(TEXT)],
    ['UTF-8', '§', Buffer.from(TEXT.replaceAll('\n', '§'))],
    ['UTF-16LE', '\n', Buffer.from(TEXT, 'utf16le')],
  ])('in %s, split at %j, gives the same events however its bytes are cut', (charset, delimiter, bytes) => {
    const expected = TEXT.split('\n').map((text) => (name === 'line' ? text : JSON.parse(text).message));
    for (let size = 1; size <= bytes.length; size++) {
      const decoder = open(codec, charset, delimiter);
      const events = [];
      for (let at = 0; at < bytes.length; at += size) events.push(...decoder.decode(bytes.subarray(at, at + size), 0));
      events.push(...decoder.flush(0));
      expect(events.map((event) => event.getField('message'))).toEqual(expected);
    }
  });
});
