import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type FakeElasticsearch, startFakeElasticsearch } from '../../support/servers/fakeElasticsearch.ts';

vi.setConfig({ testTimeout: 60_000 });

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const directory = mkdtempSync(join(tmpdir(), 'logstash-ts-dead-letters-'));
const dataPath = join(directory, 'data');
const configPath = join(directory, 'pipeline.conf');
let elasticsearch: FakeElasticsearch;
/** What the fake does not take, by its field `kind`. */
let refused: string | undefined = 'bad';

beforeAll(async () => {
  elasticsearch = await startFakeElasticsearch({
    respondItem: ({ body }) =>
      refused !== undefined && body?.includes(`"kind":"${refused}"`)
        ? { status: 400, type: 'mapper_parsing_exception', reason: 'failed to parse field [code]' }
        : undefined,
  });
  writeFileSync(
    configPath,
    `input {
       generator { lines => ['{"kind":"good","n":1.0}', '{"kind":"bad","n":2.0}', '{"kind":"bad","n":123456789012345678}'] codec => json count => 1 }
     }
     output { elasticsearch { hosts => "${elasticsearch.url}" index => "logs-%{kind}" document_id => "%{n}" } }`,
  );
});

afterAll(async () => {
  await elasticsearch.stop();
  rmSync(directory, { recursive: true });
});

function run(...args: string[]): Promise<Ran> {
  return new Promise((done) => {
    execFile(resolve('bin/logstash-ts'), args, (error, out, err) => {
      done({ code: typeof error?.code === 'number' ? error.code : 0, out, err });
    });
  });
}

/** Away from `path.data`, as where the disk for it is another. */
const PLACE = ['--path.data', dataPath, '--path.dead_letter_queue', join(dataPath, 'refused')];

const dlq = (command: string, ...args: string[]) => run('dlq', command, ...PLACE, ...args);

/** Times and the tail of the reason, which differs, left out. */
const masked = (text: string) =>
  text
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replace(/, for \{.*/g, ', for …')
    .replaceAll(dataPath, 'DATA');

test('what was refused is counted, listed, shown, replayed after mending, and purged', async () => {
  expect(await dlq('stats')).toEqual({ code: 0, out: expect.stringContaining('no entries in '), err: '' });

  expect((await run('-f', configPath, ...PLACE)).code).toBe(0);
  expect([...elasticsearch.documents('logs-good').keys()]).toEqual(['1.0']);

  const stats = await dlq('stats');
  expect(masked(stats.out)).toBe(
    [
      '2 entries since TIME',
      '2   elasticsearch   400 mapper_parsing_exception   failed to parse field [code], for …',
      "replay after mending:  logstash-ts dlq replay -f <config> --where 'reason=400 mapper_parsing_exception' --dry-run",
      '',
    ].join('\n'),
  );
  const counts = JSON.parse((await dlq('stats', '--json')).out);
  expect(counts).toMatchObject({ entries: 2, reasons: [{ plugin_type: 'elasticsearch', count: 2 }] });

  const list = (await dlq('list', '--where', '[n]=2.0')).out;
  expect(masked(list)).toBe(
    [
      'id   time                       plugin          reason',
      ' 0   TIME   elasticsearch   400 mapper_parsing_exception: failed to parse field [code], for …',
      '',
    ].join('\n'),
  );
  expect((await dlq('list', '--limit', '1')).out).toContain('and 1 more entry: --limit 0 lists all');
  const lines = (await dlq('list', '--json')).out.trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line).id)).toEqual([0, 1]);

  const shown = (await dlq('show', '1')).out;
  expect(shown).toContain('refused by elasticsearch (id ');
  expect(shown).toContain('"n": 123456789012345678');

  const dry = await dlq('replay', '-f', configPath, '--dry-run');
  expect(dry.out).toMatch(/^2 entries would go to elasticsearch \(id .*\)\n$/);
  const again = await dlq('replay', '-f', configPath);
  expect(again).toMatchObject({
    code: 1,
    out: expect.stringContaining('0 taken and removed, 2 refused again, 0 not tried'),
  });
  expect(JSON.parse((await dlq('stats', '--json')).out).entries).toBe(2);

  refused = undefined;
  const mended = await dlq('replay', '-f', configPath, '--where', '[n]=123456789012345678', '--json');
  expect(JSON.parse(mended.out)).toMatchObject({ taken: 1, refused: 0, not_tried: 0, left_out: [] });
  expect(mended.code).toBe(0);
  expect([...elasticsearch.documents('logs-bad').keys()]).toEqual(['123456789012345678']);

  expect((await dlq('purge', '--where', 'since=-1h', '--dry-run')).out).toBe('1 entry would be removed\n');
  expect((await dlq('purge', '--all')).out).toBe('1 entry was removed\n');
  expect((await dlq('stats')).out).toContain('no entries in ');
});

test.each<[string[], RegExp]>([
  [['dlq'], /dlq needs a command/],
  [['dlq', 'lst'], /unknown command 'lst'[\s\S]*Did you mean list/],
  [['dlq', 'purge'], /purge needs --where, or --all/],
  [['dlq', 'list', '--limit', 'x'], /--limit must be a whole number/],
  [['dlq', 'list', '--where', 'reasn=x'], /unknown name "reasn": did you mean reason\?/],
  [['dlq', 'list', '--where', 'reason'], /--where reason is no condition/],
  [['dlq', 'list', '--where', 'since=2026-01-01T00:00:00'], /has no zone/],
  [['dlq', 'show', 'x'], /show takes the id of an entry/],
  [['dlq', 'show', '99', '--path.data', directory], /there is no entry 99/],
  [['dlq', 'replay'], /No configuration: give one with -f/],
])('%j is refused with the next step', async (args, message) => {
  const { code, err } = await run(...args);
  expect(code).toBe(1);
  expect(err).toMatch(message);
});
