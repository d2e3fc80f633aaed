import { describe, expect, it, vi } from 'vitest';
import { type Arguments, HelpRequested, parseArguments, UsageError } from '../../../src/cli/arguments.ts';
import { FLAGS } from '../../../src/cli/flags.ts';

const MB = 1024 * 1024;

const QUEUE: Arguments['queue'] = {
  type: 'memory',
  path: undefined,
  drains: false,
  pageBytes: 64 * MB,
  bytesMax: 1024 * MB,
  eventsMax: 0,
  ackEventsMax: 1024,
  ackIntervalMs: 1000,
};

const DEAD_LETTER_QUEUE: Arguments['deadLetterQueue'] = {
  path: undefined,
  bytesMax: 1024 * MB,
  dropsWhenFull: 'nothing',
  maxAgeMs: undefined,
};

const DEFAULTS: Arguments = {
  configPath: undefined,
  configString: undefined,
  testAndExit: false,
  version: false,
  workers: 1,
  batchSize: 125,
  batchDelayMs: 50,
  nodeName: undefined,
  pipelineId: 'main',
  unsafeShutdown: false,
  supportEscapes: false,
  dataPath: undefined,
  queue: QUEUE,
  deadLetterQueue: DEAD_LETTER_QUEUE,
  logLevel: 'info',
  logFormat: 'plain',
  remarks: [],
};

describe('flags of Logstash that work', () => {
  it.each<[string, Partial<Arguments>]>([
    ['', {}],
    ['-f x.conf', { configPath: 'x.conf' }],
    ['--path.config x.conf', { configPath: 'x.conf' }],
    ['--path.config=x.conf', { configPath: 'x.conf' }],
    ['-fx.conf', { configPath: 'x.conf' }],
    ['-e input{}', { configString: 'input{}' }],
    ['--config.string input{}', { configString: 'input{}' }],
    ['-t', { testAndExit: true }],
    ['--config.test_and_exit', { testAndExit: true }],
    ['-tf x.conf', { testAndExit: true, configPath: 'x.conf' }],
    ['-w 4', { workers: 4 }],
    ['--pipeline.workers 4', { workers: 4 }],
    ['-b 500', { batchSize: 500 }],
    ['--pipeline.batch.size 500', { batchSize: 500 }],
    ['-u 5', { batchDelayMs: 5 }],
    ['--pipeline.batch.delay 0', { batchDelayMs: 0 }],
    ['-n box', { nodeName: 'box' }],
    ['--node.name box', { nodeName: 'box' }],
    ['--pipeline.id logs', { pipelineId: 'logs' }],
    ['--pipeline.ordered auto', {}],
    ['--pipeline.ordered true', {}],
    ['--pipeline.ordered false', {}],
    ['--pipeline.unsafe_shutdown', { unsafeShutdown: true }],
    ['--config.support_escapes', { supportEscapes: true }],
    ['--path.data /d', { dataPath: '/d' }],
    ['--queue.type persisted', { queue: { ...QUEUE, type: 'persisted' } }],
    ['--queue.type memory', {}],
    ['--path.queue /q', { queue: { ...QUEUE, path: '/q' } }],
    ['--queue.drain', { queue: { ...QUEUE, drains: true } }],
    ['--queue.max_bytes 2gb', { queue: { ...QUEUE, bytesMax: 2048 * MB } }],
    ['--queue.max_bytes 1.5G', { queue: { ...QUEUE, bytesMax: 1536 * MB } }],
    ['--queue.max_bytes 100000000', { queue: { ...QUEUE, bytesMax: 100_000_000 } }],
    ['--queue.max_events 500', { queue: { ...QUEUE, eventsMax: 500 } }],
    ['--queue.page_capacity 2048kb', { queue: { ...QUEUE, pageBytes: 2 * MB } }],
    ['--queue.checkpoint.acks 1', { queue: { ...QUEUE, ackEventsMax: 1 } }],
    ['--queue.checkpoint.interval 0', { queue: { ...QUEUE, ackIntervalMs: 0 } }],
    [
      '--queue.checkpoint.writes 1 --queue.checkpoint.retry true',
      {
        remarks: [
          '--queue.checkpoint.writes has no effect: every batch is synced to disk before it counts as taken',
          '--queue.checkpoint.retry has no effect: what the disk refuses is tried again, always',
        ],
      },
    ],
    ['--path.dead_letter_queue /q', { deadLetterQueue: { ...DEAD_LETTER_QUEUE, path: '/q' } }],
    ['--dead_letter_queue.max_bytes 2gb', { deadLetterQueue: { ...DEAD_LETTER_QUEUE, bytesMax: 2048 * MB } }],
    ['--dead_letter_queue.storage_policy wait', {}],
    [
      '--dead_letter_queue.storage_policy drop_older',
      { deadLetterQueue: { ...DEAD_LETTER_QUEUE, dropsWhenFull: 'oldest' } },
    ],
    ['--dead_letter_queue.retain.age 30d', { deadLetterQueue: { ...DEAD_LETTER_QUEUE, maxAgeMs: 30 * 86_400_000 } }],
    ['--dead_letter_queue.retain.age 90m', { deadLetterQueue: { ...DEAD_LETTER_QUEUE, maxAgeMs: 5_400_000 } }],
    [
      '--dead_letter_queue.enable true',
      { remarks: ['--dead_letter_queue.enable has no effect: the dead letter queue is always on'] },
    ],
    ['--log.level trace', { logLevel: 'trace' }],
    ['--log.level fatal', { logLevel: 'fatal' }],
    ['--log.format json', { logFormat: 'json' }],
    ['--java-execution', {}],
    ['--java-execution true', {}],
    ['--plugin-classloaders', {}],
    ['--field-reference-parser STRICT', {}],
    ['-V', { version: true }],
    ['--version', { version: true }],
    ['--verbose', { logLevel: 'info', remarks: ['--verbose is deprecated: use --log.level info'] }],
    ['--debug', { logLevel: 'debug', remarks: ['--debug is deprecated: use --log.level debug'] }],
    ['--quiet', { logLevel: 'error', remarks: ['--quiet is deprecated: use --log.level error'] }],
    ['--debug --log.level warn', { logLevel: 'warn', remarks: ['--debug is deprecated: use --log.level debug'] }],
  ])('%s', (line, more) => {
    expect(parseArguments(line.split(' ').filter(Boolean))).toEqual({ ...DEFAULTS, ...more });
  });
});

describe('flags of Logstash that are refused, with the reason', () => {
  it.each([
    '-r',
    '--config.reload.automatic',
    '--config.reload.interval 3s',
    '--config.debug',
    '-l logs',
    '--path.logs logs',
    '--path.settings /etc/logstash',
    '-p plugins',
    '--path.plugins plugins',
    '--http.enabled false',
    '--http.host 0.0.0.0',
    '--http.port 9601',
    '--modules netflow',
    '-M a=b',
    '--modules.variable a=b',
    '--setup',
    '--cloud.id x',
    '--cloud.auth x:y',
    '-i irb',
    '--interactive irb',
  ])('%s', (line) => {
    expect(() => parseArguments(line.split(' '))).toThrow(UsageError);
    expect(() => parseArguments(line.split(' '))).toThrow(/^--[a-z._]+ is not supported: .{10,}/);
  });
});

describe('wrong use', () => {
  it.each([
    [['--path.confg', 'x'], /unknown option '--path\.confg'\n\(Did you mean --path\.config\?\)/],
    [['x.conf'], /too many arguments/],
    [['-f'], /argument missing/],
    [['-f', 'a', '-e', 'b'], /can't be used simultaneously/],
    [['-w', '0'], /--pipeline\.workers must be at least 1/],
    [['-w', 'many'], /--pipeline\.workers must be a whole number, not "many"/],
    [['-b', '-1'], /--pipeline\.batch\.size must be a whole number/],
    [['-b', '1.5'], /must be a whole number/],
    [['-b', '0'], /must be at least 1/],
    [['-u', '99999999999'], /must be a whole number/],
    [['--log.level', 'loud'], /--log\.level must be one of trace, debug, info, warn, error, fatal, not "loud"/],
    [['--log.format', 'xml'], /--log\.format must be one of plain, json/],
    [['--pipeline.ordered', 'maybe'], /--pipeline\.ordered must be one of/],
    [['--queue.type', 'disk'], /--queue\.type must be one of memory, persisted, not "disk"/],
    [['--queue.max_bytes', 'much'], /--queue\.max_bytes must be a size such as 512mb, not "much"/],
    [['--queue.page_capacity', '4'], /--queue\.page_capacity must be at least 1mb/],
    [
      ['--queue.max_bytes', '32mb'],
      /page_capacity \(67108864 bytes\) must not exceed --queue\.max_bytes \(33554432 bytes\)/,
    ],
    [['--queue.checkpoint.writes', 'all'], /must be a whole number/],
    [['--dead_letter_queue.enable', 'false'], /is not supported: what is refused for good would be lost/],
    [['--dead_letter_queue.storage_policy', 'drop_newer'], /drop_newer is not supported: it loses events/],
    [['--dead_letter_queue.storage_policy', 'keep'], /must be one of wait, drop_older, not "keep"/],
    [['--dead_letter_queue.retain.age', '3 weeks'], /must be a time such as 30d, 12h, 90m or 60s, not "3 weeks"/],
    [['--dead_letter_queue.max_bytes', '1kb'], /must be at least 1mb/],
    [['--field-reference-parser', 'LEGACY'], /must be one of STRICT/],
  ])('%j', (args, message) => {
    expect(() => parseArguments(args)).toThrow(UsageError);
    expect(() => parseArguments(args)).toThrow(message);
  });

  it('asks for help', () => {
    const printed = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    try {
      expect(() => parseArguments(['--help'])).toThrow(HelpRequested);
      expect(() => parseArguments(['-h'])).toThrow(HelpRequested);
      expect(String(printed.mock.calls[0]?.[0])).toContain('Usage: logstash-ts [options]');
    } finally {
      printed.mockRestore();
    }
  });
});

it('describes every flag in a line', () => {
  for (const { description, refused } of FLAGS) {
    expect(description).not.toBe('');
    if (refused !== undefined) expect(refused).not.toMatch(/\.$/);
  }
});
