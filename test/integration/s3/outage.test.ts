/** A minute in which S3 takes nothing, in each way it can: what the log says, what arrives, and what Elasticsearch notices. */
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { compile } from '../../../src/compiler/index.ts';
import { DeadLetterQueue } from '../../../src/delivery/deadLetterQueue.ts';
import { registry } from '../../../src/plugins/index.ts';
import { Pipeline } from '../../../src/runtime/pipeline.ts';
import type { Clock } from '../../../src/util/clock.ts';
import { recordLog } from '../../support/outputHarness.ts';
import {
  type FakeElasticsearch,
  type Fault,
  type FaultRule,
  startFakeElasticsearch,
} from '../../support/servers/index.ts';
import { ACCESS_KEY, BUCKET, REGION, S3Lab, SECRET_KEY } from './support.ts';

/** A minute passes in a second and a half. */
const HASTE = 40;
const MINUTE_MS = 60_000;
const EVENTS = 2000;
const WAIT = { timeout: 30_000, interval: 20 };

function hastyClock(): Clock {
  const startMs = Date.now();
  return {
    now: () => startMs + (Date.now() - startMs) * HASTE,
    monotonic: () => performance.now() * HASTE,
    sleep: (ms, signal) => wait(ms / HASTE, undefined, signal ? { signal } : {}).catch(() => undefined),
  };
}

function refusal(status: number, code: string): Fault {
  const body = `<Error><Code>${code}</Code><Message>By a test.</Message></Error>`;
  return { kind: 'answer', status, headers: { 'content-type': 'application/xml' }, body };
}

let lab: S3Lab;
let elasticsearch: FakeElasticsearch;

beforeAll(async () => {
  lab = await S3Lab.start();
}, 120_000);
afterAll(() => lab.stop());
afterEach(async () => {
  lab.proxy.setRule(undefined);
  await elasticsearch.stop();
});

function configOf(prefix: string): string {
  return `input { generator { count => ${EVENTS} } }
    output {
      elasticsearch { hosts => ["${elasticsearch.url}"] index => "all" manage_template => false }
      s3 {
        bucket => "${BUCKET}" region => "${REGION}" endpoint => "${lab.proxy.url}" prefix => "${prefix}"
        access_key_id => "${ACCESS_KEY}" secret_access_key => "${SECRET_KEY}" size_file => 20000 time_file => 1 codec => json_lines
        temporary_directory => "${lab.temporaryDirectory()}"
        additional_settings => { force_path_style => true retry_limit => 0 http_read_timeout => 0.2 }
      }
    }`;
}

async function startPipeline(prefix: string, clock: Clock) {
  elasticsearch = await startFakeElasticsearch();
  const { logger, lines: log } = recordLog();
  const { pipeline: resolved, reporter } = await compile([{ path: 'outage.conf', text: configOf(prefix) }], {
    registry,
    variable: () => undefined,
    supportEscapes: false,
    fileExists: () => true,
  });
  const dataPath = lab.temporaryDirectory();
  const deadLetterQueue = new DeadLetterQueue({ directory: dataPath, clock, logger });
  const settings = { id: 'main', supportEscapes: false, batchSize: 125, dataPath, hostName: 'test-host' };
  const pipeline = new Pipeline({ ...settings, clock, loggerFor: () => logger, deadLetterQueue }, reporter);
  await pipeline.start(resolved);
  return { pipeline, log };
}

const isUpload: FaultRule = ({ method, url }) =>
  method === 'PUT' && !url.includes('programmatic-access') ? { kind: 'reset' } : undefined;

describe('a minute without S3', () => {
  it.each<[string, Fault, RegExp]>([
    ['wrong credentials', refusal(403, 'SignatureDoesNotMatch'), /SignatureDoesNotMatch: .*the secret key is wrong/],
    ['no permission', refusal(403, 'AccessDenied'), /AccessDenied: .*allow s3:PutObject/],
    ['too many requests', refusal(503, 'SlowDown'), /SlowDown/],
    ['no answer', { kind: 'hold', until: new Promise(() => {}) }, /TimeoutError: .*does not answer in time/],
    ['connections reset', { kind: 'reset' }, /ECONNRESET/],
    ['answers lost after the upload', { kind: 'loseReply' }, /ECONNRESET/],
  ])(
    '%s',
    async (title, fault, reason) => {
      const clock = hastyClock();
      const prefix = `outage/${title.replaceAll(' ', '-')}`;
      const { pipeline, log } = await startPipeline(prefix, clock);
      lab.proxy.setRule((request) => isUpload(request) && fault);
      const startMs = clock.now();
      const running = pipeline.run();
      await vi.waitFor(() => expect(elasticsearch.documents('all').size).toBe(EVENTS), WAIT);
      await vi.waitFor(() => expect(clock.now() - startMs).toBeGreaterThan(MINUTE_MS), WAIT);
      // Elasticsearch has everything while S3 has confirmed nothing.
      const counters = pipeline.snapshot().plugins.find(({ name }) => name === 's3')?.counters;
      expect(counters).toMatchObject({ objects: 0, lines: 0 });
      expect(counters?.['upload_failures']).toBeGreaterThan(1);
      lab.proxy.setRule(undefined);
      await running;
      expect(elasticsearch.documents('all').size).toBe(EVENTS);
      const sequences = (await lab.objects(`${prefix}/`)).flatMap(({ lines }) =>
        lines.map((line) => (JSON.parse(line) as { sequence: number }).sequence),
      );
      expect(sequences.sort((left, right) => left - right)).toEqual(Array.from({ length: EVENTS }, (_, n) => n));
      const said = log.filter((line) => line.includes('upload to s3://'));
      expect(said[0]).toMatch(/^WARN upload to s3:\/\/test-accesslog fails and is tried again: /);
      expect(said[0]).toMatch(reason);
      expect(said.at(-1)).toMatch(/^INFO upload to s3:\/\/test-accesslog works again after /);
      expect(said.slice(1, -1).every((line) => line.includes('still fails after'))).toBe(true);
      expect(said.length).toBeLessThanOrEqual(5);
      expect(log.join('\n')).not.toContain(SECRET_KEY);
    },
    60_000,
  );
});
