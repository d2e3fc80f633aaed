import type { S3Options } from './options.ts';

/**
 * Logstash never uploads a small file under the strategy `size`. Here its events stay unsettled as long, so that the
 * source's position would stand still: uploaded well within the 24 hours a stream keeps its records.
 */
const SIZE_ONLY_AGE_MS = 6 * 3_600_000;
const CHECK_MS_MAX = 1000;
const CHECK_MS_MIN = 50;
const MEMBER_TEXT_BYTES_MAX = 256 * 1024;
const MEMBER_TEXT_BYTES_MIN = 1024;

interface Rotatable {
  /** By the monotonic clock. */
  readonly openedMs: number;
  readonly encoding: 'none' | 'gzip';
  /** Bytes on disk. */
  readonly size: number;
  readonly textBytes: number;
  readonly inFlightBytes: number;
}

/** What text hardly ever shrinks less than to. */
const POOR_GZIP_RATIO = 0.5;

/** When an object ends. */
export class RotationRules {
  readonly #sizeBytes: number;
  readonly #ageMs: number;
  /** How often ages are looked at. Logstash does it every 15 s. */
  readonly checkIntervalMs: number;
  /** Text of one gzip member: small enough that the size on disk, known member by member, hits the limit well. */
  readonly memberTextBytes: number;

  constructor(options: Pick<S3Options, 'rotation_strategy' | 'size_file' | 'time_file'>) {
    const { rotation_strategy: strategy, size_file, time_file } = options;
    this.#sizeBytes = strategy === 'time' ? Number.POSITIVE_INFINITY : size_file;
    this.#ageMs = strategy === 'size' ? SIZE_ONLY_AGE_MS : time_file * 60_000;
    this.checkIntervalMs = Math.max(CHECK_MS_MIN, Math.min(CHECK_MS_MAX, this.#ageMs / 4));
    this.memberTextBytes = Math.min(MEMBER_TEXT_BYTES_MAX, Math.max(MEMBER_TEXT_BYTES_MIN, this.#sizeBytes / 4));
  }

  isLargeEnough(file: Rotatable): boolean {
    return (file.encoding === 'gzip' ? file.size : file.textBytes) >= this.#sizeBytes;
  }

  /** Whether the size is only known when the text on its way has been compressed. */
  isUndecided(file: Rotatable): boolean {
    if (file.encoding !== 'gzip' || file.inFlightBytes === 0) return false;
    return file.size + file.inFlightBytes * POOR_GZIP_RATIO >= this.#sizeBytes;
  }

  isOldEnough(file: Pick<Rotatable, 'openedMs'>, nowMs: number): boolean {
    return nowMs - file.openedMs >= this.#ageMs;
  }
}
