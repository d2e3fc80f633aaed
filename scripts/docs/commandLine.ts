/** The page of the command line, from the table of flags. */
import type { Flag } from '../../src/cli/flags.ts';
import { block, code, page, table } from './markdown.ts';

const INTRODUCTION = `The flags are Logstash's. Events go to stdout, log lines and faults to stderr.`;

const USAGE = `bin/logstash-ts -f conf.d/x.conf       # run
bin/logstash-ts -t -f 'conf.d/*.conf'  # check only
bin/logstash-ts -e 'filter { … }'      # stdin to stdout through a filter`;

const FILES = `A directory stands for every file in it, without its sub-directories. Several files are one pipeline, in the order of their
paths. A name that ends in ${code('~')} is skipped with a warning. ${code('${NAME}')} and ${code('${NAME:default}')} in option values are taken from the environment.`;

const EXIT_CODES: readonly (readonly [code: string, when: string])[] = [
  ['0', 'All inputs have ended and every event is settled; or a stop by a signal, after the drain.'],
  ['0', '`-t` found no error; `--version`; `--help`.'],
  ['1', 'Wrong usage, a configuration that is missing, unreadable or has errors, a data directory in use.'],
  ['1', 'An output that cannot start, an input or output that breaks down, a second SIGINT.'],
];

const SIGNALS: readonly (readonly [signal: string, effect: string])[] = [
  [
    'SIGTERM, SIGINT',
    'Inputs stop, outputs settle what is under way, checkpoints are written, leases released; exit code 0.',
  ],
  ['a second SIGINT', 'Ends the process at once; what was not settled comes again with the next start.'],
  ['SIGHUP', 'Nothing is reloaded; a warning says so.'],
];

export function commandLinePage(flags: readonly Flag[]): string {
  const working = flags.filter(({ refused }) => refused === undefined);
  const refused = flags.filter((flag) => flag.refused !== undefined);
  return page(
    '# Command line',
    INTRODUCTION,
    block('', USAGE),
    table(
      ['Flag', 'What it does'],
      working.map(({ flags: names, description }) => [code(names), description]),
    ),
    FILES,
    '## Not supported',
    table(
      ['Flag', 'Why, and what to do instead'],
      refused.map(({ flags: names, refused: reason = '' }) => [code(names), sentence(reason)]),
    ),
    '## Exit codes',
    table(['Code', 'When'], EXIT_CODES),
    '## Signals',
    table(['Signal', 'Effect'], SIGNALS),
  );
}

function sentence(reason: string): string {
  const isFileName = /^\w+\.\w/.test(reason);
  return `${isFileName ? reason : `${reason.slice(0, 1).toUpperCase()}${reason.slice(1)}`}.`;
}
