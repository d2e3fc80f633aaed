import { expect, test, vi } from 'vitest';
import { type Identity, keepFresh } from '../../../src/aws/freshCredentials.ts';
import { silentLogger } from '../../../src/util/logger.ts';
import { FakeClock } from '../kinesis/fakes/fakeClock.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** A source of credentials whose answers a test decides; keys are numbered. */
function setUp(lifetimeMs: number | undefined) {
  const clock = new FakeClock();
  const lines: string[] = [];
  const note = (message: string) => lines.push(message);
  const source = { loads: 0, fault: undefined as Error | undefined, gate: Promise.resolve() };
  const load = async (): Promise<Identity> => {
    source.loads += 1;
    await source.gate;
    if (source.fault) throw source.fault;
    const identity = { accessKeyId: `key-${source.loads}`, secretAccessKey: 's', origin: 'a test' };
    // AWS goes by the true time.
    return lifetimeMs === undefined ? identity : { ...identity, expiration: new Date(clock.monotonic() + lifetimeMs) };
  };
  const provider = keepFresh('a test', load, { clock, logger: { ...silentLogger, info: note, warn: note } });
  const key = async () => (await provider()).accessKeyId;
  return { clock, lines, source, provider, key };
}

test('all who wait share one call, and what it gave is given until five minutes before its end', async () => {
  const { clock, source, key } = setUp(60 * MINUTE_MS);
  expect(await Promise.all([key(), key(), key()])).toEqual(['key-1', 'key-1', 'key-1']);
  await clock.advance(55 * MINUTE_MS - 1);
  expect(await key()).toBe('key-1');
  expect(source.loads).toBe(1);
  await clock.advance(1);
  // Nobody waits for the new ones.
  expect(await Promise.all([key(), key()])).toEqual(['key-1', 'key-1']);
  await clock.advance(0);
  expect(await key()).toBe('key-2');
  expect(source.loads).toBe(2);
});

test('while renewal fails the old ones are given to their end, then the fault, and it goes on by itself', async () => {
  const { clock, source, lines, key } = setUp(60 * MINUTE_MS);
  await key();
  source.fault = Object.assign(new Error('STS is away'), { name: 'ECONNREFUSED' });
  await clock.advance(56 * MINUTE_MS);
  expect(await key()).toBe('key-1');
  await clock.advance(3 * MINUTE_MS);
  expect(await key()).toBe('key-1');
  await clock.advance(MINUTE_MS);
  await expect(key()).rejects.toThrow('STS is away');
  source.fault = undefined;
  await clock.advance(2_000);
  expect(await key()).toMatch(/^key-/);
  expect(lines).toEqual([
    'renewing AWS credentials (a test) fails and is tried again: ECONNREFUSED: STS is away',
    'renewing AWS credentials (a test) still fails after 180 s, 1 more try: ECONNREFUSED: STS is away',
    'renewing AWS credentials (a test) still fails after 240 s, 1 more try: ECONNREFUSED: STS is away',
    'renewing AWS credentials (a test) works again after 242 s',
  ]);
});

test('however many ask, a source that fails is asked every two seconds', async () => {
  const { clock, source, key } = setUp(60 * MINUTE_MS);
  source.fault = new Error('no');
  for (let asked = 0; asked < 100; asked += 1) {
    await expect(key()).rejects.toThrow('no');
    await clock.advance(100);
  }
  expect(source.loads).toBe(5);
});

test('keys without an end are looked up again every five minutes, and kept while that fails', async () => {
  const { clock, source, key } = setUp(undefined);
  expect(await key()).toBe('key-1');
  await clock.advance(5 * MINUTE_MS);
  source.fault = new Error('the file is half written');
  expect(await key()).toBe('key-1');
  await clock.advance(60 * MINUTE_MS);
  expect(await key()).toBe('key-1');
  source.fault = undefined;
  await clock.advance(2_000);
  await key();
  await clock.advance(0);
  expect(await key()).toBe('key-4');
});

test('the SDK, which keeps for good what has no end, is given one', async () => {
  const { clock, provider } = setUp(undefined);
  const { expiration } = await provider();
  expect(expiration).toEqual(new Date(clock.now() + 5 * MINUTE_MS));
});

test('credentials that have ended by this clock are used, and asked for anew after the pause only', async () => {
  const { clock, source, key } = setUp(-MINUTE_MS);
  expect(await key()).toBe('key-1');
  expect(await key()).toBe('key-1');
  await clock.advance(2_000);
  expect(await key()).toBe('key-2');
  expect(source.loads).toBe(2);
});

test.each([
  ['set ahead and right again', [6, 0]],
  ['set back and right again', [-6, 0]],
  ['right, then set back', [0, -6]],
  ['right, then set ahead', [0, 6]],
])('a clock that is %s gives nobody credentials that have ended', async (_title, hours) => {
  const { clock, source, provider, key } = setUp(60 * MINUTE_MS);
  for (const ahead of hours) {
    vi.spyOn(clock, 'now').mockImplementation(() => clock.monotonic() + ahead * HOUR_MS);
    await key();
    await clock.advance(2_000);
  }
  // Nor does the SDK keep them.
  expect((await provider()).expiration?.getTime()).toBeLessThanOrEqual(clock.now() + 5 * MINUTE_MS);
  const loads = source.loads;
  await clock.advance(56 * MINUTE_MS);
  await key();
  await clock.advance(0);
  expect(source.loads).toBeGreaterThan(loads);
});

test('a source that is silent is spoken of after three seconds and given up after fifteen', async () => {
  const { clock, source, lines, key } = setUp(60 * MINUTE_MS);
  source.gate = new Promise(() => {});
  const asked = expect(key()).rejects.toMatchObject({
    name: 'TimeoutError',
    message: 'no AWS credentials (a test) within 15 s',
  });
  await clock.advance(3_000);
  expect(lines).toEqual(['still waiting for AWS credentials (a test)']);
  await clock.advance(12_000);
  await asked;
  source.gate = Promise.resolve();
  await clock.advance(2_000);
  expect(await key()).toBe('key-2');
  expect(lines).toHaveLength(1);
});
