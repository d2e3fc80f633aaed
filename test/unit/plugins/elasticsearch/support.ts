import type { BudgetBounds } from '../../../../src/delivery/budget.ts';
import type { ConfigValue, OptionContext, OptionSpec } from '../../../../src/plugin-api/index.ts';
import { resolveEndpoint } from '../../../../src/plugins/outputs/elasticsearch/endpoint.ts';
import { type Options, options } from '../../../../src/plugins/outputs/elasticsearch/options.ts';
import { ElasticsearchOutput } from '../../../../src/plugins/outputs/elasticsearch/output.ts';
import type { Wire, WireAnswer, WireRequest } from '../../../../src/plugins/outputs/elasticsearch/wire.ts';
import { outputContext, type RecordedLog, recordLog, TestBatch } from '../../../support/outputHarness.ts';
import { FakeClock } from '../../kinesis/fakes/fakeClock.ts';

export type Given = Readonly<Record<string, ConfigValue>>;

const OPTION_CONTEXT: OptionContext = {
  fileExists: () => true,
  codec: () => {
    throw new Error('this output takes no codec');
  },
};

/** What the compiler makes of options as a configuration gives them. */
export function parseOptions(given: Given = {}): Options {
  const schema: Readonly<Record<string, OptionSpec<unknown>>> = options;
  const entries = Object.entries(schema).map(([name, spec]) => {
    const value = given[name];
    return [name, value === undefined ? spec.default : spec.parse(value, OPTION_CONTEXT)];
  });
  return Object.fromEntries(entries) as Options;
}

export interface FakeItem {
  readonly action: string;
  readonly meta: Readonly<Record<string, unknown>>;
  readonly body: unknown;
}

/** Items of a bulk body; deletes have no second line. */
export function parseBulkBody(body: Buffer): FakeItem[] {
  const lines = body.toString().split('\n');
  if (lines.pop() !== '') throw new Error('a bulk ends with a newline');
  const items: FakeItem[] = [];
  for (let line = lines.shift(); line !== undefined; line = lines.shift()) {
    const [action = '', meta = {}] =
      Object.entries(JSON.parse(line) as Record<string, Record<string, unknown>>)[0] ?? [];
    items.push({ action, meta, body: action === 'delete' ? undefined : JSON.parse(lines.shift() ?? '') });
  }
  return items;
}

type BulkResponder = (items: FakeItem[], call: number) => WireAnswer | Error | Promise<WireAnswer>;

/** A fake: stands for the HTTP connection to a cluster and answers bulks as the test says. */
export class FakeWire implements Wire {
  readonly bulks: FakeItem[][] = [];
  readonly others: WireRequest[] = [];
  /** Largest number of bulks under way at once. */
  mostAtOnce = 0;
  isClosed = false;
  info: () => WireAnswer | Error = () => serverInfo('7.9.2');
  onPut: () => WireAnswer | Error = () => ({ status: 200, text: '{}' });
  /** Answers what is no bulk; undefined leaves it to `info` and `onPut`. */
  onOther: (request: WireRequest) => WireAnswer | Error | undefined = () => undefined;
  respond: BulkResponder;
  #atOnce = 0;

  constructor(respond: BulkResponder = (items) => allCreated(items)) {
    this.respond = respond;
  }

  async request(request: WireRequest): Promise<WireAnswer> {
    if (request.bulkBody === undefined) return this.#answerOther(request);
    const items = parseBulkBody(request.bulkBody);
    this.bulks.push(items);
    this.#atOnce++;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.#atOnce);
    try {
      const answer = await this.respond(items, this.bulks.length);
      if (answer instanceof Error) throw answer;
      return answer;
    } finally {
      this.#atOnce--;
    }
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }

  #answerOf(request: WireRequest): WireAnswer | Error {
    const { method } = request;
    const own = this.onOther(request);
    if (own !== undefined) return own;
    if (method === 'GET' && request.path === '/') return this.info();
    return method === 'PUT' ? this.onPut() : { status: 404, text: '' };
  }

  #answerOther(request: WireRequest): WireAnswer {
    this.others.push(request);
    const answer = this.#answerOf(request);
    if (answer instanceof Error) throw answer;
    return answer;
  }
}

export function serverInfo(number: string, distribution?: string): WireAnswer {
  return { status: 200, text: JSON.stringify({ version: { number, ...(distribution && { distribution }) } }) };
}

export function allCreated(items: readonly FakeItem[]): WireAnswer {
  return { status: 200, text: JSON.stringify({ took: 1, errors: false, items: items.map(() => ({})) }) };
}

/** An answer with these statuses, in order; 2xx ones without an error. */
export function statuses(items: readonly FakeItem[], statusOf: (item: FakeItem) => number): WireAnswer {
  const answers = items.map((item) => {
    const status = statusOf(item);
    const error = status < 300 ? {} : { error: { type: `type_${status}`, reason: `reason ${status}` } };
    return { [item.action]: { status, ...error } };
  });
  return { status: 200, text: JSON.stringify({ took: 1, errors: true, items: answers }) };
}

export interface Bench {
  readonly output: ElasticsearchOutput;
  readonly wire: FakeWire;
  readonly clock: FakeClock;
  readonly log: RecordedLog;
  readonly context: ReturnType<typeof outputContext>;
  /** Values of the counters that are not 0. */
  counts(): Record<string, number>;
}

/** The output on a fake wire and a clock that stands still. Back-off has no jitter: each pause is the longest possible. */
export function bench(
  given: Given = {},
  wire = new FakeWire(),
  overrides: Parameters<typeof outputContext>[0] & { buffer?: BudgetBounds } = {},
): Bench {
  const clock = new FakeClock();
  const log = recordLog();
  const { buffer, ...rest } = overrides;
  const context = outputContext({ clock, logger: log.logger, ...rest });
  const parsed = parseOptions(given);
  const output = new ElasticsearchOutput(
    { options: parsed, endpoint: resolveEndpoint(parsed), wire, random: () => 1, ...(buffer && { buffer }) },
    context,
  );
  const counts = () =>
    Object.fromEntries(
      [...context.counters].map(([name, { value }]) => [name, value]).filter(([, value]) => value !== 0),
    );
  return { output, wire, clock, log, context, counts };
}

/** Events as the Kinesis input makes them: each names the record it came from. */
export function kinesisBatch(count: number, from = 0): TestBatch {
  const batch = new TestBatch(Array.from({ length: count }, (_, n) => ({ n: from + n, logtype: 'accesslog' })));
  for (const [n, event] of batch.events.entries()) event.origin = `logs/shardId-000000000000/${4959 + from + n}/0`;
  return batch;
}
