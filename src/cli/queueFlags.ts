/** The commands under `queue` and their flags: for the parser, the help and the reference page. */
import { type CommandGroup, type Flag, groupSummary } from './flags.ts';

const PLACE: readonly Flag[] = [
  { flags: '--path.data <dir>', description: 'The instance’s data directory. Default: data beside the program' },
  { flags: '--path.queue <dir>', description: 'Where its queues are. Default: queue below path.data' },
  { flags: '--pipeline.id <id>', description: 'Whose queue. Default: main' },
  { flags: '--json', description: 'Print JSON.' },
];

export const QUEUE: CommandGroup<'check' | 'repair'> = {
  name: 'queue',
  summary: groupSummary('queue'),
  commands: [
    {
      name: 'check',
      summary:
        'Reads every page of the persisted queue of a pipeline: what waits in it, and whether it is sound. Changes nothing.',
      flags: PLACE,
      examples: [['check --path.data /var/lib/logstash', 'what a start would find']],
    },
    {
      name: 'repair',
      summary:
        'Takes damaged bytes out of the pages, and keeps them beside in files that end in .damaged; batches before and behind them stay. Refuses while the pipeline runs.',
      flags: PLACE,
      examples: [['repair --path.data /var/lib/logstash', 'after a start was refused for a damaged page']],
    },
  ],
};
