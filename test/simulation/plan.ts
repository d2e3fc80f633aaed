/** What one seed is about: which kinds of faults are on, how often, and how the workers are set. */
import type { InitialPosition } from '../../src/kinesis/types.ts';
import type { Dice } from './dice.ts';
import type { ForeignSettings } from './foreignWorker.ts';
import { type NetworkSettings, NO_TROUBLE, type Service, type Trouble } from './network.ts';
import { EXPANDED_BYTES_MAX } from './stream.ts';
import { BEGIN_MS } from './virtualTime.ts';
import type { WorkerSettings } from './worker.ts';

/** What may happen at a step. */
export type Action =
  | 'put'
  | 'split'
  | 'merge'
  | 'double'
  | 'halve'
  | 'forget'
  | 'start'
  | 'close'
  | 'closeHastily'
  | 'crash'
  | 'freeze'
  | 'cutOff'
  | 'kinesisTrouble'
  | 'dynamodbTrouble'
  | 'expireIterators'
  | 'cutSubscriptions'
  | 'deregister'
  | 'foreignStart'
  | 'foreignDeath';

export interface Plan {
  /** Without any fault, and one worker after the other: nothing may be emitted twice. */
  readonly isFaultless: boolean;
  readonly failoverTimeMs: number;
  readonly steps: number;
  /** A step takes up to this. */
  readonly stepMs: number;
  /** How often each action is chosen beside the others. */
  readonly weights: Readonly<Partial<Record<Action, number>>>;
  readonly workersMax: number;
  readonly shardsAtStart: number;
  readonly openShardsMax: number;
  /** Reshards and puts before the first worker starts. */
  readonly stepsBefore: number;
  readonly skewMsMax: number;
  readonly usualTrouble: Readonly<Record<Service, Trouble>>;
  readonly network: NetworkSettings;
  readonly worker: WorkerSettings;
  readonly foreign: ForeignSettings;
  readonly server: {
    readonly tableExists: boolean;
    readonly pageSize: number;
    readonly recordsACall: number;
    readonly namesChildren: boolean;
  };
  /** How the servers treat subscriptions; few workers subscribe. */
  readonly fanOut: {
    /** With 0 enhanced fan-out is refused. */
    readonly consumersMax: number;
    readonly creatingMs: number;
    readonly subscriptionMs: number;
    readonly recordsAnEvent: number;
    readonly tellsEnds: boolean;
  };
}

export const FAN_OUT_CONSUMER = 'mine';

/** Each is on in half of the seeds, so that some seeds know one kind of fault alone and others many at once. */
const SOMETIMES: readonly Action[] = [
  'split',
  'merge',
  'double',
  'halve',
  'forget',
  'close',
  'closeHastily',
  'crash',
  'freeze',
  'cutOff',
  'kinesisTrouble',
  'dynamodbTrouble',
  'expireIterators',
  'cutSubscriptions',
  'deregister',
  'foreignStart',
];
const WITHOUT_FAULT: readonly Action[] = ['split', 'merge', 'double', 'halve', 'forget'];
const FAULTLESS_SHARE = 0.1;
const SKEW_MS = 5 * 60_000;

export function drawPlan(dice: Dice): Plan {
  const isFaultless = dice.chance(FAULTLESS_SHARE);
  const failoverTimeMs = dice.whole(1_000, 8_000);
  const usual = () => (isFaultless || dice.chance(0.5) ? NO_TROUBLE : drawTrouble(dice, 0.05));
  const timeoutMs = { kinesis: failoverTimeMs * dice.between(1, 3), dynamodb: failoverTimeMs * dice.between(0.3, 1.5) };
  return {
    isFaultless,
    failoverTimeMs,
    steps: dice.whole(30, 100),
    stepMs: failoverTimeMs * dice.between(0.1, 0.7),
    weights: isFaultless ? { ...drawWeights(dice, WITHOUT_FAULT), close: 0.5 } : drawWeights(dice, SOMETIMES),
    workersMax: isFaultless ? 1 : dice.whole(1, 4),
    shardsAtStart: dice.whole(1, 4),
    openShardsMax: dice.whole(2, 10),
    stepsBefore: dice.chance(0.5) ? dice.whole(1, 10) : 0,
    skewMsMax: dice.pick([0, 10_000, SKEW_MS]),
    usualTrouble: { kinesis: usual(), dynamodb: usual() },
    network: { timeoutMs, slowMs: failoverTimeMs * dice.between(0.2, 2.5) },
    worker: drawWorker(dice, failoverTimeMs, timeoutMs.dynamodb, isFaultless),
    foreign: {
      failoverTimeMs,
      leasesMax: dice.whole(1, 4),
      stealing: dice.between(0, 0.3),
      leavesChildrenToSync: dice.chance(0.4),
    },
    server: {
      tableExists: dice.chance(0.5),
      pageSize: dice.whole(1, 8),
      recordsACall: dice.whole(1, 6),
      namesChildren: dice.chance(0.8),
    },
    fanOut: {
      consumersMax: dice.chance(0.2) ? 0 : 1,
      creatingMs: dice.pick([0, 3_000]),
      subscriptionMs: failoverTimeMs * dice.between(1, 20),
      recordsAnEvent: dice.whole(1, 6),
      tellsEnds: dice.chance(0.8),
    },
  };
}

/** Together at most `most`. */
export function drawTrouble(dice: Dice, most: number): Trouble {
  const rate = () => (dice.chance(0.5) ? dice.between(0, most / 5) : 0);
  return { throttled: rate(), failed: rate(), lostBefore: rate(), lostAfter: rate(), empty: rate(), slow: rate() };
}

function drawWeights(dice: Dice, actions: readonly Action[]): Plan['weights'] {
  const weights: Partial<Record<Action, number>> = { put: 6, start: 1 };
  for (const action of actions) if (dice.chance(0.5)) weights[action] = dice.between(0.1, 1.5);
  if (weights.foreignStart !== undefined) weights.foreignDeath = dice.between(0.1, 1);
  return weights;
}

function drawWorker(
  dice: Dice,
  failoverTimeMs: number,
  dynamodbTimeoutMs: number,
  isFaultless: boolean,
): WorkerSettings {
  const times = (low: number, high: number) => Math.round(failoverTimeMs * dice.between(low, high));
  return {
    consumer: {
      initialPosition: drawInitialPosition(dice),
      failoverTimeMs,
      shardSyncIntervalMs: times(1, 6),
      maxRecords: dice.whole(1, 10),
      idleTimeBetweenReadsMs: times(0.1, 0.6),
      parentShardPollIntervalMs: times(0.3, 2),
      taskBackoffTimeMs: times(0.02, 0.2),
      checkpointIntervalMs: times(0, 1),
      closeTimeoutMs: times(0.5, 3),
      leaseRenewalsAtOnce: dice.whole(8, 20),
      expandedBytesMax: EXPANDED_BYTES_MAX,
      ...(dice.chance(0.3) && { fanOut: { consumerName: FAN_OUT_CONSUMER } }),
    },
    batchSize: dice.whole(1, 6),
    ackWindowMax: 2 ** dice.whole(1, 6),
    output: {
      eventsMax: dice.whole(3, 100),
      delayMs: failoverTimeMs * dice.pick([0.05, 0.5, 3]),
      failing: isFaultless ? 0 : dice.between(0, 0.4),
      dropped: dice.between(0, 0.3),
    },
    // It looks three times in that time, and each look may wait for a few calls, none of which outlasts its time-out.
    unrenewedMaxMs: failoverTimeMs * 1.4 + 4 * dynamodbTimeoutMs,
  };
}

function drawInitialPosition(dice: Dice): InitialPosition {
  const type = dice.weighted({ TRIM_HORIZON: 7, LATEST: 2, AT_TIMESTAMP: 1 });
  if (type === 'AT_TIMESTAMP') return { type, timestampMs: BEGIN_MS + dice.whole(0, 10_000) };
  return { type: type ?? 'TRIM_HORIZON' };
}
