import type { Expected } from './checker.ts';
import type { LabSettings } from './lab.ts';
import type { Disturbance } from './wire.ts';

/** One fault, as the suite plays it. `docs/reliability.md` tells of it under the same name. */
export interface FaultRow extends LabSettings, Expected {
  readonly name: string;
  readonly disturb: Disturbance;
  /** What a user sees of it in the log; none where nothing is said. */
  readonly says: readonly RegExp[];
}
