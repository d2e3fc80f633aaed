import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Event } from '../../../src/event/event.ts';
import type { ConfigValue, Output, OutputContext } from '../../../src/plugin-api/index.ts';
import { elasticsearch } from '../../../src/plugins/outputs/elasticsearch/index.ts';
import { jsonLinesCodec, numbered, outputContext, recordLog, TestBatch } from '../../support/outputHarness.ts';
import { reportFault } from '../../support/pluginContext.ts';
import { type FaultProxy, type FaultRule, type Server, startFaultProxy } from '../../support/servers/index.ts';
import { kinesisBatch, parseOptions } from '../../unit/plugins/elasticsearch/support.ts';

const QUICK = { retry_initial_interval: 0.05, retry_max_interval: 0.2, resurrect_delay: 0.05 };

export interface Opened {
  readonly output: Output;
  readonly context: ReturnType<typeof outputContext>;
  readonly lines: readonly string[];
}

/** The output as a pipeline opens it, with quick retries. */
export async function openOutput(
  given: Readonly<Record<string, ConfigValue>>,
  around: Partial<OutputContext> = {},
): Promise<Opened> {
  const { logger, lines } = recordLog();
  const context = outputContext({ logger, ...around });
  const options = parseOptions({ ...QUICK, ilm_enabled: 'false', ...given });
  void elasticsearch.check?.(options, reportFault);
  const output = await elasticsearch.create({ ...options, codec: jsonLinesCodec() }, context);
  return { output, context, lines };
}

export interface StoredHit {
  readonly _id: string;
  readonly _source: Readonly<Record<string, unknown>>;
}

export async function readIndex(url: string, index: string): Promise<StoredHit[]> {
  await fetch(`${url}/${index}/_refresh`, { method: 'POST' });
  const answer = (await (await fetch(`${url}/${index}/_search?size=10000`)).json()) as { hits: { hits: StoredHit[] } };
  return answer.hits.hits;
}

export function countersOf({ counters }: Opened['context']): Record<string, number> {
  return Object.fromEntries([...counters].map(([name, { value }]) => [name, value]));
}

/** A file that is gone after the test. */
export function jsonFile(content: object): string {
  const directory = mkdtempSync(join(tmpdir(), 'logstash-ts-template-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, 'template.json');
  writeFileSync(path, JSON.stringify(content));
  return path;
}

/** Waits for a condition; a loaded machine may take its time. */
export function until(condition: () => boolean): Promise<void> {
  return expect.poll(condition, { timeout: 20_000 }).toBe(true);
}

const isBulk = (url: string) => url.startsWith('/_bulk');

/** One lets pass what is no bulk, and bulks from the n-th on. */
function firstBulks(count: number, fault: ReturnType<FaultRule>): FaultRule {
  return ({ url, count: nth }) => (isBulk(url) && nth <= count ? fault : undefined);
}

/** What a test of the suite works with. */
export interface Lab {
  readonly server: Server;
  /** A proxy of the test's own in front of the server, and an index of its own. */
  place(rule?: FaultRule): Promise<{ proxy: FaultProxy; index: string }>;
  /** Opens an output, writes the events, and closes it, which settles them. */
  writeAll(
    given: Readonly<Record<string, ConfigValue>>,
    events: readonly Event[],
    around?: Partial<OutputContext>,
  ): Promise<Opened>;
}

/**
 * Everything an Elasticsearch has to show with this output; `start` gives a server that holds no documents. `more` adds tests
 * on the same server, which are given what to work with when they run.
 */
export function describeElasticsearch(
  name: string,
  start: () => Promise<Server>,
  more?: (lab: () => Lab) => void,
): void {
  describe(`elasticsearch output on ${name}`, { timeout: 60_000 }, () => {
    let server: Server;
    let serial = 0;

    beforeAll(async () => {
      server = await start();
    }, 600_000);
    afterAll(() => server?.stop());

    async function place(rule?: FaultRule): Promise<{ proxy: FaultProxy; index: string }> {
      const proxy = await startFaultProxy(server.url, rule);
      onTestFinished(() => proxy.stop());
      return { proxy, index: `test-${++serial}` };
    }

    async function writeAll(
      given: Readonly<Record<string, ConfigValue>>,
      events: readonly Event[],
      around?: Partial<OutputContext>,
    ): Promise<Opened> {
      const opened = await openOutput(given, around);
      await opened.output.write(events);
      await opened.output.close();
      return opened;
    }

    it('writes each event to its index, and settles it', async () => {
      const { proxy, index } = await place();
      const batch = new TestBatch([...numbered(30, { logtype: 'access' }), ...numbered(20, { logtype: 'api' })], {
        timestampMs: Date.UTC(2020, 9, 31, 23, 59),
      });
      const { context } = await writeAll({ hosts: proxy.url, index: `${index}-%{logtype}-%{+YYYYMM}` }, batch.events);
      expect(batch.isSettled).toBe(true);
      expect(countersOf(context)).toMatchObject({ 'documents.successes': 50, 'documents.non_retryable_failures': 0 });
      const hits = await readIndex(server.url, `${index}-access-202010`);
      expect(hits.map(({ _source }) => _source['n']).sort((a, b) => Number(a) - Number(b))).toEqual(
        numbered(30).map(({ n }) => n),
      );
      expect(hits[0]?._source).toMatchObject({ '@version': '1', '@timestamp': '2020-10-31T23:59:00.000Z' });
      expect(await readIndex(server.url, `${index}-api-202010`)).toHaveLength(20);
    });

    it('writes a replayed record once', async () => {
      const { proxy, index } = await place();
      await writeAll({ hosts: proxy.url, index }, kinesisBatch(300).events);
      const again = kinesisBatch(300, 100);
      const { context, lines } = await writeAll({ hosts: proxy.url, index }, again.events);
      expect(again.isSettled).toBe(true);
      expect(countersOf(context)).toMatchObject({ 'documents.successes': 300 });
      const hits = await readIndex(server.url, index);
      expect(hits).toHaveLength(400);
      expect(new Set(hits.map(({ _source }) => _source['n'])).size).toBe(400);
      expect(lines.filter((line) => line.startsWith('WARN'))).toEqual([]);
    });

    it('writes no duplicates when replies are lost', async () => {
      const { proxy, index } = await place(firstBulks(3, { kind: 'loseReply' }));
      const batch = kinesisBatch(5000);
      await writeAll({ hosts: proxy.url, index }, batch.events);
      expect(batch.isSettled).toBe(true);
      expect(await readIndex(server.url, index)).toHaveLength(5000);
    });

    it('goes on where it was when a server comes back', async () => {
      const { proxy, index } = await place();
      const { output, lines } = await openOutput({ hosts: proxy.url, index });
      const first = new TestBatch(numbered(10));
      await output.write(first.events);
      await until(() => first.isSettled);
      proxy.setRule(() => ({ kind: 'reset' }));
      const second = new TestBatch(numbered(10));
      await output.write(second.events);
      await until(() => lines.some((line) => line.includes('fails and is tried again')));
      expect(second.settled).toBe(0);
      proxy.setRule(undefined);
      await until(() => second.isSettled);
      await until(() => lines.some((line) => line.includes('works again')));
      await output.close();
      expect(await readIndex(server.url, index)).toHaveLength(20);
    });

    it('waits for a server that is not there at the start', async () => {
      const { proxy, index } = await place(() => ({ kind: 'reset' }));
      const { output, lines } = await openOutput({ hosts: proxy.url, index });
      const batch = new TestBatch(numbered(10));
      await output.write(batch.events);
      await until(() => lines.some((line) => line.includes('connection to')));
      proxy.setRule(undefined);
      await output.close();
      expect(batch.isSettled).toBe(true);
    });

    it('sends again what was answered by 429, whole or in part', async () => {
      let bulks = 0;
      const { proxy, index } = await place(({ url, body }) => {
        if (!isBulk(url) || ++bulks > 2) return undefined;
        if (bulks === 1)
          return { kind: 'answer', status: 429, body: '{"error":{"type":"circuit_breaking_exception"}}' };
        const error = { type: 'es_rejected_execution_exception', reason: 'by a test' };
        const items = body.toString().trim().split('\n');
        const refused = items.filter((_line, n) => n % 2 === 0).map(() => ({ index: { status: 429, error } }));
        const headers = { 'content-type': 'application/json' };
        return {
          kind: 'answer',
          status: 200,
          headers,
          body: JSON.stringify({ took: 1, errors: true, items: refused }),
        };
      });
      const batch = new TestBatch(numbered(100));
      const { context } = await writeAll({ hosts: proxy.url, index }, batch.events);
      expect(batch.isSettled).toBe(true);
      expect(await readIndex(server.url, index)).toHaveLength(100);
      expect(countersOf(context)).toMatchObject({
        'bulk_requests.failures': 1,
        'bulk_requests.with_errors': 1,
        'bulk_requests.responses.429': 1,
        'documents.retryable_failures': 100,
        'documents.successes': 100,
      });
    });

    it('sends a document that does not fit the mapping to the dead letter queue, and the rest home', async () => {
      const { proxy, index } = await place();
      await writeAll({ hosts: proxy.url, index }, new TestBatch([{ code: 'text' }]).events);
      const batch = new TestBatch([{ code: 'ok' }, { code: { inner: 1 }, tags: ['x'] }, { code: 'ok' }]);
      const { context } = await writeAll({ hosts: proxy.url, index }, batch.events);
      expect(batch.isSettled).toBe(true);
      expect(await readIndex(server.url, index)).toHaveLength(3);
      expect(context.deadLetters).toHaveLength(1);
      expect(context.deadLetters[0]?.event.data).toMatchObject({ code: { inner: 1 }, tags: ['x'] });
      expect(context.deadLetters[0]?.reason).toMatch(/^400 (mapper|document)_parsing_exception: .*code/);
    });

    it('sends an event for an illegal index name to the dead letter queue', async () => {
      const { proxy, index } = await place();
      const batch = new TestBatch([{ where: index }, { where: 'A capital' }]);
      const { context } = await writeAll({ hosts: proxy.url, index: '%{where}' }, batch.events);
      expect(batch.isSettled).toBe(true);
      expect(context.deadLetters.map(({ reason }) => reason)).toEqual([
        expect.stringMatching(/^400 invalid_index_name_exception: .*A capital/),
      ]);
    });

    it('says when credentials are wrong, and goes on when they are mended', async () => {
      let expected = `Basic ${btoa('writer:another')}`;
      const { proxy, index } = await place(({ headers }) =>
        headers.authorization === expected
          ? undefined
          : {
              kind: 'answer',
              status: 401,
              body: '{"error":{"type":"security_exception","reason":"unable to authenticate"}}',
            },
      );
      const address = proxy.url.replace('//', '//writer:topsecret@');
      const { output, lines } = await openOutput({ hosts: address, index });
      const batch = new TestBatch(numbered(3));
      await output.write(batch.events);
      await until(() => lines.some((line) => line.includes('answer 401, it does not accept the credentials')));
      expected = `Basic ${btoa('writer:topsecret')}`;
      await output.close();
      expect(batch.isSettled).toBe(true);
      expect(lines.join()).not.toContain('topsecret');
    });

    it('settles everything on close, with more to write than fits under way', async () => {
      let open = () => {};
      const opened = new Promise<void>((resolve) => {
        open = resolve;
      });
      const { proxy, index } = await place(({ url }) => (isBulk(url) ? { kind: 'hold', until: opened } : undefined));
      const { output } = await openOutput({ hosts: proxy.url, index });
      const batch = kinesisBatch(9500);
      await output.write(batch.events);
      const closing = output.close();
      await until(() => output.status?.()['requestsInFlight'] === 4);
      expect(batch.settled).toBe(0);
      open();
      await closing;
      await output.close();
      expect(batch.isSettled).toBe(true);
      expect(await readIndex(server.url, index)).toHaveLength(9500);
    });

    it('creates, updates, upserts and deletes in order', async () => {
      const { proxy, index } = await place();
      const given = {
        hosts: proxy.url,
        index,
        action: '%{[@metadata][do]}',
        document_id: '%{id}',
        doc_as_upsert: 'true',
      };
      const steps: [string, number, string][] = [
        ['index', 1, 'a'],
        ['update', 1, 'b'],
        ['update', 2, 'c'],
        ['create', 3, 'd'],
        ['create', 3, 'again'],
        ['index', 4, 'e'],
        ['delete', 4, 'gone'],
        ['delete', 5, 'never there'],
      ];
      const batch = new TestBatch(steps.map(([, id, text]) => ({ id, text })));
      for (const [n, event] of batch.events.entries()) event.metadata['do'] = steps[n]?.[0] ?? '';
      const { context, lines } = await writeAll(given, batch.events);
      expect(batch.isSettled).toBe(true);
      const stored = (await readIndex(server.url, index)).map(({ _id, _source }) => [_id, _source['text']]).sort();
      expect(stored).toEqual([
        ['1', 'b'],
        ['2', 'c'],
        ['3', 'd'],
      ]);
      expect(context.deadLetters).toEqual([]);
      expect(lines.filter((line) => line.includes('is given up: 409'))).toHaveLength(1);
    });

    it('compresses bodies when asked to', async () => {
      const encodings: unknown[] = [];
      const { proxy, index } = await place(({ url, headers }) => {
        if (isBulk(url)) encodings.push(headers['content-encoding']);
        return undefined;
      });
      await writeAll({ hosts: proxy.url, index, http_compression: 'true' }, new TestBatch(numbered(50)).events);
      expect(encodings).toEqual(['gzip']);
      expect(await readIndex(server.url, index)).toHaveLength(50);
    });

    it('sends parameters and headers with every request', async () => {
      const seen: string[] = [];
      const { proxy, index } = await place(({ method, url, headers }) => {
        seen.push(`${method} ${url} ${headers['x-tenant']}`);
        return undefined;
      });
      const given = {
        hosts: proxy.url,
        index,
        parameters: new Map([['pretty', 'true']]),
        custom_headers: new Map([['X-Tenant', 'blue']]),
      };
      await writeAll(given, new TestBatch(numbered(1)).events);
      expect(seen.at(0)).toBe('GET /?pretty=true blue');
      expect(seen.at(-1)).toBe('POST /_bulk?pretty=true blue');
    });

    it('leaves out a node that is away, and takes it back', async () => {
      const [alive, away] = [await place(), await place(() => ({ kind: 'reset' }))];
      let served = 0;
      const { output } = await openOutput({ hosts: [alive.proxy.url, away.proxy.url], index: alive.index });
      for (let n = 0; n < 4; n++) {
        const batch = new TestBatch(numbered(1));
        await output.write(batch.events);
        await until(() => batch.isSettled);
      }
      away.proxy.setRule(({ url }) => {
        if (isBulk(url)) served++;
        return undefined;
      });
      while (served === 0) {
        const batch = new TestBatch(numbered(1));
        await output.write(batch.events);
        await until(() => batch.isSettled);
      }
      await output.close();
    });

    it('installs a template of a file, once', async () => {
      const { proxy, index } = await place();
      const mappings = { properties: { place: { type: 'geo_point' } } };
      const template = jsonFile({ index_patterns: [`${index}-*`], mappings });
      const given = { hosts: proxy.url, index, template, template_name: index };
      await writeAll(given, new TestBatch(numbered(1)).events);
      const stored = (await (await fetch(`${server.url}/_template/${index}`)).json()) as object;
      expect(JSON.stringify(stored)).toContain('"geo_point"');
      const { lines } = await writeAll(given, new TestBatch(numbered(1)).events);
      expect(lines.filter((line) => line.includes('is installed'))).toEqual([]);
    });

    more?.(() => ({ server, place, writeAll }));
  });
}
