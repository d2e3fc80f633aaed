import { describe, expect, it } from 'vitest';
import type { Value } from '../../../../src/event/value.ts';
import { Unreachable } from '../../../../src/plugins/outputs/elasticsearch/wire.ts';
import { numbered, TestBatch } from '../../../support/outputHarness.ts';
import {
  allCreated,
  type Bench,
  bench,
  type FakeItem,
  FakeWire,
  type Given,
  kinesisBatch,
  serverInfo,
  statuses,
} from './support.ts';

const INDEX: Given = { index: 'logs' };
const SMALL = { buffer: { events: 1000, bytes: 10_000_000 } };

function bySetting(batch: TestBatch): TestBatch {
  for (const [n, event] of batch.events.entries())
    event.data['status'] = [201, 200, 409, 400, 404, 403, 429, 500, 503][n] ?? 201;
  return batch;
}

function statusOf(item: { body: unknown }): number {
  return (item.body as { status: number }).status;
}

describe('gathering', () => {
  it('makes one bulk of many writes', async () => {
    const { output, wire, clock } = bench(INDEX);
    const batches = Array.from({ length: 5 }, () => new TestBatch(numbered(10)));
    for (const batch of batches) expect(output.write(batch.events)).toBeUndefined();
    await clock.advance(50);
    expect(wire.bulks.map((bulk) => bulk.length)).toEqual([50]);
    expect(batches.every((batch) => batch.isSettled)).toBe(true);
    await output.close();
  });

  it('sends a full bulk at once and keeps a few under way', async () => {
    const wire = new FakeWire();
    const { output, clock } = bench(INDEX, wire);
    let answer = () => {};
    const asked = new Promise<void>((resolve) => {
      answer = resolve;
    });
    wire.respond = async (items) => {
      await asked;
      return allCreated(items);
    };
    await clock.advance(0);
    const batch = new TestBatch(numbered(20_000));
    void output.write(batch.events);
    await clock.advance(50);
    expect([wire.bulks.length, wire.mostAtOnce]).toEqual([4, 4]);
    answer();
    await clock.advance(50);
    expect(wire.bulks.map((bulk) => bulk.length)).toEqual(Array.from({ length: 10 }, () => 2000));
    expect(batch.isSettled).toBe(true);
    await output.close();
  });

  it('goes on filling while the server has enough to do', async () => {
    const wire = new FakeWire();
    const { output, clock } = bench({ ...INDEX, pool_max: 1 }, wire);
    let answer = () => {};
    wire.respond = (items) =>
      new Promise((resolve) => {
        answer = () => resolve(allCreated(items));
      });
    for (let n = 0; n < 10; n++) {
      void output.write(new TestBatch(numbered(1)).events);
      await clock.advance(30);
    }
    expect(wire.bulks.length).toBe(1);
    answer();
    await clock.advance(0);
    expect(wire.bulks.map((bulk) => bulk.length)).toEqual([1, 9]);
    answer();
    await output.close();
  });

  it('keeps the order of changes to one document: one bulk at a time', async () => {
    const { output, wire, clock } = bench({ ...INDEX, document_id: '%{id}' });
    void output.write(new TestBatch(numbered(9000, { id: 'same' })).events);
    await clock.advance(50);
    expect(wire.mostAtOnce).toBe(1);
    expect(wire.bulks.flat().map((item) => (item.body as { n: number }).n)).toEqual(numbered(9000).map(({ n }) => n));
    await output.close();
  });

  it('cuts bulks at 20 MiB; a larger event goes alone', async () => {
    const { output, wire, clock } = bench(INDEX);
    const mebibytes = [1, 30, 1, 4, 18, 1];
    void output.write(new TestBatch(mebibytes.map((size) => ({ text: 'x'.repeat(size * 1024 * 1024) }))).events);
    await clock.advance(50);
    const sizes = wire.bulks.map((bulk) =>
      bulk.map((item) => Math.floor((item.body as { text: string }).text.length / 1024 / 1024)),
    );
    expect(sizes).toEqual([[1], [30], [1, 4], [18], [1]]);
    await output.close();
  });

  it('makes the writer wait when the buffer is full, and lets him go on', async () => {
    const wire = new FakeWire(() => new Unreachable('away'));
    const { output, clock } = bench(INDEX, wire, SMALL);
    const full = output.write(new TestBatch(numbered(1001)).events);
    let goesOn = false;
    const waiting = Promise.resolve(full).then(() => {
      goesOn = true;
    });
    await clock.advance(600_000);
    expect([full instanceof Promise, goesOn]).toEqual([true, false]);
    expect(output.status()).toMatchObject({ waitingEvents: 1001, isFailing: true });
    expect(clock.now() - (output.unsettledSinceMs() ?? 0)).toBe(600_000);
    wire.respond = allCreated;
    await clock.advance(64_000);
    await waiting;
    expect(output.status()).toMatchObject({ waitingEvents: 0, waitingBytes: 0, isFailing: false });
    expect(output.unsettledSinceMs()).toBeUndefined();
    await output.close();
  });
});

describe('outcomes of single events', () => {
  it('settles, buries or sends again by the status of each', async () => {
    const wire = new FakeWire((items, call) => (call === 1 ? statuses(items, statusOf) : allCreated(items)));
    const { output, clock, context, counts, log } = bench(INDEX, wire);
    const batch = bySetting(new TestBatch(numbered(9)));
    void output.write(batch.events);
    await clock.advance(100);
    expect(batch.settled).toBe(5);
    expect(context.deadLetters.map(({ event, reason }) => [event.data['n'], reason])).toEqual([
      [3, '400 type_400: reason 400, for {"index":{"_index":"logs"}}'],
      [4, '404 type_404: reason 404, for {"index":{"_index":"logs"}}'],
    ]);
    await clock.advance(2000);
    expect(wire.bulks[1]?.map(statusOf)).toEqual([403, 429, 500, 503]);
    expect(batch.isSettled).toBe(true);
    expect(counts()).toEqual({
      'bulk_requests.successes': 1,
      'bulk_requests.with_errors': 1,
      'bulk_requests.responses.200': 2,
      'documents.successes': 6,
      'documents.retryable_failures': 4,
      'documents.non_retryable_failures': 3,
    });
    expect(log.lines.filter((line) => line.startsWith('WARN'))).toEqual([
      'WARN an event is given up: 409 type_409: reason 409, for {"index":{"_index":"logs"}}',
      'WARN an event goes to the dead letter queue: 400 type_400: reason 400, for {"index":{"_index":"logs"}}',
      'WARN an event goes to the dead letter queue: 404 type_404: reason 404, for {"index":{"_index":"logs"}}',
      'WARN bulk to http://127.0.0.1:9200 fails and is tried again: 4 of 9 documents are refused for now with 403, type_403: reason 403',
    ]);
    await output.close();
  });

  it('takes 409 for success where the id is made of the record', async () => {
    const wire = new FakeWire((items) => statuses(items, () => 409));
    const { output, clock, counts, log } = bench(INDEX, wire);
    const batch = kinesisBatch(3);
    void output.write(batch.events);
    await clock.advance(50);
    expect(batch.isSettled).toBe(true);
    expect(counts()).toMatchObject({ 'documents.successes': 3 });
    expect(log.lines.filter((line) => line.startsWith('WARN'))).toEqual([]);
    await output.close();
  });

  it('buries the event as it was written, with what no document holds', async () => {
    const wire = new FakeWire((items) => statuses(items, () => 400));
    const { output, clock, context } = bench({ ...INDEX, action: 'delete', document_id: '1' }, wire);
    const batch = kinesisBatch(1);
    const [event] = batch.events;
    if (event === undefined) throw new Error('no event');
    event.metadata = { sequence_number: '12' };
    void output.write(batch.events);
    event.setField('n', 1);
    await clock.advance(50);
    expect(context.deadLetters[0]?.event).toMatchObject({
      data: { n: 0, logtype: 'accesslog', '@version': '1' },
      metadata: { sequence_number: '12' },
      origin: 'logs/shardId-000000000000/4959/0',
    });
    expect(context.deadLetters[0]?.event.timestamp?.toString()).toBe('2020-10-20T03:56:00.000Z');
    await output.close();
  });

  it('waits with an event that not even the dead letter queue takes', async () => {
    const wire = new FakeWire((items) => statuses(items, () => 400));
    let isFull = true;
    const deadLetter = async () => {
      if (isFull) throw new Error('no space left on device');
    };
    const { output, clock, log } = bench(INDEX, wire, { deadLetter });
    const batch = new TestBatch(numbered(1));
    void output.write(batch.events);
    await clock.advance(10_000);
    expect(batch.isSettled).toBe(false);
    expect(log.lines).toContain(
      'WARN writing to the dead letter queue fails and is tried again: no space left on device',
    );
    isFull = false;
    await clock.advance(30_000);
    expect(batch.isSettled).toBe(true);
    await output.close();
  });

  it('buries what cannot be sent at all, and sends the rest', async () => {
    const { output, wire, clock, context } = bench({ ...INDEX, action: '%{do}' });
    const batch = new TestBatch([{ do: 'index' }, { do: 'nothing' }, { do: 'index' }]);
    void output.write(batch.events);
    await clock.advance(50);
    expect([wire.bulks[0]?.length, batch.isSettled]).toEqual([2, true]);
    expect(context.deadLetters.map(({ reason }) => reason)).toEqual(["'nothing' is no action"]);
    expect(output.status()).toMatchObject({ waitingEvents: 0 });
    await output.close();
  });

  it('says what is rejected once, then counts', async () => {
    const wire = new FakeWire((items) => statuses(items, () => 400));
    const { output, clock, log } = bench(INDEX, wire);
    for (let n = 0; n < 40; n++) {
      void output.write(new TestBatch(numbered(10)).events);
      await clock.advance(1000);
    }
    await output.close();
    const lines = log.lines.filter((line) => line.includes('dead letter queue') || line.includes('type_400'));
    expect(lines).toHaveLength(3);
    expect(lines[1]).toMatch(/\(30\d such in 30 s\)$/);
  });

  it('sends statuses of the configuration to the dead letter queue, and drops errors that it lets go', async () => {
    const wire = new FakeWire((items, call) => (call === 1 ? statuses(items, statusOf) : allCreated(items)));
    const given = { ...INDEX, dlq_custom_codes: [403], drop_error_types: ['type_500', 'type_400', 'type_409'] };
    const { output, clock, context, log, counts } = bench(given, wire);
    const batch = new TestBatch([200, 403, 500, 400, 409, 503].map((status) => ({ status })));
    void output.write(batch.events);
    await clock.advance(50);
    expect(batch.settled).toBe(5);
    await clock.advance(2000);
    expect(batch.isSettled).toBe(true);
    expect(context.deadLetters.map(({ event }) => event.data['status'])).toEqual([403]);
    expect(wire.bulks[1]?.map(({ body }) => (body as { status: number }).status)).toEqual([503]);
    expect(counts()).toMatchObject({ 'documents.successes': 2, 'documents.non_retryable_failures': 4 });
    expect(log.lines.filter((line) => line.includes('is given up'))).toHaveLength(3);
    await output.close();
  });

  it('is silent about types that are not to be logged', async () => {
    const wire = new FakeWire((items, call) => (call === 1 ? statuses(items, statusOf) : allCreated(items)));
    const given = {
      ...INDEX,
      drop_error_types: ['type_500'],
      silence_errors_in_log: ['type_409', 'type_500'],
      failure_type_logging_whitelist: ['type_503'],
    };
    const { output, clock, log } = bench(given, wire);
    void output.write(new TestBatch([{ status: 409 }, { status: 500 }, { status: 503 }]).events);
    await clock.advance(3000);
    expect(log.lines.filter((line) => line.startsWith('WARN'))).toEqual([]);
    await output.close();
  });

  it.each(['<html>ok</html>', '{"errors":true,"items":[]}', ''])(
    'sends again after an answer such as %j',
    async (text) => {
      const wire = new FakeWire((items, call) => (call === 1 ? { status: 200, text } : allCreated(items)));
      const { output, clock } = bench(INDEX, wire);
      const batch = new TestBatch(numbered(2));
      void output.write(batch.events);
      await clock.advance(50);
      expect(batch.isSettled).toBe(false);
      await clock.advance(2000);
      expect(batch.isSettled).toBe(true);
      await output.close();
    },
  );
});

describe('requests that fail as a whole', () => {
  const refusals: [string, Error | { status: number; text: string }][] = [
    ['no connection', new Unreachable('connect ECONNREFUSED')],
    ['400 of a proxy', { status: 400, text: '<html>Bad Request</html>' }],
    ...[401, 403, 404, 429, 500, 502, 503, 504].map((status): [string, { status: number; text: string }] => [
      String(status),
      { status, text: '{"error":{"type":"some_exception","reason":"by a test"}}' },
    ]),
  ];

  it.each(refusals)('are sent again without end: %s', async (_name, refusal) => {
    const wire = new FakeWire((items, call) => (call <= 8 ? refusal : allCreated(items)));
    const { output, clock } = bench(INDEX, wire);
    const batch = new TestBatch(numbered(3));
    void output.write(batch.events);
    const callsAfter: number[] = [];
    for (const seconds of [0.1, 2, 4, 8, 16, 32, 64, 64, 64]) {
      await clock.advance(seconds * 1000);
      callsAfter.push(wire.bulks.length);
    }
    expect(callsAfter).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(batch.isSettled).toBe(true);
    await output.close();
  });

  it('are spoken of when they begin, change and end, and now and then between', async () => {
    const wire = new FakeWire(() => ({ status: 429, text: '{"error":{"type":"es_rejected_execution_exception"}}' }));
    const { output, clock, log } = bench({ ...INDEX, user: 'u', password: 'topsecret' }, wire);
    void output.write(new TestBatch(numbered(20_000)).events);
    await clock.advance(600_000);
    const storm = log.lines.filter((line) => line.includes('429'));
    expect(storm[0]).toBe(
      'WARN bulk to http://127.0.0.1:9200 fails and is tried again: answer 429, it has more to do than it can take, es_rejected_execution_exception',
    );
    expect(storm.length).toBeLessThan(20);
    expect(storm.length).toBeGreaterThan(3);
    wire.respond = () => new Unreachable('connect ECONNREFUSED');
    await clock.advance(64_000);
    wire.respond = allCreated;
    await clock.advance(128_000);
    const rest = log.lines.filter((line) => line.includes('bulk to') && !line.includes('429'));
    expect(rest).toHaveLength(2);
    expect(rest[0]).toMatch(/still fails after \d+ s, \d+ more tr(y|ies): connect ECONNREFUSED$/);
    expect(rest[1]).toMatch(/^INFO bulk to http:\/\/127\.0\.0\.1:9200 works again after \d+ s$/);
    expect(log.lines.join()).not.toContain('topsecret');
    await output.close();
  });

  it('bring fewer requests at once, and success more again', async () => {
    const wire = new FakeWire((items, call) => (call <= 8 ? { status: 429, text: '' } : allCreated(items)));
    const { output, clock } = bench(INDEX, wire);
    void output.write(new TestBatch(numbered(20_000)).events);
    await clock.advance(1000);
    expect(output.status()).toMatchObject({ requestsInFlightMax: 1 });
    await clock.advance(10_000);
    expect(output.status()).toMatchObject({ requestsInFlightMax: 4, waitingEvents: 0 });
    await output.close();
  });

  it('end their pause when a node comes back', async () => {
    const wire = new FakeWire((items, call) => (call <= 5 ? new Unreachable('away') : allCreated(items)));
    const { output, clock } = bench(INDEX, wire);
    const batch = new TestBatch(numbered(1));
    void output.write(batch.events);
    await clock.advance(31_000);
    expect([wire.bulks.length, batch.isSettled]).toEqual([5, false]);
    output.nodeRevived();
    await clock.advance(0);
    expect(batch.isSettled).toBe(true);
    await output.close();
  });

  it('are halved when too large, down to the one event that is', async () => {
    const wire = new FakeWire((items) =>
      items.some((item) => statusOf(item) === 413) ? { status: 413, text: '' } : allCreated(items),
    );
    const { output, clock, context, log } = bench(INDEX, wire);
    const batch = new TestBatch(numbered(100).map((fields, n) => ({ ...fields, status: n === 40 ? 413 : 200 })));
    void output.write(batch.events);
    await clock.advance(100);
    expect(batch.isSettled).toBe(true);
    expect(context.deadLetters.map(({ event, reason }) => [event.data['n'], reason])).toEqual([
      [40, '413 larger than the server takes, for {"index":{"_index":"logs"}}'],
    ]);
    expect(log.lines).toContainEqual(expect.stringMatching(/^WARN the server takes no request of \d+ bytes \(413\)/));
    await output.close();
  });

  it('are halved when one action spoils them for ever', async () => {
    const invalid =
      '{"error":{"type":"action_request_validation_exception","reason":"Validation Failed: 1: id is missing;"}}';
    const wire = new FakeWire((items) =>
      items.some((item) => statusOf(item) === 400) ? { status: 400, text: invalid } : allCreated(items),
    );
    const { output, clock, context } = bench(INDEX, wire);
    const batch = new TestBatch([{ status: 200 }, { status: 400 }, { status: 200 }]);
    void output.write(batch.events);
    await clock.advance(100);
    expect(batch.isSettled).toBe(true);
    expect(context.deadLetters.map(({ reason }) => reason)).toEqual([
      '400 action_request_validation_exception: Validation Failed: 1: id is missing;, for {"index":{"_index":"logs"}}',
    ]);
    await output.close();
  });
});

describe('requests that are refused for what is in them', () => {
  const refusal = {
    status: 400,
    text: '{"error":{"type":"illegal_argument_exception","reason":"For input string: x"}}',
  };
  const numbersOf = (items: readonly { body: unknown }[]) => items.map(({ body }) => (body as { n: number }).n);
  /** Refuses each request in which one of `bad` is. */
  const refusing =
    (...bad: number[]) =>
    (items: FakeItem[]) =>
      numbersOf(items).some((n) => bad.includes(n)) ? refusal : allCreated(items);
  const buried = ({ context }: Bench) => context.deadLetters.map(({ event }) => event.data['n']);
  const ORDERED = { ...INDEX, document_id: '%{n}' };

  it.each<[string, number[], Given]>([
    ['one amid', [40], INDEX],
    ['the first', [0], INDEX],
    ['the last', [99], INDEX],
    ['many', [0, 1, 2, 3, 50, 51, 98, 99], INDEX],
    ['the first, in order', [0, 1], ORDERED],
    ['every other', Array.from({ length: 50 }, (_, n) => 2 * n), ORDERED],
  ])('lose %s, which goes to the dead letter queue, at once; the others are written', async (_which, bad, given) => {
    const around = bench(given, new FakeWire(refusing(...bad)));
    const { output, wire, clock } = around;
    const batch = new TestBatch(numbered(100));
    void output.write(batch.events);
    await clock.advance(100);
    expect(batch.isSettled).toBe(true);
    expect(buried(around).sort((a, b) => Number(a) - Number(b))).toEqual(bad);
    const written = wire.bulks.filter((items) => refusing(...bad)(items) !== refusal).flatMap(numbersOf);
    expect(written).toEqual(Array.from({ length: 100 }, (_, n) => n).filter((n) => !bad.includes(n)));
    await output.close();
  });

  it('keep an event that nests deeper than any JSON that is read', async () => {
    const around = bench(INDEX, new FakeWire(refusing(0)));
    const { output, clock } = around;
    const batch = new TestBatch(numbered(3));
    let deep: Value = 1;
    for (let level = 0; level < 1500; level++) deep = [deep];
    Object.assign(batch.events[0]?.data ?? {}, { deep });
    void output.write(batch.events);
    await clock.advance(100);
    expect([batch.isSettled, buried(around)]).toEqual([true, [0]]);
    await output.close();
  });

  it.each<[string, Given]>([
    ['side by side', INDEX],
    ['in order', ORDERED],
  ])('with one event alone wait until another request is accepted, %s', async (_how, given) => {
    const around = bench(given, new FakeWire(refusing(0)));
    const { output, clock, log } = around;
    const [bad, good] = [new TestBatch(numbered(1)), new TestBatch([{ n: 1 }])];
    void output.write(bad.events);
    await clock.advance(600_000);
    expect(buried(around)).toEqual([]);
    expect(log.lines.filter((line) => line.includes('For input string'))[0]).toBe(
      'WARN bulk to http://127.0.0.1:9200 fails and is tried again: answer 400, illegal_argument_exception: For input string: x',
    );
    void output.write(good.events);
    await clock.advance(100);
    expect(good.isSettled).toBe(true);
    await clock.advance(64_000);
    expect([bad.isSettled, buried(around)]).toEqual([true, [0]]);
    await output.close();
  });

  it.each<[string, Given]>([
    ['side by side', INDEX],
    ['in order', ORDERED],
  ])(
    'all of them, as for a parameter that the server does not know, are kept and sent again, %s',
    async (_how, given) => {
      const around = bench(given, new FakeWire(() => refusal));
      const { output, wire, clock, log } = around;
      const batch = new TestBatch(numbered(10_000));
      void output.write(batch.events);
      await clock.advance(60_000);
      const before = wire.bulks.length;
      await clock.advance(3_600_000);
      // Hardly more than one request a minute for each bulk, and few lines.
      expect(wire.bulks.length - before).toBeLessThan(5 * 60 * 12);
      expect(log.lines.filter((line) => line.includes('For input string')).length).toBeLessThan(60);
      expect([batch.settled, buried(around)]).toEqual([0, []]);
      wire.respond = allCreated;
      await clock.advance(200_000);
      expect([batch.isSettled, buried(around)]).toEqual([true, []]);
      await output.close();
    },
  );
});

describe('start and end', () => {
  it('holds events back until the server has said what it is', async () => {
    const wire = new FakeWire();
    wire.info = () => new Unreachable('connect ECONNREFUSED');
    const { output, clock, log } = bench(INDEX, wire);
    const batch = new TestBatch(numbered(2));
    void output.write(batch.events);
    await clock.advance(60_000);
    expect(wire.bulks).toEqual([]);
    wire.info = () => serverInfo('6.8.23');
    await clock.advance(5000);
    expect(wire.bulks[0]?.map((item) => item.meta)).toEqual([
      { _index: 'logs', _type: 'doc' },
      { _index: 'logs', _type: 'doc' },
    ]);
    expect(log.lines).toContain('INFO http://127.0.0.1:9200 is elasticsearch 6.8.23');
    await output.close();
  });

  it('installs the template before the first event, and only if there is none', async () => {
    const { output, wire, clock } = bench(INDEX);
    await clock.advance(0);
    expect(wire.others.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /',
      'HEAD /_template/logstash',
      'PUT /_template/logstash',
    ]);
    expect(JSON.parse(wire.others[2]?.body ?? '')).toMatchObject({
      index_patterns: 'logstash-*',
      settings: { 'index.refresh_interval': '5s', number_of_shards: 1 },
      mappings: { properties: { geoip: { properties: { location: { type: 'geo_point' } } } } },
    });
    await output.close();
  });

  it('leaves templates alone when told so', async () => {
    const { output, wire, clock } = bench({ ...INDEX, manage_template: 'false' });
    await clock.advance(0);
    expect(wire.others.map(({ method }) => method)).toEqual(['GET']);
    await output.close();
  });

  it('begins anew when the connection is lost before the template is there', async () => {
    const wire = new FakeWire();
    wire.onPut = () => new Unreachable('read ECONNRESET');
    const { output, clock } = bench(INDEX, wire);
    const batch = new TestBatch(numbered(1));
    void output.write(batch.events);
    await clock.advance(1000);
    expect(wire.bulks).toEqual([]);
    wire.onPut = () => ({ status: 200, text: '{}' });
    await clock.advance(2000);
    expect(wire.others.filter(({ method }) => method === 'PUT')).toHaveLength(2);
    expect(batch.isSettled).toBe(true);
    await output.close();
  });

  it('goes on when the template cannot be installed', async () => {
    const wire = new FakeWire();
    const { output, clock, log } = bench({ ...INDEX, template: '/no/such/template.json' }, wire);
    const batch = new TestBatch(numbered(1));
    void output.write(batch.events);
    await clock.advance(50);
    expect(batch.isSettled).toBe(true);
    expect(log.lines).toContainEqual(
      expect.stringMatching(/^ERROR index template 'logstash' is not installed: ENOENT/),
    );
    await output.close();
  });

  it('says that credentials are not accepted, and tries on', async () => {
    const wire = new FakeWire();
    wire.info = () => ({
      status: 401,
      text: '{"error":{"type":"security_exception","reason":"unable to authenticate"}}',
    });
    const { output, clock, log } = bench(INDEX, wire);
    await clock.advance(100_000);
    expect(wire.others.length).toBeGreaterThan(10);
    expect(log.lines[0]).toBe(
      'WARN connection to http://127.0.0.1:9200 fails and is tried again: answer 401, it does not accept the credentials: check `user` and `password`, or `api_key`, security_exception: unable to authenticate; events wait',
    );
    expect(log.lines.length).toBeLessThan(5);
    await output.close();
    expect(wire.isClosed).toBe(true);
  });

  it('writes for a user who may do nothing else', async () => {
    const wire = new FakeWire();
    wire.info = () => ({ status: 403, text: '' });
    const { output, clock } = bench(INDEX, wire);
    const batch = new TestBatch(numbered(1));
    void output.write(batch.events);
    await clock.advance(50);
    expect(batch.isSettled).toBe(true);
    await output.close();
  });

  it('settles all before it closes, however often it is asked', async () => {
    const wire = new FakeWire(() => new Unreachable('away'));
    const { output, clock } = bench(INDEX, wire, SMALL);
    const batch = new TestBatch(numbered(9000));
    expect(output.write(batch.events)).toBeInstanceOf(Promise);
    const closings = [output.close(), output.close()];
    await clock.advance(300_000);
    expect([wire.isClosed, batch.isSettled]).toEqual([false, false]);
    wire.respond = (items, call) => (call % 3 === 0 ? statuses(items, () => 429) : allCreated(items));
    await clock.advance(300_000);
    await Promise.all(closings);
    expect([wire.isClosed, batch.isSettled]).toEqual([true, true]);
  });
});
