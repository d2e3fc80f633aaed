import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { type ClientSettings, type Clients, createClients } from '../../../src/kinesis/clients.ts';
import type { ConsumerOptions } from '../../../src/kinesis/types.ts';
import { systemClock } from '../../../src/util/clock.ts';
import { type Logger, silentLogger } from '../../../src/util/logger.ts';
import { awsError, type FaultProxy, startFaultProxy } from '../../support/servers/faultProxy.ts';
import { isInShardOrder, type Lab, REGION, startLab, type Worker } from './harness.ts';
import { startHttp2Front } from './http2Front.ts';

const WAIT = { timeout: 40_000, interval: 50 };
const SHARD_0 = 'shardId-000000000000';

vi.setConfig({ testTimeout: 60_000 });

let lab: Lab;
let proxy: FaultProxy;
/** How often each operation was called through the proxy. */
let counts = new Map<string, number>();
let rule: Parameters<FaultProxy['setRule']>[0];
const opened: Clients[] = [];

beforeAll(async () => {
  lab = await startLab();
  proxy = await startFaultProxy(lab.kinesisUrl, (request) => {
    counts.set(request.operation, (counts.get(request.operation) ?? 0) + 1);
    return rule?.(request);
  });
}, 60_000);

afterEach(async () => {
  await lab.closeWorkers();
  for (const clients of opened.splice(0)) clients.destroy();
  vi.unstubAllEnvs();
  rule = undefined;
  counts = new Map();
});

afterAll(async () => {
  await proxy.stop();
  await lab.stop();
}, 30_000);

async function clientsOf(kinesisEndpoint: string): Promise<Clients> {
  const accessKey = { id: 'test', secret: 'test' };
  const settings: ClientSettings = { region: REGION, kinesisEndpoint, dynamodbEndpoint: lab.dynamodbUrl, accessKey };
  const clients = await createClients(settings, { logger: silentLogger, clock: systemClock });
  opened.push(clients);
  return clients;
}

interface Fanned {
  readonly worker: Worker;
  readonly warnings: string[];
}

async function start(stream: string, options: Partial<ConsumerOptions> = {}, endpoint = proxy.url): Promise<Fanned> {
  const warnings: string[] = [];
  const logger: Logger = { ...silentLogger, warn: (message) => warnings.push(message) };
  const { kinesis } = await clientsOf(endpoint);
  const names = { streamName: stream, tableName: `${stream}-leases`, workerId: 'host:1' };
  const worker = lab.worker({ ...names, kinesis, logger, fanOut: { consumerName: 'mine' }, ...options });
  await worker.consumer.start();
  return { worker, warnings };
}

function texts(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, index) => String(from + index).padStart(4, '0'));
}

async function put(stream: string, from: number, to: number): Promise<void> {
  await lab.put(
    stream,
    texts(from, to).map((text) => ({ key: text, data: text })),
  );
}

function sources(worker: Worker): (string | null)[] {
  return worker.consumer.snapshot().shards.map(({ source }) => source);
}

async function untilRead(worker: Worker, count: number): Promise<void> {
  await vi.waitFor(() => expect(worker.delivered.length).toBeGreaterThanOrEqual(count), WAIT);
  expect(worker.texts()).toEqual(texts(0, count));
  expect(isInShardOrder(worker.delivered)).toBe(true);
}

test('two shards are read through two subscriptions, without one GetRecords', async () => {
  await lab.createStream('two', 2);
  await put('two', 0, 100);
  const { worker, warnings } = await start('two');
  await untilRead(worker, 100);
  await put('two', 100, 200);
  await untilRead(worker, 200);
  expect(Object.fromEntries(counts)).toMatchObject({ RegisterStreamConsumer: 1, SubscribeToShard: 2 });
  expect(counts.has('GetRecords') || counts.has('GetShardIterator')).toBe(false);
  expect(sources(worker)).toEqual(['fanout', 'fanout']);
  expect(warnings).toEqual([]);
  await worker.consumer.close();
});

test('a successor goes on at once as the consumer that is registered', async () => {
  await put('two', 200, 250);
  const { worker, warnings } = await start('two', { workerId: 'host:2' });
  await vi.waitFor(() => expect(worker.texts()).toEqual(texts(200, 250)), WAIT);
  expect(counts.has('RegisterStreamConsumer')).toBe(false);
  expect(counts.has('GetRecords')).toBe(false);
  expect(warnings).toEqual([]);
});

test('connections that break in the middle lose and repeat nothing', async () => {
  await lab.createStream('cut', 2);
  let cuts = 0;
  rule = ({ operation }) => {
    if (operation !== 'SubscribeToShard' || cuts === 6) return undefined;
    cuts += 1;
    // In the middle of a head, of an empty event, of records.
    return { kind: 'cut', afterBytes: 200 * cuts + 7 * cuts };
  };
  const { worker } = await start('cut');
  for (let from = 0; from < 400; from += 20) await put('cut', from, from + 20);
  await untilRead(worker, 400);
  await vi.waitFor(() => expect(counts.get('SubscribeToShard')).toBeGreaterThanOrEqual(8), WAIT);
  await put('cut', 400, 420);
  await untilRead(worker, 420);
  expect(cuts).toBe(6);
  expect(counts.has('GetRecords')).toBe(false);
});

test('subscriptions that are refused for a while, or reset, are tried again', async () => {
  await lab.createStream('busy', 1);
  const faults = [
    awsError(400, 'ResourceInUseException', 'Another active subscription exists'),
    { kind: 'reset' as const },
    awsError(400, 'LimitExceededException', 'Rate exceeded'),
    awsError(500, 'InternalFailureException', 'by a test'),
  ];
  rule = ({ operation }) => (operation === 'SubscribeToShard' ? faults.shift() : undefined);
  const { worker, warnings } = await start('busy');
  await put('busy', 0, 50);
  await untilRead(worker, 50);
  expect(counts.get('SubscribeToShard')).toBe(5);
  expect(warnings.filter((line) => line.includes('fails and is tried again'))).toHaveLength(1);
  expect(sources(worker)).toEqual(['fanout']);
});

test('the children of a split and of a merge are read after their parents', async () => {
  await lab.createStream('family', 1);
  await put('family', 0, 40);
  const { worker, warnings } = await start('family', { cleanUpEndedLeases: false });
  await untilRead(worker, 40);
  await lab.split('family', SHARD_0);
  await put('family', 40, 80);
  await untilRead(worker, 80);
  await lab.merge('family', 'shardId-000000000001', 'shardId-000000000002');
  await put('family', 80, 120);
  await untilRead(worker, 120);
  const last = worker.delivered.slice(80);
  expect(new Set(last.map((record) => record.shardId))).toEqual(new Set(['shardId-000000000003']));
  const rows = await lab.rows('family-leases');
  expect(rows.get(SHARD_0)?.['checkpoint']).toEqual({ S: 'SHARD_END' });
  const child = worker.consumer.snapshot().shards.find(({ shardId }) => shardId === 'shardId-000000000003');
  expect(child?.source).toBe('fanout');
  expect(warnings).toEqual([]);
});

test('polling goes on where subscribing is no longer allowed, and says so once', async () => {
  await lab.createStream('denied', 2);
  const { worker, warnings } = await start('denied');
  await put('denied', 0, 60);
  await untilRead(worker, 60);
  expect(counts.has('GetRecords')).toBe(false);
  // One shard's subscription goes on to the end of the shard; its children may not be subscribed to.
  rule = ({ operation }) =>
    operation === 'SubscribeToShard' ? awsError(400, 'AccessDeniedException', 'not authorized') : undefined;
  await put('denied', 60, 80);
  await untilRead(worker, 80);
  await lab.split('denied', SHARD_0);
  await put('denied', 80, 160);
  await untilRead(worker, 160);
  await vi.waitFor(() => expect(sources(worker)).not.toContain('fanout'), WAIT);
  await put('denied', 160, 200);
  await untilRead(worker, 200);
  expect(warnings).toEqual([
    expect.stringMatching(
      /^stream "denied" is read by polling from now on, since enhanced fan-out is refused: SubscribeToShard answers AccessDeniedException: not authorized; allow kinesis:SubscribeToShard on arn:aws:kinesis:us-east-1:\d+:stream\/denied\/consumer\/mine:\d+, and restart$/,
    ),
  ]);
});

test('a server without enhanced fan-out is polled', async () => {
  await lab.createStream('without', 1);
  rule = ({ operation }) =>
    operation.includes('Consumer') ? awsError(400, 'UnknownOperationException', 'unknown') : undefined;
  const { worker, warnings } = await start('without');
  await put('without', 0, 30);
  await untilRead(worker, 30);
  expect(warnings).toHaveLength(1);
  expect(sources(worker)).toEqual(['polling']);
});

test('over TLS subscriptions are HTTP/2, each on a connection of its own that ends with the lease', async () => {
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
  const front = await startHttp2Front(lab.kinesisUrl);
  try {
    await lab.createStream('secure', 2);
    await put('secure', 0, 100);
    const { worker, warnings } = await start('secure', {}, front.url);
    await untilRead(worker, 100);
    await put('secure', 100, 150);
    await untilRead(worker, 150);
    expect(front.calls.filter((call) => call.endsWith('SubscribeToShard'))).toEqual(
      Array(2).fill('2.0 SubscribeToShard'),
    );
    expect(new Set(front.calls.map((call) => call.slice(0, 3)))).toEqual(new Set(['1.1', '2.0']));
    expect(front.calls.some((call) => call.endsWith('GetRecords'))).toBe(false);
    expect(front.openSessions()).toBe(2);
    await worker.consumer.stopFetching();
    await vi.waitFor(() => expect(front.openSessions()).toBe(0), WAIT);
    expect(warnings).toEqual([]);
    await worker.consumer.close();
  } finally {
    await front.stop();
  }
});

test('an endpoint with TLS and without HTTP/2 is polled', async () => {
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
  const front = await startHttp2Front(lab.kinesisUrl, false);
  try {
    await lab.createStream('old', 1);
    const { worker, warnings } = await start('old', {}, front.url);
    await put('old', 0, 20);
    await untilRead(worker, 20);
    expect(sources(worker)).toEqual(['polling']);
    expect(warnings).toEqual([expect.stringContaining('the endpoint does not speak HTTP/2')]);
  } finally {
    await lab.closeWorkers();
    await front.stop();
  }
});

test('HTTP/2 connections that break lose and repeat nothing', async () => {
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
  const front = await startHttp2Front(proxy.url);
  try {
    await lab.createStream('broken', 1);
    let cuts = 0;
    rule = ({ operation }) => {
      if (operation !== 'SubscribeToShard' || cuts === 3) return undefined;
      cuts += 1;
      return { kind: 'cut', afterBytes: 300 * cuts };
    };
    const { worker } = await start('broken', {}, front.url);
    for (let from = 0; from < 200; from += 20) await put('broken', from, from + 20);
    await untilRead(worker, 200);
    await vi.waitFor(() => expect(counts.get('SubscribeToShard')).toBe(4), WAIT);
    await put('broken', 200, 220);
    await untilRead(worker, 220);
    expect(counts.has('GetRecords')).toBe(false);
  } finally {
    await lab.closeWorkers();
    await front.stop();
  }
});

test('a processor that is busy holds Kinesis back through the flow control of the connection', async () => {
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
  const front = await startHttp2Front(lab.kinesisUrl);
  try {
    await lab.createStream('full', 1);
    const read: string[] = [];
    let open = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const { worker } = await start(
      'full',
      {
        createProcessor: () => ({
          async process(records) {
            await gate;
            for (const record of records) read.push(Buffer.from(record.data).subarray(0, 4).toString());
          },
          settledPosition: () => null,
          whenSettled: async () => {},
          lost: () => {},
        }),
      },
      front.url,
    );
    await put('full', 0, 1);
    await vi.waitFor(() => expect(worker.consumer.snapshot().shards[0]?.state).toBe('blocked'), WAIT);
    for (const text of texts(1, 60)) await lab.put('full', [{ key: 'k', data: text + 'x'.repeat(60_000) }]);
    await vi.waitFor(() => expect(front.subscriptionBytes()).toBeGreaterThan(50_000), WAIT);
    // Time enough for Kinesis to send them all: 59 records of 60 KB in base64 are 4.7 MB.
    const renewals = async () => Number((await lab.rows('full-leases')).get(SHARD_0)?.['leaseCounter']?.N);
    const renewalsBefore = await renewals();
    await vi.waitFor(async () => expect(await renewals()).toBeGreaterThan(renewalsBefore + 4), WAIT);
    expect(front.subscriptionBytes()).toBeLessThan(400_000);
    open();
    await vi.waitFor(() => expect(read).toHaveLength(60), WAIT);
    expect(read).toEqual(texts(0, 60));
    expect(front.subscriptionBytes()).toBeGreaterThan(4_700_000);
  } finally {
    await lab.closeWorkers();
    await front.stop();
  }
});
