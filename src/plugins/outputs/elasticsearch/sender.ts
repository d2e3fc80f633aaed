import type { BufferBudget } from '../../../delivery/budget.ts';
import type { Burial } from '../../../delivery/burial.ts';
import type { TallyReporter } from '../../../delivery/tallyReporter.ts';
import type { Counter, PluginContext } from '../../../plugin-api/index.ts';
import { Backoff } from '../../../util/backoff.ts';
import { messageOf } from '../../../util/errors.ts';
import { TroubleReporter } from '../../../util/troubleReporter.ts';
import type { Bulk } from './bulk.ts';
import { ASSUMED_DIALECT, type Dialect } from './dialect.ts';
import {
  DELIVERED,
  describeErrorAnswer,
  type ItemOutcome,
  type OutcomeRules,
  parseBulkAnswer,
  spoilsItsRequest,
} from './outcomes.ts';
import { describeRefusal, describeRejection, type Failure } from './texts.ts';
import type { Wire, WireAnswer } from './wire.ts';

export interface SenderSettings {
  readonly wire: Wire;
  readonly bulkPath: string;
  /** Names the cluster in log lines; holds no credentials. */
  readonly subject: string;
  readonly inFlightMax: number;
  /** One bulk at a time, retries included, so that changes of one document keep their order. */
  readonly keepsOrder: boolean;
  readonly retryInitialMs: number;
  readonly retryMaxMs: number;
  /** Types of item errors that are not logged. */
  readonly silentTypes: ReadonlySet<string>;
  readonly rules: OutcomeRules;
  readonly budget: BufferBudget;
  readonly burial: Burial;
  readonly tally: TallyReporter;
  readonly random?: () => number;
  /** The server has answered that it has all of a bulk; nobody needs it any more. */
  readonly onDelivered: (bulk: Bulk) => void;
  /** There is place for one more bulk, and none is waiting. */
  readonly onPlace: () => void;
  /** The server takes no request of this many bytes. */
  readonly onTooLarge: (bytes: number) => void;
}

interface Job {
  /** A bulk, or what halving has left of one: in their order, suspects last. */
  readonly bulks: readonly Bulk[];
  readonly backoff: Backoff;
  /** How many requests had been accepted when one of this job was first refused for what is in it. */
  refusedAt: number | undefined;
}

/**
 * So many events may be refused alone, one after the other and none accepted, before it looks as if the server refused every
 * request: from then on there are pauses.
 */
const UNPROVEN_MAX = 200;

/** What is left of a bulk after one request. */
type Step =
  | { readonly kind: 'done' }
  | { readonly kind: 'all'; readonly isUnreachable: boolean }
  | { readonly kind: 'some'; readonly rest: Bulk }
  | { readonly kind: 'halves'; readonly halves: readonly [Bulk, Bulk] }
  /** One event was refused alone, which may be its own fault or that of every request. */
  | { readonly kind: 'unproven'; readonly failure: Failure };

/** Sends bulks until each of their items is settled: a few at once, fewer while the server is in trouble. */
export class BulkSender {
  readonly #settings: SenderSettings;
  readonly #context: PluginContext;
  readonly #trouble: TroubleReporter;
  readonly #queue: Job[] = [];
  readonly #underWay = new Set<Bulk>();
  readonly #windowMax: number;
  readonly #counters: Readonly<Record<'successes' | 'withErrors' | 'failures' | 'ok' | 'retried' | 'lost', Counter>>;
  #window: number;
  #inFlight = 0;
  /** Requests so far whose form the server took, whatever it said of single items. */
  #accepted = 0;
  /** Events refused alone since the last of these. */
  #unproven = 0;
  #dialect: Dialect | undefined;
  #revival = new AbortController();
  #waitingForIdle: (() => void)[] = [];

  constructor(settings: SenderSettings, context: PluginContext) {
    this.#settings = settings;
    this.#context = context;
    this.#trouble = new TroubleReporter(`bulk to ${settings.subject}`, context.logger, context.clock);
    this.#windowMax = settings.keepsOrder ? 1 : Math.max(1, settings.inFlightMax);
    this.#window = this.#windowMax;
    this.#counters = {
      successes: context.counter('bulk_requests.successes'),
      withErrors: context.counter('bulk_requests.with_errors'),
      failures: context.counter('bulk_requests.failures'),
      ok: context.counter('documents.successes'),
      retried: context.counter('documents.retryable_failures'),
      lost: context.counter('documents.non_retryable_failures'),
    };
  }

  /** Nothing is sent before this. */
  start(dialect: Dialect): void {
    this.#dialect = dialect;
    this.#pump();
    if (this.hasPlace) this.#settings.onPlace();
  }

  enqueue(bulk: Bulk): void {
    this.#underWay.add(bulk);
    const { retryInitialMs, retryMaxMs, random } = this.#settings;
    const backoff = new Backoff(retryInitialMs, retryMaxMs, random);
    this.#queue.push({ bulks: [bulk], backoff, refusedAt: undefined });
    this.#pump();
  }

  /** Ends the pauses of those who wait for a node to come back. */
  wake(): void {
    const revival = this.#revival;
    this.#revival = new AbortController();
    revival.abort();
  }

  /** Whether a bulk enqueued now would be sent at once. */
  get hasPlace(): boolean {
    return this.#dialect !== undefined && this.#queue.length === 0 && this.#inFlight < this.#window;
  }

  /** When the oldest bulk was begun whose items are not all settled. */
  get unsettledSinceMs(): number | undefined {
    let oldestMs: number | undefined;
    for (const { sinceMs } of this.#underWay) oldestMs = Math.min(oldestMs ?? sinceMs, sinceMs);
    return oldestMs;
  }

  get status(): Readonly<Record<string, unknown>> {
    return {
      requestsInFlight: this.#inFlight,
      requestsInFlightMax: this.#window,
      isFailing: this.#trouble.isFailing,
    };
  }

  /** Resolves when all that was enqueued is settled. */
  whenIdle(): Promise<void> {
    if (this.#underWay.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waitingForIdle.push(resolve));
  }

  #pump(): void {
    while (this.#dialect !== undefined && this.#inFlight < this.#window) {
      const job = this.#queue.shift();
      if (job === undefined) return;
      this.#inFlight++;
      void this.#deliver(job, this.#dialect);
    }
  }

  /** Keeps its place among those in flight until the server has taken the bulk, but not while single items wait. */
  async #deliver(job: Job, dialect: Dialect): Promise<void> {
    const { backoff } = job;
    const todo = job.bulks.map((bulk) => this.#inDialect(bulk, dialect));
    for (let next = todo.shift(); next !== undefined; next = todo.shift()) {
      const step = await this.#sendOnce(next, job);
      if (step.kind === 'halves') {
        todo.unshift(...step.halves);
      } else if (step.kind === 'all') {
        todo.unshift(next);
        await this.#pause(backoff, step.isUnreachable);
      } else if (step.kind === 'some' && this.#settings.keepsOrder) {
        todo.unshift(step.rest);
        await this.#pause(backoff, false);
      } else if (step.kind === 'some') {
        void this.#deliverLater({ ...job, bulks: [step.rest] });
      } else if (step.kind === 'unproven') {
        next.isSuspect = true;
        todo.push(next);
        const isSlow = this.#unproven > UNPROVEN_MAX;
        if (todo[0]?.isSuspect || (isSlow && !this.#settings.keepsOrder)) {
          // Others take the place: when one of them is accepted, it was the events.
          this.#failed(step.failure);
          void this.#deliverLater({ ...job, bulks: todo.splice(0) });
        } else if (isSlow) {
          this.#failed(step.failure);
          await this.#pause(backoff, false);
        }
      } else {
        backoff.succeeded();
      }
    }
    this.#inFlight--;
    this.#pump();
    if (this.hasPlace) this.#settings.onPlace();
    if (this.#underWay.size === 0) for (const resolve of this.#waitingForIdle.splice(0)) resolve();
  }

  #inDialect(bulk: Bulk, dialect: Dialect): Bulk {
    return bulk.isBlind && dialect !== ASSUMED_DIALECT ? this.#replace(bulk, bulk.translated(dialect)) : bulk;
  }

  async #deliverLater(job: Job): Promise<void> {
    await this.#pause(job.backoff, false);
    this.#queue.unshift(job);
    this.#pump();
  }

  async #pause(backoff: Backoff, endsWithRevival: boolean): Promise<void> {
    await this.#context.clock.sleep(backoff.nextDelayMs(), endsWithRevival ? this.#revival.signal : undefined);
  }

  async #sendOnce(bulk: Bulk, job: Job): Promise<Step> {
    let answer: WireAnswer;
    try {
      answer = await this.#settings.wire.request({
        method: 'POST',
        path: this.#settings.bulkPath,
        bulkBody: bulk.body(),
      });
    } catch (error) {
      const message = messageOf(error);
      return this.#failed({ cause: 'unreachable', message });
    }
    this.#context.counter(`bulk_requests.responses.${answer.status}`).value++;
    return answer.status >= 200 && answer.status < 300
      ? this.#answered(bulk, answer)
      : this.#refused(bulk, answer, job);
  }

  async #answered(bulk: Bulk, { text }: WireAnswer): Promise<Step> {
    const outcomes = parseBulkAnswer(text, bulk.size, this.#settings.rules);
    if (outcomes === undefined) {
      const start = JSON.stringify(text.slice(0, 120));
      return this.#failed({ cause: 'unreadable', message: `the answer is none to a bulk but ${start}` });
    }
    this.#accepted++;
    this.#unproven = 0;
    if (outcomes === 'allDelivered') {
      this.#counters.successes.value++;
      this.#trouble.worked('');
      this.#widen();
      this.#settleAll(bulk);
      return { kind: 'done' };
    }
    this.#counters.withErrors.value++;
    return this.#settleSome(bulk, outcomes);
  }

  #refused(bulk: Bulk, { status, text }: WireAnswer, job: Job): Step | Promise<Step> {
    const error = describeErrorAnswer(text);
    const failure = describeRefusal(status, error);
    if (!spoilsItsRequest(status, error.type)) return this.#failed(failure);
    job.refusedAt ??= this.#accepted;
    if (bulk.size > 1) {
      if (status === 413) this.#settings.onTooLarge(bulk.bytes);
      return { kind: 'halves', halves: this.#halve(bulk) };
    }
    // A server may refuse every request, as for a parameter that it does not know: no event is given up for that.
    if (status !== 413 && this.#accepted === job.refusedAt) {
      this.#unproven++;
      return { kind: 'unproven', failure };
    }
    const reason = error.reason || 'larger than the server takes';
    return this.#settleSome(bulk, [{ fate: 'rejected', status, type: error.type, reason }]);
  }

  #failed(failure: Failure): Step {
    this.#counters.failures.value++;
    this.#window = Math.max(1, this.#window >> 1);
    this.#reportFailure(failure);
    return { kind: 'all', isUnreachable: failure.cause === 'unreachable' };
  }

  #reportFailure({ cause, message }: Failure): void {
    const { events, bytes } = this.#settings.budget;
    const fields = { waiting_events: events, waiting_bytes: bytes, requests_at_once: this.#window };
    this.#trouble.failed('', message, fields, cause);
  }

  #widen(): void {
    if (this.#window < this.#windowMax) this.#window++;
  }

  #halve(bulk: Bulk): [Bulk, Bulk] {
    const all = bulk.items.map((_item, index) => index);
    const middle = all.length >> 1;
    const halves: [Bulk, Bulk] = [bulk.pick(all.slice(0, middle)), bulk.pick(all.slice(middle))];
    this.#replace(bulk, ...halves);
    return halves;
  }

  #replace(bulk: Bulk, ...by: [Bulk, ...Bulk[]]): Bulk {
    this.#underWay.delete(bulk);
    for (const one of by) this.#underWay.add(one);
    return by[0];
  }

  #settleAll(bulk: Bulk): void {
    for (const { batch } of bulk.items) batch.settle();
    this.#counters.ok.value += bulk.size;
    this.#settings.budget.give(bulk.size, bulk.bytes);
    this.#underWay.delete(bulk);
    this.#settings.onDelivered(bulk);
  }

  async #settleSome(bulk: Bulk, outcomes: readonly ItemOutcome[]): Promise<Step> {
    const retries: number[] = [];
    const burials: Promise<void>[] = [];
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome.fate === 'retry') retries.push(index);
      else if (outcome.fate === 'rejected') burials.push(this.#reject(bulk, index, outcome));
      else this.#settleOne(bulk, index, outcome);
    }
    this.#reportRetries(retries.length, outcomes);
    await Promise.all(burials);
    if (retries.length === 0) {
      this.#underWay.delete(bulk);
      return { kind: 'done' };
    }
    return { kind: 'some', rest: this.#replace(bulk, bulk.pick(retries)) };
  }

  #settleOne(bulk: Bulk, index: number, outcome: ItemOutcome): void {
    const item = bulk.items[index];
    if (outcome.fate === 'dropped' || (outcome.fate === 'conflict' && item?.isReplayable !== true)) {
      this.#counters.lost.value++;
      this.#note(bulk, index, outcome, 'is given up');
    } else {
      this.#counters.ok.value++;
    }
    item?.batch.settle();
    this.#settings.budget.give(1, bulk.itemBytes(index));
  }

  async #reject(bulk: Bulk, index: number, outcome: ItemOutcome): Promise<void> {
    this.#counters.lost.value++;
    this.#note(bulk, index, outcome, 'goes to the dead letter queue');
    await this.#settings.burial.bury(bulk.restoreEvent(index), describeRejection(outcome, bulk.actionLine(index)));
    this.#settings.budget.give(1, bulk.itemBytes(index));
  }

  #note(bulk: Bulk, index: number, outcome: ItemOutcome, fate: string): void {
    if (outcome.fate !== 'rejected' && this.#settings.silentTypes.has(outcome.type)) return;
    const kind = `${outcome.status} ${outcome.type}`.trimEnd();
    this.#settings.tally.note(kind, () => `an event ${fate}: ${describeRejection(outcome, bulk.actionLine(index))}`);
  }

  #reportRetries(count: number, outcomes: readonly ItemOutcome[]): void {
    this.#counters.retried.value += count;
    if (count === 0) {
      this.#trouble.worked('');
      this.#widen();
      return;
    }
    this.#window = Math.max(1, this.#window >> 1);
    const { status, type, reason } = outcomes.find(({ fate }) => fate === 'retry') ?? DELIVERED;
    if (this.#settings.silentTypes.has(type)) return;
    const message = `${count} of ${outcomes.length} documents are refused for now with ${status}, ${type}: ${reason}`;
    this.#reportFailure({ cause: `items ${status}`, message });
  }
}
