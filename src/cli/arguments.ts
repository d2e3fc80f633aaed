import { Command, CommanderError } from 'commander';
import { LOG_LEVELS, type LogLevel } from '../runtime/logging.ts';
import { closest } from '../util/closest.ts';
import { COMMANDS, FLAGS } from './flags.ts';

/** Wrong use of the command line; the message is for the user, the exit code 1. */
export class UsageError extends Error {
  override name = 'UsageError';
}

/** Help was asked for. */
export class HelpRequested extends Error {}

export interface Arguments {
  readonly configPath: string | undefined;
  readonly configString: string | undefined;
  readonly testAndExit: boolean;
  readonly version: boolean;
  readonly workers: number;
  readonly batchSize: number;
  readonly batchDelayMs: number;
  readonly nodeName: string | undefined;
  readonly pipelineId: string;
  readonly unsafeShutdown: boolean;
  readonly supportEscapes: boolean;
  readonly dataPath: string | undefined;
  readonly queue: QueueArguments;
  readonly deadLetterQueue: DeadLetterQueueArguments;
  readonly logLevel: LogLevel;
  readonly logFormat: 'plain' | 'json';
  /** Things the user should know of the given flags, such as deprecation. */
  readonly remarks: readonly string[];
}

/** `queue.…`; sizes in bytes. */
export interface QueueArguments {
  readonly type: 'memory' | 'persisted';
  readonly path: string | undefined;
  readonly drains: boolean;
  readonly pageBytes: number;
  readonly bytesMax: number;
  readonly eventsMax: number;
  readonly ackEventsMax: number;
  readonly ackIntervalMs: number;
}

/** `dead_letter_queue.…` */
export interface DeadLetterQueueArguments {
  readonly path: string | undefined;
  readonly bytesMax: number;
  readonly dropsWhenFull: 'nothing' | 'oldest';
  readonly maxAgeMs: number | undefined;
}

/** Logstash's default. */
export const BATCH_DELAY_MS = 50;

type Options = Readonly<Record<string, string | boolean | undefined>>;

/** @throws UsageError, HelpRequested */
export function parseArguments(args: readonly string[]): Arguments {
  const options = parseFlags(args);
  const given = (name: string) => options[name] as string | undefined;
  if (given('path.config') !== undefined && given('config.string') !== undefined) {
    throw new UsageError("Settings 'path.config' (-f) and 'config.string' (-e) can't be used simultaneously.");
  }
  const ordered = given('pipeline.ordered');
  if (ordered !== undefined) oneOf('pipeline.ordered', ordered, ['auto', 'true', 'false']);
  const parser = given('fieldReferenceParser');
  if (parser !== undefined) oneOf('field-reference-parser', parser, ['STRICT']);
  const workers = positiveInteger('pipeline.workers', given('pipeline.workers') ?? '1');
  if (ordered === 'true' && workers > 1) {
    throw new UsageError("enabling the 'pipeline.ordered' setting requires the use of a single pipeline worker");
  }
  return {
    configPath: given('path.config'),
    configString: given('config.string'),
    testAndExit: options['config.test_and_exit'] === true,
    version: options['version'] === true,
    workers,
    batchSize: positiveInteger('pipeline.batch.size', given('pipeline.batch.size') ?? '125'),
    batchDelayMs: wholeNumber('pipeline.batch.delay', given('pipeline.batch.delay') ?? String(BATCH_DELAY_MS)),
    nodeName: given('node.name'),
    pipelineId: given('pipeline.id') ?? 'main',
    unsafeShutdown: options['pipeline.unsafe_shutdown'] === true,
    supportEscapes: options['config.support_escapes'] === true,
    dataPath: given('path.data'),
    queue: queueArguments(options),
    deadLetterQueue: deadLetterQueueArguments(options),
    logLevel: logLevel(options),
    logFormat: oneOf('log.format', given('log.format') ?? 'plain', ['plain', 'json']),
    remarks: remarksOn(options),
  };
}

function queueArguments(options: Options): QueueArguments {
  const given = (name: string) => options[name] as string | undefined;
  const number = (name: string, otherwise: number) => wholeNumber(name, given(name) ?? String(otherwise));
  const pageBytes = byteSize('queue.page_capacity', given('queue.page_capacity') ?? '64mb');
  const bytesMax = byteSize('queue.max_bytes', given('queue.max_bytes') ?? '1024mb');
  if (pageBytes > bytesMax) {
    throw new UsageError(
      `--queue.page_capacity (${pageBytes} bytes) must not exceed --queue.max_bytes (${bytesMax} bytes)`,
    );
  }
  number('queue.checkpoint.writes', 1024);
  return {
    type: oneOf('queue.type', given('queue.type') ?? 'memory', ['memory', 'persisted']),
    path: given('path.queue'),
    drains: options['queue.drain'] === true,
    pageBytes,
    bytesMax,
    eventsMax: number('queue.max_events', 0),
    ackEventsMax: number('queue.checkpoint.acks', 1024),
    ackIntervalMs: number('queue.checkpoint.interval', 1000),
  };
}

function deadLetterQueueArguments(options: Options): DeadLetterQueueArguments {
  const given = (name: string) => options[`dead_letter_queue.${name}`] as string | undefined;
  if (given('enable') === 'false') {
    throw new UsageError('--dead_letter_queue.enable false is not supported: what is refused for good would be lost');
  }
  const policy = given('storage_policy') ?? 'wait';
  if (policy === 'drop_newer') {
    throw new UsageError(
      '--dead_letter_queue.storage_policy drop_newer is not supported: it loses events. With "wait" those that need the queue wait for room',
    );
  }
  const age = given('retain.age');
  return {
    path: options['path.dead_letter_queue'] as string | undefined,
    bytesMax: byteSize('dead_letter_queue.max_bytes', given('max_bytes') ?? '1024mb'),
    dropsWhenFull:
      oneOf('dead_letter_queue.storage_policy', policy, ['wait', 'drop_older']) === 'wait' ? 'nothing' : 'oldest',
    maxAgeMs: age === undefined ? undefined : duration('dead_letter_queue.retain.age', age),
  };
}

function parseFlags(args: readonly string[]): Options {
  const command = new Command('logstash-ts')
    .description('Runs Logstash pipelines from Kinesis to Elasticsearch and S3, without a JVM.')
    .configureOutput({ writeErr: () => {}, outputError: () => {} })
    .exitOverride()
    .allowExcessArguments(false)
    .showSuggestionAfterError(true)
    .addHelpText('after', commandHelp());
  for (const { flags, description, refused } of FLAGS) {
    command.option(flags, refused === undefined ? description : `${description} Not supported: ${refused}.`);
  }
  try {
    command.parse([...args], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === 'commander.helpDisplayed') throw new HelpRequested();
    const near = error.code === 'commander.excessArguments' ? closest(args[0] ?? '', COMMAND_NAMES) : undefined;
    const message = near
      ? `unknown command '${args[0]}'\n(Did you mean ${near}?)`
      : error.message.replace(/^error: /, '');
    throw new UsageError(`${message}\nSee: 'bin/logstash-ts --help'`);
  }
  const options = command.opts<Options>();
  refuseUnsupported(options, command);
  return options;
}

const COMMAND_NAMES = COMMANDS.map(({ name }) => name);

function commandHelp(): string {
  const rows = COMMANDS.map(({ name, summary }) => `  bin/logstash-ts ${name}  ${summary}`);
  return `\nBeside running a pipeline:\n${rows.join('\n')}`;
}

function refuseUnsupported(options: Options, command: Command): void {
  for (const option of command.options) {
    const flag = FLAGS.find(({ flags }) => flags === option.flags);
    if (flag?.refused !== undefined && options[option.attributeName()] !== undefined) {
      throw new UsageError(`${option.long} is not supported: ${flag.refused}`);
    }
  }
}

function remarksOn(options: Options): string[] {
  const remarks: string[] = [];
  for (const [name, level] of DEPRECATED_LEVELS) {
    if (options[name] === true) remarks.push(`--${name} is deprecated: use --log.level ${level}`);
  }
  for (const [name, why] of WITHOUT_EFFECT) {
    if (options[name] !== undefined) remarks.push(`--${name} has no effect: ${why}`);
  }
  return remarks;
}

const WITHOUT_EFFECT = [
  ['dead_letter_queue.enable', 'the dead letter queue is always on'],
  ['queue.checkpoint.writes', 'every batch is synced to disk before it counts as taken'],
  ['queue.checkpoint.retry', 'what the disk refuses is tried again, always'],
] as const;

const DEPRECATED_LEVELS = [
  ['verbose', 'info'],
  ['debug', 'debug'],
  ['quiet', 'error'],
] as const;

function logLevel(options: Options): LogLevel {
  const given = options['log.level'];
  if (typeof given === 'string') return oneOf('log.level', given, LOG_LEVELS);
  return DEPRECATED_LEVELS.find(([name]) => options[name] === true)?.[1] ?? 'info';
}

function oneOf<const V extends string>(name: string, value: string, allowed: readonly V[]): V {
  const found = allowed.find((candidate) => candidate === value);
  if (found === undefined) throw new UsageError(`--${name} must be one of ${allowed.join(', ')}, not "${value}"`);
  return found;
}

function wholeNumber(name: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new UsageError(`--${name} must be a whole number, not "${text}"`);
  return Number(text);
}

const SIZE_MIN = 1024 * 1024;
const SIZE_LETTERS = ['', 'k', 'm', 'g', 't', 'p'];

/** As Logstash's settings: units of 1,024, a number alone is bytes. Options of plugins count by 1,000. */
function byteSize(name: string, text: string): number {
  const [, amount, letter = ''] = /^(\d+(?:\.\d+)?)([kmgtp]?)b?$/i.exec(text.trim()) ?? [];
  if (amount === undefined) throw new UsageError(`--${name} must be a size such as 512mb, not "${text}"`);
  const bytes = Math.floor(Number(amount) * 1024 ** SIZE_LETTERS.indexOf(letter.toLowerCase()));
  if (bytes < SIZE_MIN) throw new UsageError(`--${name} must be at least 1mb, not "${text}"`);
  return bytes;
}

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function duration(name: string, text: string): number {
  const [, amount, unit = ''] = /^(\d{1,9})([smhd])$/.exec(text.trim()) ?? [];
  if (amount === undefined)
    throw new UsageError(`--${name} must be a time such as 30d, 12h, 90m or 60s, not "${text}"`);
  return Number(amount) * (UNIT_MS[unit] as number);
}

function positiveInteger(name: string, text: string): number {
  const value = wholeNumber(name, text);
  if (value === 0) throw new UsageError(`--${name} must be at least 1`);
  return value;
}
