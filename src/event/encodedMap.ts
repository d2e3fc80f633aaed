import type { TextBuffer } from '../util/textBuffer.ts';
import type { ValueMap } from './value.ts';

/**
 * A map that is already encoded, since many events hold the same. An event that is asked for it holds a map of its own
 * from then on; most are only ever written.
 */
export abstract class EncodedMap {
  /** A map that the caller may change. */
  abstract toMap(): ValueMap;
  /** Writes the JSON text of that map. */
  abstract write(out: TextBuffer): void;
}
