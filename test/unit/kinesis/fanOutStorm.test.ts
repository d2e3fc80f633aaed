import { expect, test } from 'vitest';
import { pick, seededRandom } from '../../../scripts/geoip/random.ts';
import { awsError } from './fakes/faults.ts';
import { begin, createLab, createWorker, end } from './fakes/lab.ts';

const FAULTS = [
  'ECONNRESET',
  'InternalFailureException',
  'ResourceInUseException',
  'LimitExceededException',
  'KMSThrottlingException',
];

test.each(Array.from({ length: 20 }, (_, seed) => [seed]))(
  'one worker gets each record once, in order, whatever breaks: seed %d',
  async (seed) => {
    const random = seededRandom(seed);
    const lab = createLab(['s0', 's1']);
    Object.assign(lab.kinesis.fanOut, {
      recordsAnEvent: 3,
      subscriptionMs: 5_000 + Math.floor(random() * 60_000),
      tellsEnds: random() < 0.5,
    });
    lab.kinesis.recordsACall = 2;
    let busyMs = 0;
    const worker = createWorker(lab, {
      fanOut: { consumerName: 'mine' },
      random,
      shardSyncIntervalMs: 10_000,
      gate: () => lab.clock.sleep(busyMs),
    });
    await begin(lab, worker, 5_000);
    const puts = new Map<string, string[]>();
    const refusedAt = Math.floor(random() * 300);
    for (let step = 0; step < 200; step += 1) {
      const dice = random();
      const open = [...lab.kinesis.shards].filter(([, shard]) => !shard.closed).map(([id]) => id);
      if (dice < 0.5) {
        const shardId = pick(random, open);
        const texts = Array.from({ length: 1 + Math.floor(random() * 8) }, (_, at) => `${shardId}/${step}.${at}`);
        lab.kinesis.put(shardId, ...texts);
        puts.set(shardId, [...(puts.get(shardId) ?? []), ...texts]);
      } else if (dice < 0.6) lab.kinesis.fanOut.cut(awsError(pick(random, FAULTS)), pick(random, open));
      else if (dice < 0.7)
        lab.kinesis.faults.refuse('subscribeToShard', awsError(pick(random, FAULTS)), Math.ceil(random() * 4));
      else if (dice < 0.75) lab.kinesis.faults.loseAnswer('subscribeToShard');
      else if (dice < 0.8) lab.kinesis.fanOut.isSilent = !lab.kinesis.fanOut.isSilent;
      else if (dice < 0.85) busyMs = Math.floor(random() * 20_000);
      else if (dice < 0.87 && lab.kinesis.shards.size < 12) {
        for (const side of ['l', 'r']) lab.kinesis.addShard(`${open[0]}${side}`, [open[0] as string]);
      } else if (dice < 0.88) lab.kinesis.fanOut.deregister('mine');
      if (step === refusedAt) lab.kinesis.faults.breakDown('subscribeToShard', awsError('AccessDeniedException'));
      await lab.clock.advance(Math.floor(random() * 15_000));
    }
    lab.kinesis.fanOut.isSilent = false;
    busyMs = 0;
    await lab.clock.advance(600_000);
    for (const [shardId, texts] of puts) {
      expect(worker.texts.filter((text) => text.startsWith(`${shardId}/`))).toEqual(texts);
    }
    expect(worker.lost).toEqual([]);
    await end(lab, worker);
    expect(lab.kinesis.fanOut.open).toEqual([]);
  },
);
