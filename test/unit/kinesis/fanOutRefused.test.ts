import { describe, expect, test } from 'vitest';
import { awsError } from './fakes/faults.ts';
import { begin, createLab, createWorker, end, type FakeLab } from './fakes/lab.ts';

const BY_FAN_OUT = { fanOut: { consumerName: 'mine' } };
const STREAM_ARN = 'arn:aws:kinesis:us-east-1:1:stream/logs';
const REFUSED = 'warn stream "logs" is read by polling from now on, since enhanced fan-out is refused: ';

function countOf(lab: FakeLab, operation: string): number {
  return lab.kinesis.calls.filter((call) => call === operation).length;
}

function warnings(lab: FakeLab): string[] {
  return lab.log.filter((line) => line.startsWith('warn'));
}

describe('the consumer', () => {
  test('is registered when it is missing, and waited for', async () => {
    const lab = createLab(['s0']);
    lab.kinesis.fanOut.creatingMs = 8_000;
    lab.kinesis.put('s0', 'a');
    const worker = createWorker(lab, BY_FAN_OUT);
    await begin(lab, worker, 20_000);
    expect(worker.texts).toEqual(['a']);
    expect(countOf(lab, 'registerStreamConsumer')).toBe(1);
    expect(countOf(lab, 'getRecords')).toBe(0);
    expect(lab.log).toEqual([
      'info registered the consumer "mine" of stream "logs" for enhanced fan-out',
      'info stream logs: holding 1 of 1 leases in table leases',
    ]);
    await end(lab, worker);
  });

  test('that others register at the same time is shared', async () => {
    const lab = createLab(['s0', 's1']);
    lab.kinesis.fanOut.creatingMs = 3_000;
    const workers = ['one', 'two', 'three'].map((workerId) => createWorker(lab, { ...BY_FAN_OUT, workerId }));
    const started = workers.map((worker) => worker.consumer.start());
    await lab.clock.advance(30_000);
    await Promise.all(started);
    expect(lab.kinesis.fanOut.open.toSorted()).toEqual(['s0', 's1']);
    expect(lab.log.filter((line) => line.includes('registered'))).toHaveLength(1);
    expect(warnings(lab)).toEqual([]);
    for (const worker of workers) await end(lab, worker);
  });

  test('is looked for until Kinesis answers', async () => {
    const lab = createLab(['s0']);
    lab.kinesis.faults.refuse('describeStreamConsumer', awsError('TimeoutError'), 3);
    const worker = createWorker(lab, BY_FAN_OUT);
    await begin(lab, worker, 20_000);
    expect(lab.kinesis.fanOut.open).toEqual(['s0']);
    expect(warnings(lab)).toEqual([
      expect.stringMatching('registering for enhanced fan-out of stream "logs" fails and is tried again: TimeoutError'),
    ]);
    await end(lab, worker);
  });

  test('that does not become ACTIVE is said', async () => {
    const lab = createLab(['s0']);
    lab.kinesis.fanOut.creatingMs = 90_000;
    const worker = createWorker(lab, BY_FAN_OUT);
    await begin(lab, worker, 100_000);
    expect(warnings(lab)).toEqual([
      expect.stringMatching('Error: the consumer "mine" of stream "logs" is CREATING, not ACTIVE$'),
    ]);
    expect(lab.kinesis.fanOut.open).toEqual(['s0']);
    await end(lab, worker);
  });

  test('close ends a start that waits for it', async () => {
    const lab = createLab(['s0']);
    lab.kinesis.fanOut.creatingMs = 60_000;
    const worker = createWorker(lab, BY_FAN_OUT);
    const started = worker.consumer.start();
    await lab.clock.advance(5_000);
    await end(lab, worker);
    await expect(started).resolves.toBeUndefined();
  });

  test('that is deregistered is registered again, once, and nothing is lost', async () => {
    const lab = createLab(['s0', 's1']);
    lab.kinesis.put('s0', 'a');
    const worker = createWorker(lab, BY_FAN_OUT);
    await begin(lab, worker, 6_000);
    lab.kinesis.fanOut.deregister('mine');
    lab.kinesis.put('s0', 'b');
    lab.kinesis.put('s1', 'c');
    await lab.clock.advance(10_000);
    expect(worker.texts.toSorted()).toEqual(['a', 'b', 'c']);
    expect(countOf(lab, 'registerStreamConsumer')).toBe(2);
    expect(lab.kinesis.fanOut.open.toSorted()).toEqual(['s0', 's1']);
    expect(warnings(lab)).toEqual([]);

    lab.kinesis.fanOut.deregister('mine');
    lab.kinesis.put('s0', 'd');
    await lab.clock.advance(5_000);
    expect(worker.texts.toSorted()).toEqual(['a', 'b', 'c', 'd']);
    expect(warnings(lab)).toEqual([
      `${REFUSED}SubscribeToShard answers ResourceNotFoundException: the consumer "mine" was deregistered again; see who deregisters it, and restart`,
    ]);
    expect(countOf(lab, 'registerStreamConsumer')).toBe(2);
    await end(lab, worker);
  });

  test('that is deregistered again after a long time is registered again', async () => {
    const lab = createLab(['s0']);
    const worker = createWorker(lab, BY_FAN_OUT);
    await begin(lab, worker, 6_000);
    for (let time = 0; time < 2; time += 1) {
      lab.kinesis.fanOut.deregister('mine');
      await lab.clock.advance(11 * 60_000);
    }
    expect(countOf(lab, 'registerStreamConsumer')).toBe(3);
    expect(lab.kinesis.fanOut.open).toEqual(['s0']);
    expect(warnings(lab)).toEqual([]);
    await end(lab, worker);
  });
});

describe('polling takes over', () => {
  test.each([
    [
      'describeStreamSummary',
      'AccessDeniedException',
      'DescribeStreamSummary answers AccessDeniedException: no; allow kinesis:DescribeStreamSummary on the stream, and restart',
    ],
    [
      'describeStreamConsumer',
      'AccessDeniedException',
      `DescribeStreamConsumer answers AccessDeniedException: no; allow kinesis:DescribeStreamConsumer on ${STREAM_ARN} and ${STREAM_ARN}/consumer/*, and restart`,
    ],
    [
      'registerStreamConsumer',
      'AccessDeniedException',
      `RegisterStreamConsumer answers AccessDeniedException: no; allow kinesis:RegisterStreamConsumer on ${STREAM_ARN} and ${STREAM_ARN}/consumer/*, and restart`,
    ],
    [
      'subscribeToShard',
      'AccessDeniedException',
      `SubscribeToShard answers AccessDeniedException: no; allow kinesis:SubscribeToShard on ${STREAM_ARN}/consumer/mine:1, and restart`,
    ],
    [
      'registerStreamConsumer',
      'LimitExceededException',
      'RegisterStreamConsumer answers LimitExceededException: no; deregister a consumer that the stream no longer needs, and restart',
    ],
    [
      'describeStreamSummary',
      'UnknownOperationException',
      'DescribeStreamSummary answers UnknownOperationException: no; choose polling, or mend this and restart',
    ],
    [
      'registerStreamConsumer',
      'InvalidArgumentException',
      'RegisterStreamConsumer answers InvalidArgumentException: no; choose polling, or mend this and restart',
    ],
  ])('when %s answers %s, with one line', async (operation, name, reason) => {
    const lab = createLab(['s0', 's1']);
    lab.kinesis.put('s0', 'a');
    lab.kinesis.faults.breakDown(operation, awsError(name, 'no'));
    const worker = createWorker(lab, BY_FAN_OUT);
    await begin(lab, worker, 20_000);
    lab.kinesis.put('s1', 'b');
    await lab.clock.advance(60_000);
    expect(worker.texts).toEqual(['a', 'b']);
    expect(warnings(lab)).toEqual([REFUSED + reason]);
    expect(worker.consumer.snapshot().shards).toMatchObject([{ source: 'polling' }, { source: 'polling' }]);
    await end(lab, worker);
  });

  test('when the stream has as many consumers as Kinesis allows', async () => {
    const lab = createLab(['s0']);
    lab.kinesis.fanOut.consumersMax = 1;
    lab.kinesis.fanOut.register('another');
    lab.kinesis.put('s0', 'a');
    const worker = createWorker(lab, BY_FAN_OUT);
    await begin(lab, worker, 20_000);
    expect(worker.texts).toEqual(['a']);
    expect(warnings(lab)).toEqual([expect.stringContaining('deregister a consumer that the stream no longer needs')]);
    await end(lab, worker);
  });

  test('not when registrations come too fast', async () => {
    const lab = createLab(['s0']);
    lab.kinesis.faults.refuse('registerStreamConsumer', awsError('LimitExceededException'), 2);
    const worker = createWorker(lab, BY_FAN_OUT);
    await begin(lab, worker, 20_000);
    expect(lab.kinesis.fanOut.open).toEqual(['s0']);
    expect(warnings(lab)).toEqual([]);
    await end(lab, worker);
  });

  test('when a server does not have the operation, by its status', async () => {
    const lab = createLab(['s0']);
    const error = Object.assign(awsError('InternalFailure'), { $metadata: { httpStatusCode: 501 } });
    lab.kinesis.faults.breakDown('registerStreamConsumer', error);
    const worker = createWorker(lab, BY_FAN_OUT);
    await begin(lab, worker, 5_000);
    expect(worker.consumer.snapshot().shards).toMatchObject([{ source: 'polling', state: 'reading' }]);
    await end(lab, worker);
  });

  test('from every subscription, each where it was, without loss or duplicate', async () => {
    const lab = createLab(['s0', 's1', 's2']);
    const worker = createWorker(lab, BY_FAN_OUT);
    await begin(lab, worker, 2_000);
    let round = 0;
    const putAll = async (rounds: number) => {
      for (const untilRound = round + rounds; round < untilRound; round += 1) {
        for (const shardId of ['s0', 's1', 's2'])
          lab.kinesis.put(shardId, `${shardId}-${round}`, `${shardId}+${round}`);
        await lab.clock.advance(700);
      }
    };
    await putAll(20);
    lab.kinesis.faults.breakDown('subscribeToShard', awsError('AccessDeniedException'));
    await putAll(20);
    expect(lab.kinesis.fanOut.open.toSorted()).toEqual(['s0', 's1', 's2']);
    // One of them is to be renewed: none is allowed any more.
    lab.kinesis.fanOut.cut(awsError('InternalFailureException'), 's1');
    await putAll(20);
    await lab.clock.advance(10_000);
    expect(worker.texts).toHaveLength(360);
    expect(new Set(worker.texts).size).toBe(360);
    for (const shardId of ['s0', 's1', 's2']) {
      const read = worker.texts.filter((text) => text.startsWith(shardId));
      const put = Array.from({ length: 60 }, (_, at) => [`${shardId}-${at}`, `${shardId}+${at}`]).flat();
      expect(read).toEqual(put);
    }
    expect(lab.kinesis.fanOut.open).toEqual([]);
    expect(warnings(lab).filter((line) => line.startsWith(REFUSED))).toHaveLength(1);
    await end(lab, worker);
  });

  test('where the endpoint speaks TLS without HTTP/2', async () => {
    const lab = createLab(['s0']);
    lab.kinesis.put('s0', 'a');
    // As Node's client and the SDK say it.
    const alert = new Error('tlsv1 alert no application protocol');
    Object.assign(alert, { code: 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL' });
    const message = 'The pending stream has been canceled (caused by: tlsv1 alert no application protocol)';
    lab.kinesis.faults.breakDown('subscribeToShard', new Error(message, { cause: alert }));
    const worker = createWorker(lab, BY_FAN_OUT);
    await begin(lab, worker, 20_000);
    expect(worker.texts).toEqual(['a']);
    expect(warnings(lab)).toEqual([
      expect.stringMatching(`^${REFUSED}SubscribeToShard answers .*no application protocol`),
    ]);
    await end(lab, worker);
  });

  test('at the time of the first subscription when nothing came before', async () => {
    const lab = createLab(['s0']);
    lab.kinesis.put('s0', 'old');
    await lab.clock.advance(600_000);
    const beganMs = lab.clock.now();
    lab.kinesis.faults.breakDown('subscribeToShard', awsError('AccessDeniedException'));
    const worker = createWorker(lab, { ...BY_FAN_OUT, initialPosition: { type: 'LATEST' } });
    const started = worker.consumer.start();
    await lab.clock.advance(2_000);
    await started;
    lab.kinesis.put('s0', 'new');
    await lab.clock.advance(5_000);
    expect(worker.texts).toEqual(['new']);
    expect(lab.kinesis.iterators[0]).toMatchObject({ ShardIteratorType: 'AT_TIMESTAMP' });
    const { Timestamp } = lab.kinesis.iterators[0] as { Timestamp: Date };
    expect(Timestamp.getTime() - (beganMs - 300_000)).toBeLessThan(2_000);
    await end(lab, worker);
  });
});

test('a stream that vanishes is no reason to poll', async () => {
  const lab = createLab(['s0']);
  const worker = createWorker(lab, BY_FAN_OUT);
  await begin(lab, worker, 6_000);
  lab.kinesis.exists = false;
  for (const operation of ['registerStreamConsumer', 'subscribeToShard']) {
    lab.kinesis.faults.breakDown(operation, awsError('ResourceNotFoundException', 'Stream logs not found'));
  }
  lab.kinesis.fanOut.deregister('mine');
  await lab.clock.advance(60_000);
  expect(warnings(lab).some((line) => line.startsWith(REFUSED))).toBe(false);
  expect(warnings(lab)[0]).toMatch('reading stream "logs" fails and is tried again: ResourceNotFoundException');
  expect(lab.dynamodb.row('s0')).toMatchObject({ checkpoint: 'TRIM_HORIZON' });
  await end(lab, worker);
});
