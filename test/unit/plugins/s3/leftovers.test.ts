import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { adoptLeftovers } from '../../../../src/plugins/outputs/s3/leftovers.ts';
import { type SpoolDescription, SpoolDirectory } from '../../../../src/plugins/outputs/s3/spoolDirectory.ts';
import { OWNER_FILE, thisOwner } from '../../../../src/plugins/outputs/s3/spoolOwner.ts';
import { silentLogger } from '../../../../src/util/logger.ts';
import { TestBatch } from '../../../support/outputHarness.ts';
import { filesIn, openOutput, temporaryDirectory } from './support.ts';

const HOUR = 3_600_000;
const NOW = Date.now();
const replayable: SpoolDescription = {
  key: 'p/ls.s3.x',
  encoding: 'none',
  createdMs: NOW - HOUR,
  oldestMs: NOW - HOUR,
  isPrecious: false,
  isLineWise: true,
};

function openDirectory(base: string, bucket = 'logs'): Promise<SpoolDirectory> {
  return SpoolDirectory.open({ base, family: ['main', bucket, ''], logger: silentLogger, onRecreated: () => {} });
}

async function leave(base: string, description: SpoolDescription, owner: object = {}): Promise<SpoolDirectory> {
  const directory = await openDirectory(base);
  const handle = await directory.create('u', description);
  await handle.write('{"n":1}\n');
  await handle.close();
  const dead = { ...(await thisOwner()), started: 'another', ...owner };
  writeFileSync(join(directory.path, OWNER_FILE), JSON.stringify(dead));
  return directory;
}

describe('files that a dead process left', () => {
  it.each([
    ['replayed ones are removed', replayable, { uploads: 0, replayed: 1 }],
    [
      'replayed ones near the end of their stream are uploaded',
      { ...replayable, oldestMs: NOW - 13 * HOUR },
      { uploads: 1, replayed: 0 },
    ],
    ['precious ones are uploaded', { ...replayable, isPrecious: true }, { uploads: 1, replayed: 0 }],
  ])('%s', async (_title, description, expected) => {
    const base = temporaryDirectory();
    await leave(base, description);
    const usage = { memoryBytes: 0, leavingBytes: 0, diskBytes: 0 };
    const found = await adoptLeftovers(await openDirectory(base), usage, NOW);
    expect({ uploads: found.uploads.length, replayed: found.replayed }).toEqual(expected);
    expect(usage.diskBytes).toBe(expected.uploads * 8);
    expect(readdirSync(base)).toHaveLength(1);
  });

  it('keeps what has no readable description', async () => {
    const base = temporaryDirectory();
    const left = await leave(base, replayable);
    writeFileSync(join(left.path, 'u.json'), '{"key":');
    const found = await adoptLeftovers(
      await openDirectory(base),
      { memoryBytes: 0, leavingBytes: 0, diskBytes: 0 },
      NOW,
    );
    expect(found).toMatchObject({
      uploads: [],
      replayed: 0,
      unknown: [join(base, `${left.familyName}-unknown/u.data`)],
    });
    const again = await adoptLeftovers(
      await openDirectory(base),
      { memoryBytes: 0, leavingBytes: 0, diskBytes: 0 },
      NOW,
    );
    expect(again.unknown).toEqual([]);
    expect(readFileSync(found.unknown[0] ?? '', 'utf8')).toBe('{"n":1}\n');
  });

  it.each([
    ['a living process of this machine', (own: { started: string }) => ({ started: own.started })],
    ['another machine that gave a sign of life lately', () => ({ host: 'elsewhere' })],
    ['another container that gave a sign of life lately', () => ({ namespace: 'pid:[1]' })],
  ])('leaves what belongs to %s', async (_title, owner) => {
    const base = temporaryDirectory();
    await leave(base, replayable, owner(await thisOwner()));
    const found = await adoptLeftovers(
      await openDirectory(base),
      { memoryBytes: 0, leavingBytes: 0, diskBytes: 0 },
      NOW,
    );
    expect([found.uploads.length, found.replayed, readdirSync(base).length]).toEqual([0, 0, 2]);
  });

  it('takes what another machine has not touched for a minute', async () => {
    const base = temporaryDirectory();
    await leave(base, replayable, { host: 'elsewhere' });
    const found = await adoptLeftovers(
      await openDirectory(base),
      { memoryBytes: 0, leavingBytes: 0, diskBytes: 0 },
      NOW + 2 * 60_000,
    );
    expect(found.replayed).toBe(1);
  });

  it('removes what a process left that died when it had hardly begun', async () => {
    const base = temporaryDirectory();
    const directory = await openDirectory(base);
    mkdirSync(join(base, `.${directory.familyName}.x`));
    const usage = { memoryBytes: 0, leavingBytes: 0, diskBytes: 0 };
    await adoptLeftovers(directory, usage, NOW);
    expect(readdirSync(base)).toHaveLength(2);
    await adoptLeftovers(directory, usage, Date.now() + 61_000);
    expect(readdirSync(base)).toHaveLength(1);
  });

  it('leaves what was meant for another bucket', async () => {
    const base = temporaryDirectory();
    await leave(base, replayable);
    const found = await adoptLeftovers(
      await openDirectory(base, 'other'),
      { memoryBytes: 0, leavingBytes: 0, diskBytes: 0 },
      NOW,
    );
    expect([found.uploads.length, found.replayed, readdirSync(base).length]).toEqual([0, 0, 2]);
  });
});

describe('the descriptions of files', () => {
  async function describedAfter(batches: readonly TestBatch[]): Promise<SpoolDescription[]> {
    const { output, clock, directory } = await openOutput();
    for (const { events } of batches) await output.write(events);
    await clock.advance(11_000);
    await vi.waitFor(() => expect(output.status()).toMatchObject({ spool_memory_bytes: 0 }));
    const names = filesIn(directory).filter((path) => path.endsWith('.json') && !path.endsWith(OWNER_FILE));
    const found = names.map((name): SpoolDescription => JSON.parse(readFileSync(join(directory, name), 'utf8')));
    await output.close();
    return found.sort((left, right) => Number(left.isPrecious) - Number(right.isPrecious));
  }

  it('keep apart what can be read again and what cannot', async () => {
    const replayed = new TestBatch([{ n: 0 }, { n: 1 }], { origin: 'shard' });
    expect(await describedAfter([replayed, new TestBatch([{ n: 2 }]), replayed])).toMatchObject([
      { isPrecious: false, encoding: 'none', isLineWise: true },
      { isPrecious: true, encoding: 'none', isLineWise: true },
    ]);
  });

  it('tell the age of the oldest record, which may be far older than the file', async () => {
    const late = new TestBatch([{ n: 0 }, { n: 1 }], { origin: 'shard' });
    const [first, second] = late.events.map(({ metadata }) => metadata);
    if (first) first['approximate_arrival_timestamp'] = 1_600_000_000_000;
    if (second) second['approximate_arrival_timestamp'] = 1_599_999_999_999;
    expect(await describedAfter([late])).toMatchObject([{ oldestMs: 1_599_999_999_999 }]);
  });

  it('are written anew when an older record comes', async () => {
    const { output, clock, directory } = await openOutput();
    const oldest = async (arrivalMs: number) => {
      const batch = new TestBatch([{ n: 0 }], { origin: 'shard' });
      for (const { metadata } of batch.events) metadata['approximate_arrival_timestamp'] = arrivalMs;
      await output.write(batch.events);
      await clock.advance(11_000);
      await vi.waitFor(() => expect(output.status()).toMatchObject({ spool_memory_bytes: 0 }));
      const [name = ''] = filesIn(directory).filter((path) => path.endsWith('.json') && !path.endsWith(OWNER_FILE));
      return (JSON.parse(readFileSync(join(directory, name), 'utf8')) as SpoolDescription).oldestMs;
    };
    const start = clock.now();
    expect([await oldest(start - HOUR), await oldest(start), await oldest(start - 20 * HOUR)]).toEqual([
      start - HOUR,
      start - HOUR,
      start - 20 * HOUR,
    ]);
    await output.close();
  });
});
