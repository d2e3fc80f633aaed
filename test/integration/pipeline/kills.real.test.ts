/**
 * The user's pipeline under load, killed again and again, on the real servers. The long series: LOGSTASH_TS_KILLS=200; the same
 * moments again: LOGSTASH_TS_KILLS_SEED=<the one in the test's name>.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { seededRandom } from '../../../scripts/geoip/random.ts';
import { isAtOrBelow } from '../kinesis/harness.ts';
import { startProducer } from '../kinesis/storm/producer.ts';
import {
  documentCounts,
  Program,
  putRecords,
  type Stack,
  s3Objects,
  startStack,
  stopStack,
  sum,
  until,
} from './harness.ts';
import { configuration } from './kills/configuration.ts';
import { judgeCopies } from './kills/copies.ts';
import { goesToS3, isRefused, recordOf, refuseSome } from './kills/load.ts';
import { MOMENTS, Watch } from './kills/moments.ts';
import { deadLetterIds, documentIds, testWithGzip } from './kills/outcome.ts';
import { checkpointsOf, Series } from './kills/series.ts';

const KILLS = Number(process.env['LOGSTASH_TS_KILLS'] ?? MOMENTS.length);
const SEED = Number(process.env['LOGSTASH_TS_KILLS_SEED'] ?? Date.now() % 1_000_000);
const CATCH_UP_MS = 180_000;

describe.runIf(process.env['LOGSTASH_TS_REAL'] === '1')('the pipeline killed under load', () => {
  const random = seededRandom(SEED);
  let servers: Stack;
  let watch: Watch;
  let program: Program;

  beforeAll(async () => {
    servers = await startStack();
    await refuseSome(servers);
    watch = await Watch.start(servers, random);
    program = new Program(watch.stack, configuration());
  }, 240_000);

  afterAll(async () => {
    await program?.end('SIGKILL');
    program?.remove();
    await watch?.stop();
    await stopStack(servers);
  }, 60_000);

  const timeout = KILLS * 20_000 + 2 * CATCH_UP_MS;
  test(`${KILLS} times, seed ${SEED}, loses nothing and repeats only what was not checkpointed`, {
    timeout,
  }, async () => {
    const producer = startProducer((ids) => putRecords(servers, ids.map(recordOf)));
    const series = new Series(program, watch, random);
    await series.kill(KILLS);
    await producer.stop();
    const input = [...producer.placed.keys()];
    const taken = input.filter((id) => !isRefused(id));
    await until(
      async () => sum(await documentCounts(servers)),
      (count) => count >= taken.length,
      CATCH_UP_MS,
    );
    expect(await series.stop()).toBe(0);

    const documents = await documentIds(servers);
    expect(documents.toSorted((a, b) => a - b)).toEqual(taken);
    const deadLetters = await deadLetterIds(program.dataPath);
    expect(new Set(deadLetters)).toEqual(new Set(input.filter(isRefused)));

    const objects = await s3Objects(servers);
    await testWithGzip(objects, join(program.folder, 'objects'));
    const copies = series.copiesIn(objects);
    expect(input.filter((id) => copies.has(id) !== goesToS3(id))).toEqual([]);
    const { objects: again, agesMs, unexplained } = judgeCopies(copies, series.runs, producer.placed);
    expect(unexplained.slice(0, 20), program.log).toEqual([]);

    const checkpoints = await checkpointsOf(servers);
    expect(input.filter((id) => !isAtOrBelow(producer.placed.get(id), checkpoints))).toEqual([]);
    expect(sum(Object.fromEntries(series.hits))).toBeGreaterThan(KILLS / 2);
    const age = (share: number) => agesMs[Math.floor((agesMs.length - 1) * share)] ?? 0;
    const lost = series.runs.reduce((count, { lostShards }) => count + lostShards.size, 0);
    console.log(
      `seed ${SEED}: ${input.length} records, ${documents.length} documents, ${new Set(deadLetters).size} dead letters ` +
        `in ${deadLetters.length} entries, ${objects.length} objects of ${copies.size} lines, ${agesMs.length} of them again in ` +
        `${again} objects, uploaded at most ${age(1)} ms before the kill (median ${age(0.5)}, 95 % ${age(0.95)}); ` +
        `${lost} leases not renewed in time; kills: ${JSON.stringify(Object.fromEntries(series.hits))}`,
    );
  });
});
