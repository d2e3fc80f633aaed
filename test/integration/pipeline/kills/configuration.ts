/** The user's pipeline with intervals so short that each run of a few seconds uploads objects and writes checkpoints. */
import { readFileSync } from 'node:fs';

/** Bytes as stored, about a second of the load. */
const OBJECT_BYTES = 8_000;
const OBJECT_MINUTES = 0.02;

const CHANGES: readonly (readonly [string, string])[] = [
  ['codec => json { }', 'codec => json { }\n    checkpoint_interval_seconds => 1'],
  [
    'additional_settings => {\n      "kinesis_endpoint"',
    `additional_settings => {
      "failover_time_millis" => 2000
      "shard_sync_interval_millis" => 1000
      "idle_time_between_reads_in_millis" => 250
      "kinesis_endpoint"`,
  ],
  ['#size_file => 1024000', `size_file => ${OBJECT_BYTES}`],
  ['"${S3_TIME_FILE:5}"', String(OBJECT_MINUTES)],
];

export function configuration(): string {
  return CHANGES.reduce(
    (text, [from, to]) => {
      if (!text.includes(from)) throw new Error(`the pipeline has no longer a part ${from}`);
      return text.replace(from, to);
    },
    readFileSync('pipelines/eks-kinesis.conf', 'utf8'),
  );
}
