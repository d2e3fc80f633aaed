/** The commands under `dlq` and their flags: for the parser, the help and the reference page. */
import { type CommandGroup, type Flag, groupSummary } from './flags.ts';

const PLACE: readonly Flag[] = [
  { flags: '--path.data <dir>', description: 'As the pipeline has it. Default: data beside the program' },
  {
    flags: '--path.dead_letter_queue <dir>',
    description: 'As the pipeline has it. Default: dead_letter_queue below path.data',
  },
  { flags: '--pipeline.id <id>', description: 'Whose queue. Default: main' },
];

const WHERE: Flag = {
  flags: '--where <condition>',
  description:
    'Only entries of which it is true; given several times, all have to be. `name=text` (equal), `name~text` (contains), `name!=text`; names: reason (its first words are enough), plugin, origin, id, or a field such as `[code]`; `since=`, `until=` with a time.',
  isRepeatable: true,
};

const JSON_FLAG: Flag = { flags: '--json', description: 'Print JSON, an entry a line where there are many.' };
const DRY_RUN: Flag = { flags: '--dry-run', description: 'Tell what would be done, and do nothing.' };

export type DlqCommand = 'list' | 'show' | 'stats' | 'replay' | 'purge';

export const DLQ: CommandGroup<DlqCommand> = {
  name: 'dlq',
  summary: groupSummary('dlq'),
  commands: [
    {
      name: 'stats',
      summary: 'Counts the entries by plugin and reason.',
      flags: [...PLACE, WHERE, JSON_FLAG],
      examples: [['stats', 'what was refused, why, how often']],
    },
    {
      name: 'list',
      summary: 'Lists entries, oldest first: id, time, plugin, reason.',
      flags: [
        ...PLACE,
        WHERE,
        { flags: '--limit <n>', description: 'At most so many; 0 for all. Default: 100' },
        JSON_FLAG,
      ],
      examples: [["list --where 'reason=400 mapper_parsing_exception' --limit 5", 'some of one kind']],
    },
    {
      name: 'show',
      summary: 'Prints one entry whole.',
      operands: '<id>',
      flags: [...PLACE, JSON_FLAG],
      examples: [['show 17', 'the event, who refused it, and the whole reason']],
    },
    {
      name: 'replay',
      summary:
        'Sends entries again to the output that refused them, as they were, and removes those that it takes. The pipeline may run meanwhile.',
      flags: [
        { flags: '-f, --path.config <path>', description: 'Configuration: a file, a directory, or a glob in quotes.' },
        { flags: '-e, --config.string <text>', description: 'Configuration as text.' },
        { flags: '--config.support_escapes', description: 'Process \\n, \\t, \\" and so on in quoted texts.' },
        ...PLACE,
        WHERE,
        DRY_RUN,
        JSON_FLAG,
      ],
      examples: [
        [
          "replay -f conf.d/x.conf --where 'reason=400 mapper_parsing_exception' --dry-run",
          'after the mapping was mended',
        ],
      ],
    },
    {
      name: 'purge',
      summary: 'Removes entries for good.',
      flags: [
        ...PLACE,
        WHERE,
        { flags: '--all', description: 'Every entry; without it a --where is needed.' },
        DRY_RUN,
        JSON_FLAG,
      ],
      examples: [["purge --where 'until=-30d' --dry-run", 'how many are older than 30 days']],
    },
  ],
};
