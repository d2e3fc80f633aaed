import { parseArgs } from 'node:util';

export interface DemoOptions {
  /** Put a fixed set, wait until it is delivered, compare, end. */
  readonly once: boolean;
  /** How many records; without end when undefined. */
  readonly records: number | undefined;
  /** Records a second; as fast as the stream takes them when undefined. */
  readonly rate: number | undefined;
  readonly help: boolean;
}

export const USAGE = `npm start [-- options]

Runs the EKS pipeline (pipelines/eks-kinesis.conf) on this machine: a local Kinesis stream, the lease table, Elasticsearch, S3 and a
producer that writes records as Fluent Bit does. Ctrl-C drains, counts and ends.

  --once        put a fixed set, wait until all is delivered, compare with what was put; exit 0 or 1
  --records N   put N records, then no more (with --once: 2000 unless given)
  --rate N      records a second (300 unless given; with --once: as fast as the stream takes them)
  --help        this text

Environment
  ES_URL        an Elasticsearch to use; else a real 7.9.2 where Java and Maven are (fetched once), else a small stand-in
  S3_ENDPOINT   an S3 server to use, with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; else versitygw where it is installed, else a
                small stand-in
  NO_COLOR      no colours
`;

const ONCE_RECORDS = 2_000;
const LIVE_RATE = 300;

/** Throws an Error with a sentence for the user on a wrong argument. */
export function parseOptions(args: readonly string[]): DemoOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      once: { type: 'boolean', default: false },
      records: { type: 'string' },
      rate: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const { once, help } = values;
  const records = count('--records', values.records) ?? (once ? ONCE_RECORDS : undefined);
  return { once, help, records, rate: count('--rate', values.rate) ?? (once ? undefined : LIVE_RATE) };
}

function count(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new Error(`${name} takes a whole number from 1, not "${text}"`);
  return Number(text);
}
