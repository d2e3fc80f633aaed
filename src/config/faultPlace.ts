import type { SyntaxFailure } from './grammar.ts';

export interface FaultPlace {
  readonly text: string;
  /** The text before earlier faults were mended. */
  readonly original: string;
  /** Where Logstash reports the fault. */
  readonly offset: number;
  readonly expected: readonly string[];
  readonly failure: SyntaxFailure;
}
