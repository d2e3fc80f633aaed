/** Commands beside running a pipeline, such as `logstash-ts kinesis leases`: what they share. */
import { Command, CommanderError } from 'commander';
import { UsageError } from './arguments.ts';
import { ConfigLoadError } from './configFiles.ts';
import type { CommandGroup, Subcommand } from './flags.ts';

export type Options = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

export interface Request<Name extends string> {
  readonly name: Name;
  readonly options: Options;
  /** What stands behind the flags, for commands that take it. */
  readonly operands: readonly string[];
}

/** What a command was asked for cannot be had or done; the message is for the user. */
export class ToolFault extends Error {
  override readonly name = 'ToolFault';
}

const FOR_THE_USER = [UsageError, ConfigLoadError, ToolFault];

/** Gives the exit code. `args` are those behind the group's name. */
export async function runGroup<Name extends string>(
  group: CommandGroup<Name>,
  args: readonly string[],
  run: (request: Request<Name>) => Promise<number>,
): Promise<number> {
  try {
    const request = parse(group, args);
    return request === undefined ? 0 : await run(request);
  } catch (error) {
    if (!FOR_THE_USER.some((kind) => error instanceof kind)) throw error;
    process.stderr.write(`ERROR: ${error instanceof Error ? error.message : error}\n`);
    return 1;
  }
}

/** Nothing when help was asked for, and printed. */
function parse<Name extends string>(group: CommandGroup<Name>, args: readonly string[]): Request<Name> | undefined {
  let request: Request<Name> | undefined;
  const program = new Command(`logstash-ts ${group.name}`)
    .description(group.summary)
    .configureOutput({ writeErr: () => {}, outputError: () => {} })
    .exitOverride()
    .showSuggestionAfterError(true)
    .addHelpText('after', exampleText(group, group.commands));
  for (const subcommand of group.commands) {
    const command = program
      .command(subcommand.name)
      .description(subcommand.summary)
      .allowExcessArguments(false)
      .addHelpText('after', exampleText(group, [subcommand]))
      .action((...given: unknown[]) => {
        const options = given.at(-2) as Options;
        request = { name: subcommand.name, options, operands: given.slice(0, -2).flat() as string[] };
      });
    if (subcommand.operands !== undefined) command.argument(subcommand.operands);
    for (const { flags, description, isRepeatable } of subcommand.flags) {
      if (isRepeatable) command.option(flags, description, gathered, []);
      else command.option(flags, description);
    }
  }
  if (args.length === 0)
    throw new UsageError(`${group.name} needs a command\n\n${program.helpInformation().trimEnd()}`);
  try {
    program.parse([...args], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === 'commander.helpDisplayed' || error.code === 'commander.help') return undefined;
    const help = `See: 'bin/logstash-ts ${group.name} --help'`;
    throw new UsageError(`${error.message.replace(/^error: /, '')}\n${help}`);
  }
  return request;
}

function gathered(value: string, before: readonly string[]): string[] {
  return [...before, value];
}

function exampleText(group: CommandGroup, commands: readonly Subcommand[]): string {
  return ['\nExamples:', ...exampleLines(group, commands).map((line) => `  ${line}`)].join('\n');
}

/** The examples as lines to copy, their effects one below the other. */
export function exampleLines(group: CommandGroup, commands: readonly Subcommand[]): string[] {
  const examples = commands.flatMap((command) => command.examples);
  const width = Math.max(...examples.map(([line]) => line.length));
  return examples.map(([line, effect]) => `bin/logstash-ts ${group.name} ${line.padEnd(width)}  # ${effect}`);
}

export function textOption(options: Options, name: string): string | undefined {
  const value = options[name];
  return typeof value === 'string' ? value : undefined;
}
