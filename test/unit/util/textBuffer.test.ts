import { expect, test } from 'vitest';
import { SpareBytes, TextBuffer } from '../../../src/util/textBuffer.ts';

function taken(text: TextBuffer, content: string): Buffer {
  text.append(content);
  return text.take();
}

test('bytes that were given back are used by the next buffer that grows', () => {
  const spares = new SpareBytes(1024);
  const first = taken(new TextBuffer(1024, spares), 'one');
  new TextBuffer(1024, spares).reuse(first);
  const second = taken(new TextBuffer(1024, spares), 'two');
  expect(second.buffer).toBe(first.buffer);
  expect(taken(new TextBuffer(1024, spares), 'three').buffer).not.toBe(first.buffer);
  expect(second.toString()).toBe('two');
});

test('without shared ones, a buffer uses its own again', () => {
  const text = new TextBuffer(1024);
  const first = taken(text, 'one');
  text.reuse(first);
  expect(taken(text, 'two').buffer).toBe(first.buffer);
});

test('spare bytes that are too few or far too many stay', () => {
  const spares = new SpareBytes(64);
  new TextBuffer(16, spares).reuse(Buffer.allocUnsafeSlow(64));
  const large = 'x'.repeat(65);
  expect(taken(new TextBuffer(16, spares), large).toString()).toBe(large);
  expect(taken(new TextBuffer(15, spares), 'x').buffer.byteLength).toBe(15);
  expect(taken(new TextBuffer(16, spares), 'x').buffer.byteLength).toBe(64);
});

test('no more spare bytes are kept than asked for, but what was given last', () => {
  const spares = new SpareBytes(210);
  const left = () => [1, 2, 3].map(() => spares.take(50, 1000)?.length);
  for (const length of [100, 101, 102]) spares.give(Buffer.allocUnsafeSlow(length));
  expect(left()).toEqual([102, 101, undefined]);
  for (const length of [100, 300]) spares.give(Buffer.allocUnsafeSlow(length));
  expect(left()).toEqual([300, undefined, undefined]);
  spares.give(Buffer.allocUnsafeSlow(100));
  expect(left()).toEqual([100, undefined, undefined]);
});
