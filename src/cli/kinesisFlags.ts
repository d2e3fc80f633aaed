/** The commands under `kinesis` and their flags: for the parser, the help and the reference page. */
import { type CommandGroup, type Flag, groupSummary } from './flags.ts';

const SHARED: readonly Flag[] = [
  { flags: '-f, --path.config <path>', description: 'Configuration: a file, a directory, or a glob in quotes.' },
  { flags: '-e, --config.string <text>', description: 'Configuration as text.' },
  { flags: '--config.support_escapes', description: 'Process \\n, \\t, \\" and so on in quoted texts.' },
  { flags: '--stream <name>', description: 'Only this stream of those that the configuration reads.' },
  { flags: '--table <name>', description: 'Only this lease table of those that the configuration uses.' },
  { flags: '--json', description: 'Print JSON with full values in place of a table.' },
];

export const KINESIS: CommandGroup<'leases' | 'seek'> = {
  name: 'kinesis',
  summary: groupSummary('kinesis'),
  commands: [
    {
      name: 'leases',
      summary: 'Shows who reads each shard, and how far: owner, checkpoint, age, lag. Changes nothing.',
      flags: [
        ...SHARED,
        { flags: '--no-lag', description: 'Leave out ages and lags, which take one read a shard.' },
        {
          flags: '--no-wait',
          description: 'Do not watch for a third of the failover time whether the owners live.',
        },
      ],
      examples: [
        ['leases -f conf.d/x.conf', 'a table of the shards, and what is wrong'],
        ['leases -f conf.d/x.conf --json', 'the same for scripts'],
      ],
    },
    {
      name: 'seek',
      summary:
        'Moves the checkpoints of one stream, so that the next start reads from there. Refuses while workers use its lease table.',
      flags: [
        {
          flags: '--to <position>',
          description:
            'A time with its zone (2026-11-22T09:00:00Z, 2026-11-22T18:00+09:00), a time ago (-90s, -15m, -2h, -3d), TRIM_HORIZON for the oldest records, or LATEST for what comes from now on.',
        },
        ...SHARED,
        { flags: '--dry-run', description: 'Show what would be moved, and write nothing.' },
      ],
      examples: [
        ['seek -f conf.d/x.conf --to -2h --dry-run', 'what would be read again'],
        ['seek -f conf.d/x.conf --to 2026-11-22T09:00:00Z', 'the next start begins there'],
      ],
    },
  ],
};
