import { type BudgetBounds, BufferBudget } from '../../../delivery/budget.ts';
import { Burial } from '../../../delivery/burial.ts';
import { TallyReporter } from '../../../delivery/tallyReporter.ts';
import type { Event } from '../../../event/event.ts';
import type { Output, OutputContext } from '../../../plugin-api/index.ts';
import { messageOf } from '../../../util/errors.ts';
import { TextBuffer } from '../../../util/textBuffer.ts';
import { Bulk } from './bulk.ts';
import { BulkEncoder } from './bulkEncoder.ts';
import { ASSUMED_DIALECT, type Dialect } from './dialect.ts';
import type { Endpoint } from './endpoint.ts';
import type { Options } from './options.ts';
import { BulkSender } from './sender.ts';
import { startUp } from './startUp.ts';
import type { Wire } from './wire.ts';

/** Elasticsearch's default bound for a request is 100 MB; Logstash cuts at 20 MiB. */
const BULK_BYTES_MAX = 20 * 1024 * 1024;
/** A bulk this large is sent without waiting for more: larger ones gain nothing. */
const BULK_BYTES_GOAL = 5 * 1024 * 1024;
const BULK_EVENTS_GOAL = 2000;
/** However small the requests are that a server takes, no bulk is cut to less for it. */
const BULK_BYTES_MIN = 64 * 1024;
const LINGER_MS = 20;
const REQUESTS_AT_ONCE = 4;
const SPARE_BUFFERS = 2;
/** Some ten bulks: as many as are under way, and as many again. What an output that is away has to take beyond is the spool's. */
const BUFFER = { events: 100_000, bytes: 16 * 1024 * 1024 };

export interface OutputSettings {
  readonly options: Options;
  readonly endpoint: Endpoint;
  readonly wire: Wire;
  readonly random?: () => number;
  readonly buffer?: BudgetBounds;
}

/** Gathers events into bulks as they come, and hands these to the sender. */
export class ElasticsearchOutput implements Output {
  readonly #settings: OutputSettings;
  readonly #context: OutputContext;
  readonly #encoder: BulkEncoder;
  readonly #sender: BulkSender;
  readonly #budget: BufferBudget;
  readonly #burial: Burial;
  readonly #tally: TallyReporter;
  readonly #closing = new AbortController();
  readonly #started: Promise<void>;
  #bulkBytesMax = BULK_BYTES_MAX;
  #capacity = BULK_BYTES_MIN;
  /** Of bulks that are delivered: new ones of some megabytes would keep the garbage collector busy. */
  readonly #spare: TextBuffer[] = [];
  #dialect: Dialect | undefined;
  #gathering: Bulk | undefined;
  /** The bulk has waited long enough. It goes on filling only while the server has enough to do. */
  #isDue = false;
  #closed: Promise<void> | undefined;

  constructor(settings: OutputSettings, context: OutputContext) {
    this.#settings = settings;
    this.#context = context;
    this.#budget = new BufferBudget(settings.buffer ?? BUFFER);
    this.#encoder = new BulkEncoder(settings.options);
    this.#burial = new Burial(context);
    this.#tally = new TallyReporter(context.logger, context.clock);
    this.#sender = this.#makeSender();
    this.#started = this.#start();
  }

  #makeSender(): BulkSender {
    const { options, endpoint, wire, random } = this.#settings;
    const connections = Math.min(options.pool_max, options.pool_max_per_route * endpoint.nodes.length);
    return new BulkSender(
      {
        wire,
        bulkPath: endpoint.bulkPath,
        subject: endpoint.nodes.join(', '),
        inFlightMax: Math.min(REQUESTS_AT_ONCE, connections),
        keepsOrder: options.document_id !== undefined || !['index', 'create'].includes(options.action),
        retryInitialMs: options.retry_initial_interval * 1000,
        retryMaxMs: options.retry_max_interval * 1000,
        silentTypes: new Set([...options.silence_errors_in_log, ...options.failure_type_logging_whitelist]),
        rules: {
          rejectedStatuses: new Set(options.dlq_custom_codes.map(Number)),
          droppedTypes: new Set(options.drop_error_types),
        },
        budget: this.#budget,
        burial: this.#burial,
        tally: this.#tally,
        onPlace: () => {
          if (this.#isDue) this.#seal();
        },
        onDelivered: (bulk) => {
          if (this.#spare.length < SPARE_BUFFERS) this.#spare.push(bulk.release());
        },
        onTooLarge: (bytes) => this.#lowerBulkBytes(bytes),
        ...(random === undefined ? {} : { random }),
      },
      this.#context,
    );
  }

  async #start(): Promise<void> {
    const subject = this.#settings.endpoint.nodes.join(', ');
    const dialect = await startUp({ ...this.#settings, subject, signal: this.#closing.signal }, this.#context);
    if (dialect === undefined) return;
    this.#dialect = dialect;
    this.#sender.start(dialect);
  }

  write(events: readonly Event[]): void | Promise<void> {
    for (const event of events) this.#add(event);
    return this.#budget.room();
  }

  #add(event: Event): void {
    const bulk = this.#gathering ?? this.#open();
    const before = bulk.bytes;
    try {
      this.#encoder.encode(event, bulk, this.#dialect ?? ASSUMED_DIALECT);
    } catch (error) {
      this.#bury(event, error);
      return;
    }
    this.#budget.take(1, bulk.bytes - before);
    const { size, bytes } = bulk.bytes > this.#bulkBytesMax && bulk.size > 1 ? this.#moveLast(bulk) : bulk;
    if (size >= BULK_EVENTS_GOAL || bytes >= Math.min(BULK_BYTES_GOAL, this.#bulkBytesMax)) this.#seal();
  }

  #bury(event: Event, error: unknown): void {
    const reason = messageOf(error);
    this.#context.counter('documents.non_retryable_failures').value++;
    this.#tally.note('unsendable', () => `an event goes to the dead letter queue: ${reason}`);
    this.#budget.take(1, 0);
    void this.#burial.bury(event, reason).then(() => this.#budget.give(1, 0));
  }

  #open(): Bulk {
    const bulk = new Bulk(this.#context.clock.now(), this.#spare.pop() ?? new TextBuffer(this.#capacity));
    bulk.isBlind = this.#dialect === undefined;
    this.#gathering = bulk;
    void this.#sealLater(bulk);
    return bulk;
  }

  /** The last event made the bulk too large: it begins the next one. */
  #moveLast(bulk: Bulk): Bulk {
    const last = bulk.pick([bulk.size - 1]);
    bulk.dropLast();
    this.#seal();
    this.#gathering = last;
    void this.#sealLater(last);
    return last;
  }

  async #sealLater(bulk: Bulk): Promise<void> {
    await this.#context.clock.sleep(LINGER_MS, this.#closing.signal);
    if (this.#gathering !== bulk) return;
    this.#isDue = true;
    if (this.#sender.hasPlace) this.#seal();
  }

  #seal(): void {
    const bulk = this.#gathering;
    this.#gathering = undefined;
    this.#isDue = false;
    if (bulk === undefined || bulk.size === 0) return;
    this.#capacity = Math.min(BULK_BYTES_GOAL, Math.max(BULK_BYTES_MIN, bulk.bytes));
    this.#sender.enqueue(bulk);
  }

  #lowerBulkBytes(refused: number): void {
    const lowered = Math.max(BULK_BYTES_MIN, refused >> 1);
    if (lowered >= this.#bulkBytesMax) return;
    this.#bulkBytesMax = lowered;
    this.#context.logger.warn(
      `the server takes no request of ${refused} bytes (413): bulks hold at most ${lowered} bytes from now on`,
    );
  }

  /** Those who wait to try again need wait no longer. */
  nodeRevived(): void {
    this.#sender.wake();
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#seal();
    await this.#sender.whenIdle();
    await this.#burial.whenIdle();
    this.#closing.abort();
    await this.#started;
    this.#tally.flush();
    await this.#settings.wire.close();
  }

  unsettledSinceMs(): number | undefined {
    return this.#sender.unsettledSinceMs ?? this.#gathering?.sinceMs;
  }

  status(): Readonly<Record<string, unknown>> {
    const { events, bytes } = this.#budget;
    return { waitingEvents: events, waitingBytes: bytes, ...this.#sender.status };
  }
}
