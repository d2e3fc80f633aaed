import type { Event } from '../event/event.ts';

export interface Codec {
  /** `arrivalMs`: `@timestamp` of events that bring none. Bytes of an unfinished event wait for the next call or `flush`. */
  decode(data: Uint8Array, arrivalMs: number): Event[];
  flush(arrivalMs: number): Event[];
  encode(event: Event): string;
}

/** A configured codec. Decoders keep state, so every stream of bytes opens one of its own. */
export interface CodecFactory {
  readonly name: string;
  open(): Codec;
}
