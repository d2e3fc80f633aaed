import { afterEach, describe, expect, it, vi } from 'vitest';
import { createLogger, LOG_LEVELS, type LogLevel, type LogSettings } from '../../../src/runtime/logging.ts';
import type { LogFields } from '../../../src/util/logger.ts';

const NOW_MS = Date.UTC(2026, 10, 22, 0, 12, 44, 120);

afterEach(() => void vi.unstubAllEnvs());

function logged(
  settings: Partial<LogSettings>,
  level: LogLevel,
  message: string,
  fields?: LogFields,
  source = { name: 'outputs.s3', pipelineId: 'main', pluginId: 'id1' },
): string {
  let text = '';
  const write = (line: string) => {
    text += line;
  };
  createLogger({ level: 'trace', format: 'plain', write, now: () => NOW_MS, ...settings }, source)[level](
    message,
    fields,
  );
  return text;
}

const wrapped = new Error('fetch failed', { cause: new TypeError('connect ECONNREFUSED') });

describe('plain lines', () => {
  it.each<[LogLevel, LogFields | undefined, string]>([
    ['info', undefined, '[INFO ][outputs.s3               ][main][id1] said\n'],
    ['warn', {}, '[WARN ][outputs.s3               ][main][id1] said\n'],
    ['fatal', { a: 1, b: 'x y' }, '[FATAL][outputs.s3               ][main][id1] said {:a=>1, :b=>"x y"}\n'],
    [
      'debug',
      { error: wrapped },
      '[DEBUG][outputs.s3               ][main][id1] said {:error=>"fetch failed; caused by TypeError: connect ECONNREFUSED"}\n',
    ],
    [
      'trace',
      { none: undefined, big: 12345678901234567890n },
      '[TRACE][outputs.s3               ][main][id1] said {:none=>undefined, :big=>12345678901234567890}\n',
    ],
  ])('%s', (level, fields, line) => {
    vi.stubEnv('TZ', 'UTC');
    expect(logged({}, level, 'said', fields)).toBe(`[2026-11-22T00:12:44,120]${line}`);
  });

  it('have local time, and only the parts there are', () => {
    vi.stubEnv('TZ', 'Asia/Seoul');
    let line = '';
    const write = (text: string) => {
      line = text;
    };
    createLogger({ level: 'info', format: 'plain', write, now: () => NOW_MS }, { name: 'logstash.runner' }).info('x');
    expect(line).toBe('[2026-11-22T09:12:44,120][INFO ][logstash.runner          ] x\n');
  });
});

describe('JSON lines', () => {
  it.each<[LogFields | undefined, object]>([
    [undefined, { message: 'said' }],
    [
      { a: 1, error: wrapped },
      { message: 'said', a: 1, error: 'fetch failed; caused by TypeError: connect ECONNREFUSED' },
    ],
    [{ big: 2n ** 64n }, { message: 'said', big: '18446744073709551616' }],
  ])('%#', (fields, logEvent) => {
    const line = logged({ format: 'json' }, 'error', 'said', fields);
    expect(line.endsWith('}\n')).toBe(true);
    expect(JSON.parse(line)).toEqual({
      level: 'ERROR',
      loggerName: 'outputs.s3',
      timeMillis: NOW_MS,
      thread: 'main',
      pipelineId: 'main',
      pluginId: 'id1',
      logEvent,
    });
  });

  it('stay one line each', () => {
    expect(logged({ format: 'json' }, 'info', 'two\nlines').split('\n')).toHaveLength(2);
  });
});

describe('levels', () => {
  it.each(LOG_LEVELS)('%s hides what is below it', (level) => {
    const shown = LOG_LEVELS.filter((each) => logged({ level }, each, 'x') !== '');
    expect(shown).toEqual(LOG_LEVELS.slice(LOG_LEVELS.indexOf(level)));
  });
});

it.each(['plain', 'json'] as const)('never throws, whatever the fields (%s)', (format) => {
  const loop: Record<string, unknown> = {};
  loop['self'] = loop;
  expect(logged({ format }, 'error', 'said', { loop })).toContain('said');
});
