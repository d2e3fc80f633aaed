import type { Event } from '../event/event.ts';
import type { TextBuffer } from '../util/textBuffer.ts';

export interface Codec {
  /** `arrivalMs`: `@timestamp` of events that bring none. Bytes of an unfinished event wait for the next call or `flush`. */
  decode(data: Uint8Array, arrivalMs: number): Event[];
  flush(arrivalMs: number): Event[];
  /** Appends the event's text. It may throw half-way. */
  encode(event: Event, out: TextBuffer): void;
}

/** A configured codec. Decoders keep state, so every stream of bytes opens one of its own. */
export interface CodecFactory {
  readonly name: string;
  /** As that of the definition. */
  readonly delimiter?: string | undefined;
  open(): Codec;
}

/** Appends the event's text, all of it or nothing, and gives the number of its bytes. @throws what the codec throws */
export function encodeWhole(codec: Codec, event: Event, out: TextBuffer): number {
  const before = out.length;
  try {
    codec.encode(event, out);
  } catch (error) {
    out.truncate(before);
    throw error;
  }
  return out.length - before;
}
