import { s3 } from '../../../src/plugins/outputs/s3/index.ts';
import type { S3Options } from '../../../src/plugins/outputs/s3/options.ts';
import { S3Output } from '../../../src/plugins/outputs/s3/output.ts';
import { openSpoolPlaces } from '../../../src/plugins/outputs/s3/spoolPlaces.ts';
import { numbered, outputContext, outputOptions, TestBatch } from '../../support/outputHarness.ts';

// Writes events to an S3 that never answers, says `ready` when they are on disk, and waits to be killed.
const [given = '{}', origin = ''] = process.argv.slice(2);
const stuck = {
  checkWritable: async () => {},
  put: () => new Promise<void>(() => {}),
  describeError: String,
  close: () => {},
};
const options = outputOptions(s3, JSON.parse(given)) as unknown as S3Options;
const output = new S3Output(options, outputContext(), {
  createStore: async () => stuck,
  openPlaces: openSpoolPlaces,
  random: Math.random,
});
await output.open();
const batch = new TestBatch(numbered(1000), origin === '' ? {} : { origin });
await output.write(batch.events);
const waiting = setInterval(() => {
  if (output.status()['spool_memory_bytes'] !== 0) return;
  clearInterval(waiting);
  process.stdout.write('ready\n');
}, 10);
