/** The page of the command line, from the table of flags. */
import type { CommandGroup, Flag } from '../../src/cli/flags.ts';
import { exampleLines } from '../../src/cli/subcommands.ts';
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

const LEASES = `The table is looked at twice, a third of the failover time apart: a worker that lives moves the counter of its rows meanwhile.
${code('behind')} is the lag of the checkpoint; the reading is ahead of it by what is not settled yet. ${code('moved')} counts the changes of hands since the
last checkpoint. A checkpoint ${code('at …')} was put there by ${code('seek')}: that record is the next to be read.`;

const LEASES_JSON = `{ "streams": [ {
  "stream": "logs", "table": "logstash", "region": "us-east-1", "time": "2026-11-22T09:12:44.120Z",
  "failoverTimeMs": 10000, "tableExists": true, "watchedMs": 4034, "millisBehindLatestMax": 800,
  "owners": [ { "leaseOwner": "ip-10-0-1-7:5f2c…", "leases": 1, "state": "alive" } ],     # silent, unknown (--no-wait)
  "problems": [ { "problem": "no_row", "shardIds": [ "shardId-000000000001" ] } ],
  "shards": [
    { "shardId": "shardId-000000000000", "isOpen": true,                                  # null: no longer in the stream
      "row": { "leaseOwner": "ip-10-0-1-7:5f2c…", "ownerState": "alive", "leaseCounter": 4711, "ownerSwitchesSinceCheckpoint": 0,
               "checkpoint": "49613…", "checkpointSubSequenceNumber": 0, "checkpointArrival": "2026-11-22T09:12:32.011Z",
               "checkpointAgeMs": 12109, "parentShardIds": [], "childShardIds": [] },
      "millisBehindLatest": 800, "waitsFor": [] },                                        # parents not read to their end
    { "shardId": "shardId-000000000001", "isOpen": true, "row": null, "millisBehindLatest": null, "waitsFor": [] } ] } ] }`;

const PROBLEMS_NOTE = `With ${code('--json')} every field is always there, ${code('null')} where nothing is known. The exit code is 0 whatever the table says, 1 when there is none;
scripts look at ${code('problems')}:`;

const PROBLEMS: readonly (readonly [problem: string, meaning: string])[] = [
  ['`no_owner`', 'Rows that nobody holds, of shards that are not read to their end.'],
  ['`silent_owner`', 'Rows whose counter stood still between the two looks.'],
  ['`no_row`', 'Open shards that no worker knows of yet.'],
  ['`records_lost`', 'Checkpoints whose following records the stream no longer holds.'],
];

const SEEK = `Rows with an owner are watched for a little more than ${code('failover_time_millis')}, which has to be that of the whole fleet. If one moves, a worker lives, and
nothing is written. Else every shard of the stream gets its row: at its first record that Kinesis took at or after the time, which is the first to
be read; behind its last record where there is none; at ${code('SHARD_END')} when the shard is closed. Each write holds only while the row is as it was
seen: when one has changed, the command stops, shows which rows are written, and can be given again. Exit code 0: all is
written, or ${code('--dry-run')}; 1: refused, stopped, or impossible.`;

const SEEK_JSON = `{ "stream": "logs", "table": "logstash", "region": "us-east-1", "to": "2026-11-22T07:12:44.120Z", "dryRun": false,
  "stopped": null,                                                                        # { "shardId": …, "reason": … }
  "leftShardIds": [],                                                                     # rows of shards that the stream no longer has
  "shards": [
    { "shardId": "shardId-000000000000", "change": "move",                                # create, none
      "direction": "back", "movedMs": -7200000,                                           # forward, none, unknown
      "leaseOwner": null, "done": true,
      "before": { "checkpoint": "49613…", "checkpointSubSequenceNumber": 0, "arrival": "2026-11-22T09:12:32.011Z" },
      "after": { "checkpoint": "49612…", "checkpointSubSequenceNumber": -1, "arrival": "2026-11-22T07:12:44.502Z" } } ] }`;

export function commandLinePage(flags: readonly Flag[], groups: readonly CommandGroup[]): string {
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
    ...groups.flatMap(groupSections),
  );
}

const TEMPLATE_NOTE = `It takes effect for indices that are made after it is installed; those that are there keep their mappings. A composable template hides all
legacy ones, that of Logstash too. Times as text stay texts, except ${code('@timestamp')}: where a field is always a time, change its type by hand.`;

const DLQ_NOTE = `The commands may run while the pipeline does. What is removed leaves the disk with the next tidying of the running pipeline, once a whole
file of entries is removed. Exit code 0: done; 1: refused, or with ${code('replay')} something was refused again, not tried, or left alone.`;

const QUEUE_NOTE = `Exit code 0: every page is sound; 1: one is damaged, which a start refuses. A ${code('page')} is a file; a batch is what an input emitted at once. A crash
can leave half a batch at the end of the last page: it was never acknowledged, and the next start cuts it off. With ${code('--json')}:`;

const QUEUE_JSON = `{ "directory": "/var/lib/logstash/queue/main", "sound": false, "events": 1250,
  "pages": [ { "path": "…/0000000000000000.seg", "bytes": 67112014, "batches": 480, "events": 1250,
               "damaged_at": 4711, "cut_off_bytes": 0, "missing_before": 0 } ] }`;

const DLQ_JSON = `{"id":17,"entry_time":"2026-11-22T09:12:44.120Z","plugin_type":"elasticsearch","plugin_id":"…","reason":"400 mapper_parsing_exception: …",
 "origin":"logs/shardId-000000000000/49613…/0","metadata":{…},"event":{…}}`;

const NOTES: Readonly<Record<string, readonly string[]>> = {
  'kinesis leases': [LEASES, block('', LEASES_JSON), PROBLEMS_NOTE, table(['Problem', 'Meaning'], PROBLEMS)],
  'kinesis seek': [SEEK, block('', SEEK_JSON)],
  'queue check': [QUEUE_NOTE, block('', QUEUE_JSON)],
  'template print': [TEMPLATE_NOTE],
  'dlq stats': [DLQ_NOTE],
  'dlq list': [`With ${code('--json')} an entry a line:`, block('', DLQ_JSON)],
};

function groupSections(group: CommandGroup): string[] {
  return group.commands.flatMap((command) => [
    `## ${group.name} ${command.name}`,
    command.summary,
    block('', exampleLines(group, [command]).join('\n')),
    table(
      ['Flag', 'What it does'],
      command.flags.map(({ flags: names, description }) => [code(names), description]),
    ),
    ...(NOTES[`${group.name} ${command.name}`] ?? []),
  ]);
}

function sentence(reason: string): string {
  const isFileName = /^\w+\.\w/.test(reason);
  return `${isFileName ? reason : `${reason.slice(0, 1).toUpperCase()}${reason.slice(1)}`}.`;
}
