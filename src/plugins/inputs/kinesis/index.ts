/** Reads Kinesis streams as a KCL 1.x worker, in a fleet with Logstash or Java KCL workers if need be. */
import { defineInput } from '../../../plugin-api/index.ts';
import { LeaseHolder } from './leaseHolder.ts';
import { RemoteReaders } from './remoteReaders.ts';
import { checkOptions, leaseTableClaims, options } from './settings.ts';
import { ShardProcessors } from './shardProcessors.ts';
import { WorkerReaders } from './workerReaders.ts';

export const kinesis = defineInput({
  name: 'kinesis',
  summary:
    'Reads Kinesis streams under leases in DynamoDB, which it can share with Logstash and other KCL 1.x workers.',
  replays: true,
  options,
  check: checkOptions,
  claims: leaseTableClaims,
  create(given, context) {
    const processors = new ShardProcessors(given, context);
    return new LeaseHolder(given, context, {
      whoReads: () => ({ createProcessor: (shard) => processors.create(shard) }),
      onStop: () => processors.stop(),
      onClosed: () => processors.close(),
    });
  },
  parallel: {
    coordinate(given, context) {
      const readers = new RemoteReaders(context.workers);
      const holder = new LeaseHolder(given, context, {
        whoReads: (streamName) => ({ openReader: (lease) => readers.open(streamName, lease) }),
      });
      readers.answerFrom((streamName) => holder.knowledgeOf(streamName));
      return holder;
    },
    work: (given, context) => new WorkerReaders(given, context),
  },
});
