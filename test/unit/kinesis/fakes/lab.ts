/** A worker on a fake stream and a fake table, with a clock that stands still. */
import { createAckTracker } from '../../../../src/delivery/ackTracker.ts';
import { createConsumer } from '../../../../src/kinesis/consumer.ts';
import type { Consumer, ConsumerOptions, Position } from '../../../../src/kinesis/types.ts';
import { silentLogger } from '../../../../src/util/logger.ts';
import { FakeClock } from './fakeClock.ts';
import { FakeDynamoDb } from './fakeDynamoDb.ts';
import { FakeKinesis } from './fakeKinesis.ts';

export interface FakeLab {
  readonly clock: FakeClock;
  readonly kinesis: FakeKinesis;
  readonly dynamodb: FakeDynamoDb;
  readonly log: string[];
}

export interface FakeWorker {
  readonly consumer: Consumer;
  readonly texts: string[];
  readonly lost: string[];
  settleAll(): void;
}

export function createLab(shardIds: readonly string[], tableExists = true): FakeLab {
  const clock = new FakeClock();
  return {
    clock,
    kinesis: new FakeKinesis(clock.now, shardIds, clock.sleep),
    dynamodb: new FakeDynamoDb(tableExists),
    log: [],
  };
}

export interface FakeWorkerOptions extends Partial<ConsumerOptions> {
  /** Records stay open until `settleAll`. */
  readonly holdBack?: boolean;
  /** What `process` waits for. */
  readonly gate?: () => Promise<void> | void;
}

export function createWorker(lab: FakeLab, { holdBack, gate, ...options }: FakeWorkerOptions = {}): FakeWorker {
  const texts: string[] = [];
  const lost: string[] = [];
  const open: (() => void)[] = [];
  const settleAll = () => {
    for (const settle of open.splice(0)) settle();
  };
  const write = (level: string) => (message: string) => {
    lab.log.push(`${level} ${message}`);
  };
  const consumer = createConsumer({
    ...lab,
    streamName: 'logs',
    tableName: 'leases',
    workerId: 'me',
    random: () => 0.5,
    logger: { ...silentLogger, info: write('info'), warn: write('warn'), error: write('error') },
    createProcessor: ({ shardId }) => {
      const tracker = createAckTracker<Position>(lab.clock.now);
      return {
        async process(records) {
          await gate?.();
          for (const record of records) texts.push(Buffer.from(record.data).toString());
          const last = records.at(-1);
          if (!last) throw new Error('an empty batch was given');
          const token = tracker.open(last);
          open.push(() => tracker.settle(token));
          if (!holdBack) settleAll();
        },
        settledPosition: () => tracker.settledPosition(),
        whenSettled: () => tracker.whenEmpty(),
        lost: () => lost.push(shardId),
      };
    },
    ...options,
  });
  return { consumer, texts, lost, settleAll };
}

/** Starts it and lets it read what is there. */
export async function begin(lab: FakeLab, worker: FakeWorker, ms = 1): Promise<void> {
  const started = worker.consumer.start();
  await lab.clock.advance(ms);
  await started;
  await lab.clock.advance(ms);
}

/** Closes it while the clock goes on. */
export async function end(lab: FakeLab, worker: FakeWorker): Promise<void> {
  const closed = worker.consumer.close();
  await lab.clock.advance(1);
  await closed;
}
