import type { ConsumerOptions } from './types.ts';

/** As KCL. */
export const FAILOVER_TIME_MS = 10_000;

/** Options of the consumer with KCL's defaults in place of what is not given. */
export type ResolvedOptions = Pick<ConsumerOptions, Absent> & {
  readonly [K in Exclude<keyof ConsumerOptions, Absent>]-?: NonNullable<ConsumerOptions[K]>;
};

/** May be. */
type Absent = 'fanOut' | 'createProcessor' | 'openReader';

export function resolveOptions(options: ConsumerOptions): ResolvedOptions {
  const resolved: ResolvedOptions = {
    ...options,
    initialPosition: options.initialPosition ?? { type: 'TRIM_HORIZON' },
    failoverTimeMs: options.failoverTimeMs ?? FAILOVER_TIME_MS,
    shardSyncIntervalMs: options.shardSyncIntervalMs ?? 60_000,
    maxRecords: options.maxRecords ?? 10_000,
    idleTimeBetweenReadsMs: options.idleTimeBetweenReadsMs ?? 1_000,
    parentShardPollIntervalMs: options.parentShardPollIntervalMs ?? 10_000,
    taskBackoffTimeMs: options.taskBackoffTimeMs ?? 500,
    checkpointIntervalMs: options.checkpointIntervalMs ?? 60_000,
    maxLeasesForWorker: options.maxLeasesForWorker ?? Number.MAX_SAFE_INTEGER,
    maxLeasesToStealAtOneTime: options.maxLeasesToStealAtOneTime ?? Number.MAX_SAFE_INTEGER,
    cleanUpEndedLeases: options.cleanUpEndedLeases ?? true,
    leaseRenewalsAtOnce: options.leaseRenewalsAtOnce ?? 20,
    closeTimeoutMs: options.closeTimeoutMs ?? 10_000,
    tableBilling: options.tableBilling ?? { mode: 'PAY_PER_REQUEST' },
    fetchedBytesMax: options.fetchedBytesMax ?? 8 * 1024 * 1024,
    compression: options.compression ?? 'auto',
    expandedBytesMax: options.expandedBytesMax ?? 64 * 1024 * 1024,
    kplRecordsOutsideShard: options.kplRecordsOutsideShard ?? 'keep',
    counter: options.counter ?? (() => ({ value: 0 })),
  };
  check(resolved, 'failoverTimeMs', 100, Number.MAX_SAFE_INTEGER);
  check(resolved, 'shardSyncIntervalMs', 1, Number.MAX_SAFE_INTEGER);
  check(resolved, 'maxRecords', 1, 10_000);
  check(resolved, 'idleTimeBetweenReadsMs', 0, Number.MAX_SAFE_INTEGER);
  check(resolved, 'parentShardPollIntervalMs', 1, Number.MAX_SAFE_INTEGER);
  check(resolved, 'taskBackoffTimeMs', 1, Number.MAX_SAFE_INTEGER);
  check(resolved, 'checkpointIntervalMs', 0, Number.MAX_SAFE_INTEGER);
  check(resolved, 'maxLeasesForWorker', 1, Number.MAX_SAFE_INTEGER);
  check(resolved, 'maxLeasesToStealAtOneTime', 1, Number.MAX_SAFE_INTEGER);
  check(resolved, 'leaseRenewalsAtOnce', 1, Number.MAX_SAFE_INTEGER);
  check(resolved, 'closeTimeoutMs', 0, Number.MAX_SAFE_INTEGER);
  check(resolved, 'fetchedBytesMax', 1, Number.MAX_SAFE_INTEGER);
  check(resolved, 'expandedBytesMax', 1, Number.MAX_SAFE_INTEGER);
  return resolved;
}

type NumberOption = {
  [K in keyof ResolvedOptions]-?: ResolvedOptions[K] extends number ? K : never;
}[keyof ResolvedOptions];

function check(options: ResolvedOptions, name: NumberOption, min: number, max: number): void {
  const value = options[name];
  if (value >= min && value <= max) return;
  const bounds = max === Number.MAX_SAFE_INTEGER ? `at least ${min}` : `between ${min} and ${max}`;
  throw new RangeError(`${name} has to be ${bounds}, not ${value}`);
}
