/** `logstash-ts kinesis …`: loaded only when it is asked for, as the AWS SDK is. */
import { Command, CommanderError } from 'commander';
import { createLogger } from '../runtime/logging.ts';
import { UsageError } from './arguments.ts';
import { ConfigLoadError } from './configFiles.ts';
import { type Environment, loadConfiguration, printFaults } from './configuration.ts';
import { KINESIS_SUMMARY } from './flags.ts';
import { exampleLines, KINESIS_COMMANDS, type Subcommand } from './kinesisFlags.ts';
import { printLeases } from './kinesisLeases.ts';
import { moveCheckpoints, parseTarget } from './kinesisSeek.ts';
import { chooseStreams, kinesisStreams, type StreamTarget, ToolFault } from './kinesisStreams.ts';

type Options = Readonly<Record<string, string | boolean | undefined>>;

interface Request {
  readonly name: Subcommand['name'];
  readonly options: Options;
}

const HELP = "See: 'bin/logstash-ts kinesis --help'";

/** Gives the exit code. `args` are those behind `kinesis`. */
export async function runKinesis(args: readonly string[], env: Environment): Promise<number> {
  try {
    const request = parse(args);
    return request === undefined ? 0 : await run(request, env);
  } catch (error) {
    if (![UsageError, ConfigLoadError, ToolFault].some((kind) => error instanceof kind)) throw error;
    process.stderr.write(`ERROR: ${error instanceof Error ? error.message : error}\n`);
    return 1;
  }
}

/** Nothing when help was asked for, and printed. */
function parse(args: readonly string[]): Request | undefined {
  let request: Request | undefined;
  const program = new Command('logstash-ts kinesis')
    .description(KINESIS_SUMMARY)
    .configureOutput({ writeErr: () => {}, outputError: () => {} })
    .exitOverride()
    .showSuggestionAfterError(true)
    .addHelpText('after', exampleText(KINESIS_COMMANDS));
  for (const subcommand of KINESIS_COMMANDS) {
    const command = program
      .command(subcommand.name)
      .description(subcommand.summary)
      .allowExcessArguments(false)
      .addHelpText('after', exampleText([subcommand]))
      .action((options: Options) => {
        request = { name: subcommand.name, options };
      });
    for (const { flags, description } of subcommand.flags) command.option(flags, description);
  }
  if (args.length === 0) throw new UsageError(`kinesis needs a command\n\n${program.helpInformation().trimEnd()}`);
  try {
    program.parse([...args], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === 'commander.helpDisplayed' || error.code === 'commander.help') return undefined;
    throw new UsageError(`${error.message.replace(/^error: /, '')}\n${HELP}`);
  }
  return request;
}

function exampleText(commands: readonly Subcommand[]): string {
  return ['\nExamples:', ...exampleLines(commands).map((line) => `  ${line}`)].join('\n');
}

async function run({ name, options }: Request, env: Environment): Promise<number> {
  const json = options['json'] === true;
  if (name === 'leases') {
    const streams = await configuredStreams(options, env);
    if (streams === undefined) return 1;
    await printLeases(streams, { json, lag: options['lag'] !== false, wait: options['wait'] !== false }, env);
    return 0;
  }
  const target = parseTarget(text(options, 'to'), Date.now());
  const streams = await configuredStreams(options, env);
  if (streams === undefined) return 1;
  const isComplete = await moveCheckpoints(streams, target, { json, dryRun: options['dryRun'] === true }, env);
  return isComplete ? 0 : 1;
}

/** Nothing when the configuration has errors, which are printed. */
async function configuredStreams(options: Options, env: Environment): Promise<StreamTarget[] | undefined> {
  const args = {
    configPath: text(options, 'path.config'),
    configString: text(options, 'config.string'),
    supportEscapes: options['config.support_escapes'] === true,
  };
  if (args.configPath !== undefined && args.configString !== undefined) {
    throw new UsageError("Settings 'path.config' (-f) and 'config.string' (-e) can't be used simultaneously.");
  }
  const now = Date.now;
  const write = (line: string) => process.stderr.write(line);
  const logger = createLogger({ level: 'warn', format: 'plain', write, now }, { name: 'logstash.kinesis' });
  const { pipeline, reporter, fileCount } = await loadConfiguration(args, env, logger.warn);
  if (printFaults(reporter, fileCount, env)) return undefined;
  return chooseStreams(kinesisStreams(pipeline, logger), {
    streamName: text(options, 'stream'),
    tableName: text(options, 'table'),
  });
}

function text(options: Options, name: string): string | undefined {
  const value = options[name];
  return typeof value === 'string' ? value : undefined;
}
