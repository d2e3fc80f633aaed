import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addUp, predict } from '../../support/predict.ts';
import {
  documentCounts,
  fluentBitRecords,
  leases,
  Program,
  putRecords,
  type Stack,
  s3Lines,
  startStack,
  stopStack,
  sum,
  until,
} from './harness.ts';

const records = fluentBitRecords();
const predictions = records.flatMap(({ Data }) => predict(Data, new Date()));
/** With every document taken, nothing is refused. */
const predicted = addUp(predictions.map((prediction) => ({ ...prediction, refused: undefined })));

describe("the user's pipeline over what Fluent Bit put on the stream", () => {
  let stack: Stack | undefined;
  let program: Program | undefined;

  beforeEach(async () => {
    stack = await startStack();
    program = new Program(stack);
  });

  afterEach(async () => {
    await program?.end('SIGKILL');
    program?.remove();
    await stopStack(stack);
  });

  it('delivers each event once, and hands over on SIGTERM', { timeout: 240_000 }, async () => {
    if (stack === undefined || program === undefined) throw new Error('no stack');
    const around = stack;
    await putRecords(around, records);
    program.start();
    await until(
      () => documentCounts(around),
      (counts) => sum(counts) >= sum(predicted.indices),
    );
    expect(await program.end('SIGTERM')).toBe(0);
    expect(await documentCounts(around)).toEqual(predicted.indices);
    expect(await s3Lines(around)).toHaveLength(predicted.s3Lines);
    for (const { owner, checkpoint } of Object.values(await leases(around))) {
      expect(owner).toBeUndefined();
      expect(checkpoint).toMatch(/^\d{56}$/);
    }
  });

  it('loses nothing and repeats nothing that a reader sees over kill -9', { timeout: 240_000 }, async () => {
    if (stack === undefined || program === undefined) throw new Error('no stack');
    const around = stack;
    const total = sum(predicted.indices);
    const half = Math.floor(records.length / 2);
    await putRecords(around, records.slice(0, half));
    program.start();
    await until(
      () => documentCounts(around),
      (counts) => sum(counts) > total / 4,
    );
    expect(await program.end('SIGKILL')).toBe('SIGKILL');
    await putRecords(around, records.slice(half));
    program.start();
    await until(
      () => documentCounts(around),
      (counts) => sum(counts) >= total,
    );
    expect(await program.end('SIGTERM')).toBe(0);
    expect(await documentCounts(around)).toEqual(predicted.indices);
    const lines = await s3Lines(around);
    // Whatever was in a file when the process died is written anew: in S3 a line may come twice, but none is missing.
    expect(lines.length).toBeGreaterThanOrEqual(predicted.s3Lines);
    expect(lines.length).toBeLessThanOrEqual(2 * predicted.s3Lines);
  });
});
