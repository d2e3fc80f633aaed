/** The commands under `template` and their flags: for the parser, the help and the reference page. */
import { type CommandGroup, groupSummary } from './flags.ts';

export const TEMPLATE: CommandGroup<'print'> = {
  name: 'template',
  summary: groupSummary('template'),
  commands: [
    {
      name: 'print',
      summary:
        'Prints an index template for the indices of all elasticsearch outputs: places of geoip filters as geo_point, addresses as ip, what mutate converts as numbers, other texts as keyword. Asks no server.',
      flags: [
        { flags: '-f, --path.config <path>', description: 'Configuration: a file, a directory, or a glob in quotes.' },
        { flags: '-e, --config.string <text>', description: 'Configuration as text.' },
        { flags: '--config.support_escapes', description: 'Process \\n, \\t, \\" and so on in quoted texts.' },
        {
          flags: '--index <pattern>',
          description:
            'A pattern such as `accesslog-*` in place of those of the configuration; may be given several times.',
          isRepeatable: true,
        },
        { flags: '--legacy', description: 'A legacy template, for servers before Elasticsearch 7.8.' },
      ],
      examples: [
        ['print -f conf.d/x.conf > template.json', 'for a look, and for `template` of the output'],
        ['print -f conf.d/x.conf --legacy', 'for servers without composable templates'],
      ],
    },
  ],
};
