import { KinesisClient } from '@aws-sdk/client-kinesis';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { Observer } from './observer.ts';
import type { DemoOptions } from './options.ts';
import { PipelineProcess } from './pipeline.ts';
import { Producer } from './producer.ts';
import { addsUp, documentCount, number, reckon, renderReckoning, settledCount } from './reckoning.ts';
import { Screen } from './screen.ts';
import { REGION, STREAM, type Stack, startStack } from './stack.ts';

interface Run {
  readonly options: DemoOptions;
  readonly screen: Screen;
  readonly pipeline: PipelineProcess;
  readonly producer: Producer;
  readonly observer: Observer;
  readonly interrupt: AbortSignal;
}

type Output = ConstructorParameters<typeof Screen>[0];

/** Always the same records, so that two runs can be compared. */
const SEED = 20_201_020;
const TICK_MS = 1_000;
/** Without a new document for so long, waiting for the rest ends. */
const STALL_MS = 60_000;
/** S3 objects come each minute, so that one sees some; the pipeline's own five would be long. */
const TIME_FILE_MINUTES = 1;

/** Runs the whole demo and gives the exit code: 0 when all that was put has arrived, once. */
export async function runDemo(
  options: DemoOptions,
  out: Output,
  env: NodeJS.ProcessEnv,
  interrupt: AbortSignal,
): Promise<number> {
  const screen = new Screen(out, env);
  screen.say('logstash-ts demo: the EKS pipeline, on this machine');
  const stack = await startStack(env, (text) => screen.say(`  ${text}`));
  const observer = new Observer(stack.elasticsearch, stack.s3);
  const client = kinesisClient(stack);
  const producer = new Producer({ ...options, client, stream: STREAM, seed: SEED });
  let pipeline: PipelineProcess | undefined;
  try {
    await observer.begin();
    if (interrupt.aborted) return 0;
    pipeline = new PipelineProcess(stack, TIME_FILE_MINUTES);
    screen.opening([...stack.parts, ...ownParts(options, pipeline)]);
    return await run({ options, screen, pipeline, producer, observer, interrupt });
  } finally {
    pipeline?.kill();
    client.destroy();
    observer.close();
    await stack.stop();
  }
}

function ownParts(options: DemoOptions, pipeline: PipelineProcess) {
  const pace = options.rate === undefined ? 'as fast as the stream takes them' : `${number(options.rate)} records/s`;
  const amount = options.records === undefined ? '' : `${number(options.records)} records, `;
  const plain = { url: '', note: '' };
  return [
    { role: 'pipeline', what: `${pipeline.file}   log ${pipeline.logFile}`, ...plain },
    { role: 'producer', what: `${amount}${pace}, three log types, as Fluent Bit writes them`, ...plain },
  ];
}

function kinesisClient(stack: Stack): KinesisClient {
  const { accessKeyId, secretAccessKey } = stack.s3;
  return new KinesisClient({
    endpoint: stack.kinesis,
    region: REGION,
    credentials: { accessKeyId, secretAccessKey },
    // The client's default is HTTP/2, which a local server without TLS does not speak.
    // No time limit for a request: a put that is given up may have been carried out, and would then be put twice.
    requestHandler: new NodeHttpHandler({ connectionTimeout: 2_000 }),
  });
}

async function run(demo: Run): Promise<number> {
  const { producer, pipeline, screen, interrupt } = demo;
  interrupt.addEventListener('abort', () => producer.stop(), { once: true });
  if (interrupt.aborted) producer.stop();
  const producing = { failure: undefined as unknown, done: false };
  const produced = producer.run().then(
    () => {
      producing.done = true;
    },
    (error: unknown) => {
      producing.failure = error;
      producing.done = true;
    },
  );
  const outcome = await watch(demo, producing);
  producer.stop();
  await produced;
  if (producing.failure !== undefined) throw producing.failure;
  if (outcome === 'ended') {
    screen.say(
      `\nThe pipeline ended by itself with exit code ${pipeline.exitCode}. It last wrote:\n${pipeline.lastLines()}`,
    );
    return 1;
  }
  return close(demo, outcome);
}

type Outcome = 'delivered' | 'stalled' | 'ended';

/** Shows a line each second until all that was put is delivered (and no more is to come), or there is no progress any more. */
async function watch(demo: Run, producing: { readonly done: boolean }): Promise<Outcome> {
  const { options, screen, producer, observer, pipeline, interrupt } = demo;
  const start = Date.now();
  let last = { at: start, records: 0, settled: 0 };
  let progressAt = start;
  for (;;) {
    await untilNextTick(interrupt.aborted ? undefined : interrupt);
    const found = { ...(await observer.count()), deadLetters: await pipeline.deadLetters() };
    const now = Date.now();
    const documents = documentCount(found);
    const settled = documents + found.deadLetters;
    if (settled !== last.settled) progressAt = now;
    const seconds = (now - last.at) / 1000;
    screen.moment({
      ...found,
      seconds: (now - start) / 1000,
      inPerSecond: (producer.records - last.records) / seconds,
      outPerSecond: (settled - last.settled) / seconds,
      lagSeconds: producer.lagSeconds(settled, now),
    });
    last = { at: now, records: producer.records, settled };
    if (pipeline.exitCode !== undefined) return 'ended';
    const wantsEnd = producing.done && (options.once || interrupt.aborted);
    if (wantsEnd && settled >= settledCount(producer.totals())) return 'delivered';
    if (wantsEnd && now - progressAt > STALL_MS) return 'stalled';
  }
}

function untilNextTick(interrupt: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, TICK_MS);
    const early = () => {
      clearTimeout(timer);
      resolve();
    };
    interrupt?.addEventListener('abort', early, { once: true });
  });
}

/** Lets the pipeline drain, which uploads its open S3 files, and only then counts. */
async function close(demo: Run, outcome: Outcome): Promise<number> {
  const { screen, pipeline, producer, observer } = demo;
  screen.say('');
  if (outcome === 'stalled') screen.say(`Nothing new for ${STALL_MS / 1000} s: waiting no longer.`);
  screen.say('stopping: the pipeline drains and uploads …');
  const exitCode = await pipeline.stop();
  const predicted = producer.totals();
  const rows = reckon(predicted, { ...(await observer.count()), deadLetters: await pipeline.deadLetters() });
  screen.say(renderReckoning(predicted, rows));
  if (exitCode !== 0)
    screen.say(`The pipeline ended with exit code ${exitCode}. It last wrote:\n${pipeline.lastLines()}`);
  const isGood = exitCode === 0 && addsUp(rows);
  screen.say(isGood ? 'It adds up: each event arrived, once.' : `It does not add up. The log: ${pipeline.logFile}`);
  if (isGood) pipeline.removeFiles();
  return isGood ? 0 : 1;
}
