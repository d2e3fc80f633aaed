import { boolean, defineOutput, number, oneOf, string } from '../../../plugin-api/index.ts';
import { compileFilePath } from './filePath.ts';

export const file = defineOutput({
  name: 'file',
  summary: 'Writes events to files on disk.',
  defaultCodec: 'json_lines',
  options: {
    path: string({
      doc: 'File to write, with `%{field}` and `%{+YYYY}`; its first directory must be fixed.',
      required: true,
    }),
    flush_interval: number({ doc: 'Seconds between writes; 0 writes at once.', default: 2 }),
    gzip: boolean({ doc: 'Whether to compress; each write is a gzip member of its own.', default: false }),
    filename_failure: string({
      doc: 'File, in the fixed directory of the path, for events whose own path cannot be used.',
      default: '_filepath_failures',
    }),
    create_if_deleted: boolean({
      doc: 'Whether a file that is not there is made; else its events go to `filename_failure`.',
      default: true,
    }),
    dir_mode: number({
      doc: 'Permissions of new directories, as `0750` or 488; -1 for those of the process.',
      default: -1,
    }),
    file_mode: number({ doc: 'Permissions of new files, as `0640` or 416; -1 for those of the process.', default: -1 }),
    write_behavior: oneOf(['append', 'overwrite'])({
      doc: 'Whether events are appended, or only the last one is kept.',
      default: 'append',
    }),
    stale_cleanup_interval: number({ doc: 'Seconds after which an unused file is closed.', default: 10 }),
  },
  check: (options) => void compileFilePath(options.path, options.filename_failure),
  async create(options, context) {
    const { FileOutput } = await import('./output.ts');
    return new FileOutput(options, context);
  },
});
