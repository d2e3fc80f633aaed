/** `logstash-ts kinesis …`: loaded only when it is asked for, as the AWS SDK is. */
import { createLogger } from '../runtime/logging.ts';
import { type Environment, toolPipeline } from './configuration.ts';
import { KINESIS } from './kinesisFlags.ts';
import { printLeases } from './kinesisLeases.ts';
import { moveCheckpoints, parseTarget } from './kinesisSeek.ts';
import { chooseStreams, kinesisStreams, type StreamTarget } from './kinesisStreams.ts';
import { type Options, type Request, runGroup, textOption } from './subcommands.ts';

/** Gives the exit code. `args` are those behind `kinesis`. */
export async function runKinesis(args: readonly string[], env: Environment): Promise<number> {
  return runGroup(KINESIS, args, (request) => run(request, env));
}

async function run({ name, options }: Request<'leases' | 'seek'>, env: Environment): Promise<number> {
  const json = options['json'] === true;
  // Before the configuration is read: it is faster to tell.
  const target = name === 'seek' ? parseTarget(textOption(options, 'to'), Date.now()) : undefined;
  const streams = await configuredStreams(options, env);
  if (streams === undefined) return 1;
  if (target) await moveCheckpoints(streams, target, { json, dryRun: options['dryRun'] === true }, env);
  else await printLeases(streams, { json, lag: options['lag'] !== false, wait: options['wait'] !== false }, env);
  return 0;
}

/** Nothing when the configuration has errors, which are printed. */
async function configuredStreams(options: Options, env: Environment): Promise<StreamTarget[] | undefined> {
  const now = Date.now;
  const write = (line: string) => process.stderr.write(line);
  const logger = createLogger({ level: 'warn', format: 'plain', write, now }, { name: 'logstash.kinesis' });
  const pipeline = await toolPipeline(options, env, logger.warn);
  if (pipeline === undefined) return undefined;
  return chooseStreams(kinesisStreams(pipeline, logger), {
    streamName: textOption(options, 'stream'),
    tableName: textOption(options, 'table'),
  });
}
