/** What must never be, what was seen of it, and how it is told. */

export type ViolationKind =
  /** A checkpoint at or beyond a record that is not settled. */
  | 'checkpoint beyond what is settled'
  /** A checkpoint that is no user record, or below the one before. */
  | 'checkpoint goes back'
  | 'SHARD_END before all is settled'
  | 'SHARD_END before the children have rows'
  /** Read while a parent is unsettled or its row is not at SHARD_END. */
  | 'child before its parent’s end'
  /** Events of one key were first emitted in another order than put. */
  | 'order of a key'
  /** A worker left out a record between two that it emitted. */
  | 'record left out'
  /** A worker emitted again what it had emitted, or what was settled before it took over. */
  | 'record emitted again'
  /** With no fault at work, an event was emitted twice. */
  | 'duplicate without a fault'
  /** An event with a wrong name, key or shard. */
  | 'wrong event'
  | 'emits after the loss of its lease'
  | 'writes after the loss of its lease'
  /** A write undid what another had written and the writer had not seen. */
  | 'write over unseen changes'
  /** Attributes that KCL would not write so. */
  | 'row unlike KCL’s'
  | 'row made twice'
  | 'row removed too early'
  /** After the faults were over the fleet did not come to rest. */
  | 'no rest'
  | 'close hangs'
  /** After a clean close. */
  | 'row not left to a successor'
  /** A promise was rejected that never should be. */
  | 'unexpected failure';

export interface Violation {
  readonly kind: ViolationKind;
  readonly text: string;
  /** Since the beginning. */
  readonly atMs: number;
}

export type Report = (kind: ViolationKind, text: string) => void;

/** Says what happened; the text is only made when somebody listens. */
export type Trace = (who: string, text: () => string) => void;

/** One line for people, and the command that shows how it came to it. */
export function failureText(seed: number, { kind, text }: Violation, flags: readonly string[] = []): string {
  return `seed ${seed}: ${kind}: ${text}\n  ${['npm run simulate -- --seed', seed, '--trace', ...flags].join(' ')}`;
}
