import type { SourceFile } from './ast.ts';
import type { Position } from './diagnostic.ts';

/**
 * Line, column and "byte" of a UTF-16 offset. Logstash calls `byte` what is a count of characters: it grows by one for
 * `한` as for `a`; so here, or its messages could not be compared.
 */
export function positionAt(file: SourceFile, offset: number): Position {
  const before = file.text.slice(0, offset);
  const lineStart = before.lastIndexOf('\n') + 1;
  return {
    line: countNewlines(before) + 1,
    column: countCharacters(before.slice(lineStart)) + 1,
    byte: countCharacters(before) + 1,
  };
}

/** Characters outside the basic plane are two UTF-16 units and one character. */
export function countCharacters(text: string): number {
  let count = text.length;
  for (let at = 0; at < text.length - 1; at++) {
    if (isHighSurrogate(text.charCodeAt(at)) && isLowSurrogate(text.charCodeAt(at + 1))) count--;
  }
  return count;
}

function countNewlines(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++;
  return count;
}

const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff;
const isLowSurrogate = (unit: number): boolean => unit >= 0xdc00 && unit <= 0xdfff;
