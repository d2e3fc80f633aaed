/** What must be true after every fault. */
import { join } from 'node:path';
import { expect } from 'vitest';
import { readDeadLetters } from '../../src/delivery/deadLetters.ts';
import { credentials, leases, s3Lines } from '../integration/pipeline/harness.ts';
import { EVENT_TEXT, type FaultLab } from './lab.ts';

export interface Expected {
  /** What Elasticsearch refuses for good; nothing else may be in the dead letter queue. */
  readonly deadLetters?: (n: number) => boolean;
  /** The process loses what it knew, so that S3 gets lines again. */
  readonly mayRepeatInS3?: boolean;
}

export interface Outcome {
  readonly records: number;
  readonly documents: number;
  readonly deadLetters: number;
  readonly s3Lines: number;
  readonly s3Repeats: number;
  readonly logLines: number;
}

const LOG_LINES_MAX = 40;
const LINE_LENGTH_MAX = 1_500;
const HITS_MAX = 10_000;

/** To be called when the program has ended. @throws when something is lost, comes twice to a reader, or is told that must not be */
export async function check(lab: FaultLab, { deadLetters, mayRepeatInS3 }: Expected): Promise<Outcome> {
  const [documents, buried, lines] = await Promise.all([documentNumbers(lab), deadNumbers(lab), s3Numbers(lab)]);
  const input = lab.numbers();
  const refused = input.filter((n) => deadLetters?.(n));

  expect(missing(input, documents, buried.get('elasticsearch')), 'lost on the way to Elasticsearch').toEqual([]);
  expect(missing(input, lines, buried.get('s3')), 'lost on the way to S3').toEqual([]);
  expect(documents.length - new Set(documents).size, 'documents that a reader sees twice').toBe(0);
  expect([...buried.keys()].filter((plugin) => plugin !== 'elasticsearch')).toEqual([]);
  expect([...new Set(buried.get('elasticsearch'))].toSorted((a, b) => a - b)).toEqual(refused);
  const s3Repeats = lines.length - new Set(lines).size;
  if (!mayRepeatInS3) expect(s3Repeats, 'lines that came twice to S3').toBe(0);

  const logLines = checkLog(lab);
  const released = [...lab.ends].map(([shardId, checkpoint]) => [shardId, { owner: undefined, checkpoint }]);
  expect(await leases(lab.stack, lab.id)).toEqual(Object.fromEntries(released));
  return {
    records: lab.records,
    documents: documents.length,
    deadLetters: refused.length,
    s3Lines: lines.length,
    s3Repeats,
    logLines,
  };
}

function missing(input: readonly number[], ...arrived: readonly (readonly number[] | undefined)[]): number[] {
  const all = new Set(arrived.flatMap((numbers) => numbers ?? []));
  return input.filter((n) => !all.has(n));
}

function checkLog({ program }: FaultLab): number {
  const lines = program.log.trimEnd().split('\n');
  expect(program.log).not.toContain(credentials.secretAccessKey);
  expect(program.log).not.toContain(EVENT_TEXT);
  expect(lines.length, program.log).toBeLessThanOrEqual(LOG_LINES_MAX);
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(LINE_LENGTH_MAX);
  return lines.length;
}

async function documentNumbers({ stack, id }: FaultLab): Promise<number[]> {
  const answer = await fetch(`${stack.elasticsearch.url}/${id}-*/_search?size=${HITS_MAX}&_source=n`);
  const { hits } = (await answer.json()) as { hits: { hits: { _source: { n: number } }[] } };
  return hits.hits.map(({ _source }) => _source.n);
}

async function s3Numbers({ stack, id }: FaultLab): Promise<number[]> {
  const lines = await s3Lines(stack, `${id}/`);
  return lines.map((line) => (JSON.parse(line) as { n: number }).n);
}

/** By the plugin that refused them. */
async function deadNumbers({ program }: FaultLab): Promise<Map<string, number[]>> {
  const numbers = new Map<string, number[]>();
  for await (const { pluginType, data } of readDeadLetters(join(program.dataPath, 'dead_letter_queue', 'main'))) {
    numbers.set(pluginType, [...(numbers.get(pluginType) ?? []), Number(data['n'])]);
  }
  return numbers;
}
