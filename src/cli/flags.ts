/** Logstash's flags, each of which works or is refused with its reason. */

export interface Flag {
  readonly flags: string;
  readonly description: string;
  /** Why the flag is refused, and what to do instead. */
  readonly refused?: string;
  /** May be given several times. */
  readonly isRepeatable?: boolean;
}

/** A command of a group, such as `leases` of `logstash-ts kinesis leases`. */
export interface Subcommand<Name extends string = string> {
  readonly name: Name;
  readonly summary: string;
  /** What may stand behind the flags, such as `<id>`. */
  readonly operands?: string;
  readonly flags: readonly Flag[];
  /** Command lines behind the group's name, each with what it does. */
  readonly examples: readonly (readonly [line: string, effect: string])[];
}

/** What can be asked for beside running a pipeline, by the first argument. */
export interface CommandGroup<Name extends string = string> {
  readonly name: string;
  readonly summary: string;
  readonly commands: readonly Subcommand<Name>[];
}

/** Those that the help of the program tells of. */
export const COMMANDS: readonly Pick<CommandGroup, 'name' | 'summary'>[] = [
  { name: 'kinesis', summary: 'Looks at the lease tables of the kinesis inputs of a configuration, and moves them.' },
  { name: 'queue', summary: 'Looks into the persisted queue of a pipeline, and repairs it.' },
  { name: 'dlq', summary: 'Looks into the dead letter queue of a pipeline, replays and purges it.' },
  { name: 'template', summary: 'Prints an index template that fits the elasticsearch outputs of a configuration.' },
];

export function groupSummary(name: string): string {
  return COMMANDS.find((command) => command.name === name)?.summary ?? '';
}

const SETTINGS_LATER = 'logstash.yml and pipelines.yml are not read yet: give the settings as flags';

export const FLAGS: readonly Flag[] = [
  { flags: '-f, --path.config <path>', description: 'Configuration: a file, a directory, or a glob in quotes.' },
  {
    flags: '-e, --config.string <text>',
    description: 'Configuration as text; stdin and stdout are added where it has no input or output.',
  },
  { flags: '-t, --config.test_and_exit', description: 'Check the configuration and exit: 0 when it is valid, else 1.' },
  {
    flags: '-w, --pipeline.workers <n>',
    description: 'Threads that filter and write, each for some of the shards, or of the lines. Default: 1',
  },
  { flags: '-b, --pipeline.batch.size <n>', description: 'Events a batch holds at most. Default: 125' },
  {
    flags: '-u, --pipeline.batch.delay <ms>',
    description: 'Accepted without effect: a batch goes on as soon as it is there.',
  },
  { flags: '-n, --node.name <name>', description: 'Name of this instance. Default: the host name' },
  { flags: '--pipeline.id <id>', description: 'Name of the pipeline. Default: main' },
  {
    flags: '--pipeline.ordered <mode>',
    description: 'auto, true or false. One worker always keeps the order, several that of each shard; true is for one.',
  },
  {
    flags: '--pipeline.unsafe_shutdown',
    description: 'Exit on a signal without waiting for unsettled events; a replay brings them again.',
  },
  { flags: '--config.support_escapes', description: 'Process \\n, \\t, \\" and so on in quoted texts.' },
  { flags: '--path.data <dir>', description: 'Where this instance keeps its state. Default: data beside the program' },
  {
    flags: '--queue.type <type>',
    description:
      'memory, or persisted: on disk, before it counts as taken, what inputs emit whose source cannot bring it again. Default: memory',
  },
  { flags: '--path.queue <dir>', description: 'Where persisted queues are kept. Default: queue below path.data' },
  { flags: '--queue.max_bytes <size>', description: 'How large it may grow; beyond it inputs wait. Default: 1024mb' },
  {
    flags: '--queue.max_events <n>',
    description: 'How many events it may hold; beyond it inputs wait; 0 for any number. Default: 0',
  },
  {
    flags: '--queue.page_capacity <size>',
    description: 'Size of its files, at most half of queue.max_bytes. Default: 64mb',
  },
  {
    flags: '--queue.drain',
    description: 'Stop only when all of it is delivered; without, what has not left it stays for the next start.',
  },
  {
    flags: '--queue.checkpoint.acks <n>',
    description:
      'How many delivered events are noted on disk together; a crash repeats at most so many, and what was under way; 0 for any number. Default: 1024',
  },
  {
    flags: '--queue.checkpoint.interval <ms>',
    description: 'After which time they are noted at the latest; 0 for never. Default: 1000',
  },
  {
    flags: '--queue.checkpoint.writes <n>',
    description: 'Accepted without effect: every batch is synced to disk before it counts as taken.',
  },
  {
    flags: '--queue.checkpoint.retry [value]',
    description: 'Accepted without effect: what the disk refuses is tried again, always.',
  },
  {
    flags: '--path.dead_letter_queue <dir>',
    description: 'Where dead letter queues are kept. Default: dead_letter_queue below path.data',
  },
  {
    flags: '--dead_letter_queue.max_bytes <size>',
    description: 'How large it may grow; beyond it the events that need it wait. Default: 1024mb',
  },
  {
    flags: '--dead_letter_queue.storage_policy <policy>',
    description: 'What happens then: wait, or drop_older, which makes room by losing the oldest. Default: wait',
  },
  {
    flags: '--dead_letter_queue.retain.age <age>',
    description: 'Entries older than this are removed, such as 30d, 12h, 90m or 60s. Default: none are',
  },
  {
    flags: '--dead_letter_queue.enable [value]',
    description: 'Accepted without effect: it is always on.',
  },
  { flags: '--log.level <level>', description: 'fatal, error, warn, info, debug or trace. Default: info' },
  { flags: '--log.format <format>', description: 'plain or json. Default: plain' },
  { flags: '--verbose', description: 'Deprecated: --log.level info.' },
  { flags: '--debug', description: 'Deprecated: --log.level debug.' },
  { flags: '--quiet', description: 'Deprecated: --log.level error.' },
  { flags: '--java-execution [value]', description: 'Accepted without effect: there is no JVM.' },
  { flags: '--plugin-classloaders [value]', description: 'Accepted without effect: there is no JVM.' },
  { flags: '--field-reference-parser <mode>', description: 'STRICT, the only mode.' },
  { flags: '-V, --version', description: 'Print the version.' },
  {
    flags: '-r, --config.reload.automatic',
    description: 'Reload on change.',
    refused: 'reloading is not supported yet: restart, which loses nothing',
  },
  {
    flags: '--config.reload.interval <interval>',
    description: 'How often to look for changes.',
    refused: 'reloading is not supported yet: restart, which loses nothing',
  },
  {
    flags: '--config.debug',
    description: 'Print the compiled configuration.',
    refused: 'it would print secrets; use --log.level debug',
  },
  {
    flags: '-l, --path.logs <dir>',
    description: 'Directory for log files.',
    refused: 'logs go to stderr: redirect them, or let systemd or the container keep them',
  },
  { flags: '--path.settings <dir>', description: 'Directory of logstash.yml.', refused: SETTINGS_LATER },
  {
    flags: '-p, --path.plugins <dir>',
    description: 'Directory of Ruby plugins.',
    refused: 'Ruby plugins cannot run here',
  },
  { flags: '--http.enabled <value>', description: 'Monitoring API.', refused: 'the monitoring API is not there yet' },
  {
    flags: '--http.host <host>',
    description: 'Address of the monitoring API.',
    refused: 'the monitoring API is not there yet',
  },
  {
    flags: '--http.port <port>',
    description: 'Port of the monitoring API.',
    refused: 'the monitoring API is not there yet',
  },
  {
    flags: '--modules <names>',
    description: 'Elastic modules.',
    refused: 'Elastic modules are not supported: write the pipeline out',
  },
  {
    flags: '-M, --modules.variable <assignment>',
    description: 'Variable of a module.',
    refused: 'Elastic modules are not supported: write the pipeline out',
  },
  {
    flags: '--setup',
    description: 'Set up a module.',
    refused: 'Elastic modules are not supported: write the pipeline out',
  },
  {
    flags: '--cloud.id <id>',
    description: 'Elastic Cloud for modules.',
    refused: 'Elastic modules are not supported: set `hosts` on the output',
  },
  {
    flags: '--cloud.auth <auth>',
    description: 'Elastic Cloud for modules.',
    refused: 'Elastic modules are not supported: set `user` and `password` on the output',
  },
  { flags: '-i, --interactive <shell>', description: 'Ruby shell.', refused: 'there is no Ruby here' },
];
