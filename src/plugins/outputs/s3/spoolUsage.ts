/** How much waits for upload; shared by all files of one output. */
export interface SpoolUsage {
  /** Text that is not on disk yet. */
  memoryBytes: number;
  diskBytes: number;
}
