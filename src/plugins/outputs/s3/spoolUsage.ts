/** How much waits for upload; shared by all files of one output. */
export interface SpoolUsage {
  /** Text that is not on disk yet. */
  memoryBytes: number;
  /** Of it what is on its way to the disk. */
  leavingBytes: number;
  diskBytes: number;
}
