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
  readonly workers: number | undefined;
  readonly batchSize: number;
  readonly batchDelayMs: number;
  readonly nodeName: string | undefined;
  readonly pipelineId: string;
  readonly unsafeShutdown: boolean;
  readonly supportEscapes: boolean;
  readonly dataPath: string | undefined;
  readonly logLevel: LogLevel;
  readonly logFormat: 'plain' | 'json';
  /** Things the user should know of the given flags, such as deprecation. */
  readonly remarks: readonly string[];
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
  const workers = given('pipeline.workers');
  return {
    configPath: given('path.config'),
    configString: given('config.string'),
    testAndExit: options['config.test_and_exit'] === true,
    version: options['version'] === true,
    workers: workers === undefined ? undefined : positiveInteger('pipeline.workers', workers),
    batchSize: positiveInteger('pipeline.batch.size', given('pipeline.batch.size') ?? '125'),
    batchDelayMs: wholeNumber('pipeline.batch.delay', given('pipeline.batch.delay') ?? String(BATCH_DELAY_MS)),
    nodeName: given('node.name'),
    pipelineId: given('pipeline.id') ?? 'main',
    unsafeShutdown: options['pipeline.unsafe_shutdown'] === true,
    supportEscapes: options['config.support_escapes'] === true,
    dataPath: given('path.data'),
    logLevel: logLevel(options),
    logFormat: oneOf('log.format', given('log.format') ?? 'plain', ['plain', 'json']),
    remarks: remarksOn(options),
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
  return remarks;
}

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

function positiveInteger(name: string, text: string): number {
  const value = wholeNumber(name, text);
  if (value === 0) throw new UsageError(`--${name} must be at least 1`);
  return value;
}
