import { defineOutput } from '../../../plugin-api/index.ts';
import { adviseOptions, checkOptions } from './optionChecks.ts';
import { s3Options } from './options.ts';

/** Objects of many lines in an S3 bucket. Events are settled when their object is uploaded. */
export const s3 = defineOutput({
  name: 's3',
  summary: 'Gathers events in files and uploads them to an S3 bucket.',
  defaultCodec: 'line',
  options: s3Options,
  check: checkOptions,
  advise: adviseOptions,
  async create(options, context) {
    const [{ S3Output }, { createAwsStore }, { openSpoolPlaces }] = await Promise.all([
      import('./output.ts'),
      import('./awsStore.ts'),
      import('./spoolPlaces.ts'),
    ]);
    return new S3Output(options, context, {
      createStore: () => createAwsStore(options, context),
      openPlaces: () => context.shared('s3 spool places', openSpoolPlaces),
      random: Math.random,
    });
  },
});
