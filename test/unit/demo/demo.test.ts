import { describe, expect, it } from 'vitest';
import { parseOptions } from '../../../scripts/demo/options.ts';
import { addsUp, mergeTotals, reckon, renderReckoning } from '../../../scripts/demo/reckoning.ts';
import { demoRecords } from '../../../scripts/demo/records.ts';
import { renderMoment, Screen } from '../../../scripts/demo/screen.ts';
import { addUp, predict } from '../../support/predict.ts';

const NOW = new Date('2026-11-22T10:00:00.000Z');

function take(count: number, seed: number) {
  const source = demoRecords(seed);
  return Array.from({ length: count }, () => source.next().value);
}

describe('the records of the demo', () => {
  const records = take(2000, 1);
  const texts = records.map((record) => record?.data.toString('utf8') ?? '');

  it('are the same for the same seed', () => {
    expect(take(50, 7)).toEqual(take(50, 7));
    expect(take(50, 7)).not.toEqual(take(50, 8));
  });

  it('are one line each, JSON with text values in order of their keys', () => {
    expect(texts.every((text) => text.indexOf('\n') === text.length - 1)).toBe(true);
    const objects = texts
      .filter((text) => text.startsWith('{'))
      .map((text): Record<string, unknown> => JSON.parse(text));
    for (const object of objects) {
      const keys = Object.keys(object);
      expect(keys).toEqual([...keys].sort());
      expect(Object.values(object).every((value) => typeof value === 'string' && value !== '')).toBe(true);
    }
  });

  it.each([
    ['sizes that are no number', /"size":"-"/],
    ['lines the parser did not match', /^\{"log":"\\tat com/],
    ['empty lines', /^\{"logtype":"accesslog"\}/],
    ['logdata that is an array', /"logdata":"\[1,2/],
    ['logdata that is a scalar', /"logdata":"42"/],
    ['logdata that is broken', /"items\\":\[1,2"/],
    ['keys twice', /elapsed\\":1,\\"elapsed\\":2/],
    ['keys that overwrite', /\\"code\\":\\"E001\\"/],
    ['a log type that overwrites', /\\"logtype\\":\\"accesslog\\"/],
    ['escaped ampersands', /\\u0026page=7/],
  ])('have %s', (_case, pattern) => {
    expect(texts.filter((text) => pattern.test(text)).length).toBeGreaterThan(0);
  });

  it('go every way there is', () => {
    const totals = addUp(records.flatMap((record) => predict(record?.data ?? Buffer.of(), NOW)));
    expect(totals.events).toBe(2000);
    expect(Object.keys(totals.indices).sort()).toEqual([
      'accesslog-202611',
      'api-requestlog-202611',
      'api-responselog-202010',
      'api-responselog-202611',
    ]);
    expect([totals.unrouted > 0, totals.refused, totals.s3Lines > 700]).toEqual([true, 5, true]);
  });
});

describe('the reckoning', () => {
  const predicted = { events: 10, indices: { a: 4, b: 3 }, s3Lines: 4, unrouted: 2, refused: 1 };

  it('is good when both sides are the same', () => {
    const rows = reckon(predicted, { indices: { b: 3, a: 4 }, s3Lines: 4, deadLetters: 1 });
    expect(addsUp(rows)).toBe(true);
    expect(renderReckoning(predicted, rows)).toBe(
      [
        '                 predicted      found',
        '  a                      4          4         ok',
        '  b                      3          3         ok',
        '  s3 lines               4          4         ok',
        '  dead letters           1          1         ok',
        '  10 events from the stream: 7 to Elasticsearch, 1 that it refuses (dead letters), 2 that no output takes (not JSON, or another log type).',
      ].join('\n'),
    );
  });

  it('names what is missing, too many, or nowhere expected', () => {
    const rows = reckon(predicted, { indices: { a: 3, b: 5, c: 1 }, s3Lines: 4, deadLetters: 1 });
    expect(addsUp(rows)).toBe(false);
    const text = renderReckoning(predicted, rows);
    expect(text).toMatch(/a +4 +3 +1 missing\n.*b +3 +5 +2 more\n.*c +0 +1 +1 more\n/);
  });

  it('adds totals', () => {
    const more = { events: 1, indices: { b: 1, c: 1 }, s3Lines: 0, unrouted: 0, refused: 0 };
    expect(mergeTotals(predicted, more)).toEqual({ ...predicted, events: 11, indices: { a: 4, b: 4, c: 1 } });
  });
});

describe('the screen', () => {
  const moment = {
    seconds: 70,
    inPerSecond: 301.2,
    outPerSecond: 300.8,
    lagSeconds: 0.42,
    indices: {
      'accesslog-202611': 1204,
      'api-responselog-202611': 1000,
      'api-responselog-202010': 10,
      'api-requestlog-202611': 802,
    },
    s3Objects: 2,
    s3Lines: 1100,
    deadLetters: 3,
  };

  function draw(isTTY: boolean, env: NodeJS.ProcessEnv, lagSeconds = 0.42): string {
    let text = '';
    const screen = new Screen({ isTTY, write: (part: string) => (text += part) }, env);
    screen.moment({ ...moment, lagSeconds });
    screen.say('done');
    return text;
  }

  it('puts the figures under their titles', () => {
    let text = '';
    const screen = new Screen({ write: (part: string) => (text += part) }, {});
    screen.opening([{ role: 's3', what: 'stand-in', url: 'http://127.0.0.1:1', note: 'bucket b' }]);
    screen.moment(moment);
    expect(text).toBe(
      [
        '  s3  stand-in  http://127.0.0.1:1   bucket b',
        '',
        '   time  in/s  out/s    lag   accesslog  responselog  requestlog    s3 objects  dead letters',
        '  01:10   301    301   0.4s       1,204        1,010         802      2 (1.1k)             3',
        '',
      ].join('\n'),
    );
  });

  it('redraws on a terminal and appends elsewhere', () => {
    expect(draw(true, {})).toMatch(/^\r {2}01:10[^\n]*\u001b\[K\ndone\n$/);
    expect(draw(false, {})).toMatch(/^ {2}01:10[^\n\u001b]*\ndone\n$/);
  });

  it('marks a long lag, in colour only where colour is wanted', () => {
    expect(draw(true, {}, 12)).toContain('\u001b[31m  12.0s\u001b[39m');
    expect(draw(true, { NO_COLOR: '1' }, 12)).not.toContain('\u001b[31m');
    expect(renderMoment({ ...moment, lagSeconds: 12 }, false)).not.toContain('\u001b');
  });
});

describe('the arguments', () => {
  it.each([
    [[], { once: false, help: false, records: undefined, rate: 300 }],
    [['--once'], { once: true, help: false, records: 2000, rate: undefined }],
    [['--once', '--records', '10', '--rate', '5'], { once: true, help: false, records: 10, rate: 5 }],
    [['--help'], { once: false, help: true, records: undefined, rate: 300 }],
  ])('%j', (args, expected) => {
    expect(parseOptions(args)).toEqual(expected);
  });

  it.each([
    [['--records', '0'], '--records takes a whole number from 1, not "0"'],
    [['--rate', 'fast'], '--rate takes a whole number from 1, not "fast"'],
    [['--twice'], "Unknown option '--twice'"],
  ])('refuses %j', (args, message) => {
    expect(() => parseOptions(args)).toThrow(message);
  });
});
