/**
 * Between the workers and the servers: each call takes its time both ways, and may be throttled, refused, lost before or
 * after it is carried out, or carried out long after its sender gave up or died.
 */
import { awsError } from '../unit/kinesis/fakes/faults.ts';
import { type Answer, type Call, type Caller, type Input, shardOf } from './caller.ts';
import type { Dice } from './dice.ts';
import { describeChange } from './leaseRow.ts';
import type { LeaseRows } from './leaseRows.ts';
import { shortId } from './ledger.ts';
import type { Trace } from './violations.ts';
import type { VirtualTime } from './virtualTime.ts';

export type Service = 'kinesis' | 'dynamodb';

/** Chances for one call, from 0 to 1, together below 1 but for `slow`. */
export interface Trouble {
  readonly throttled: number;
  readonly failed: number;
  readonly lostBefore: number;
  readonly lostAfter: number;
  /** A read that gives nothing although there is more. */
  readonly empty: number;
  /** The way there or back takes up to `slowMs`. */
  readonly slow: number;
}

export const NO_TROUBLE: Trouble = { throttled: 0, failed: 0, lostBefore: 0, lostAfter: 0, empty: 0, slow: 0 };
const CUT_OFF: Trouble = { ...NO_TROUBLE, lostBefore: 0.7, lostAfter: 0.3 };

export interface NetworkSettings {
  /** After which the caller gives up waiting. */
  readonly timeoutMs: Readonly<Record<Service, number>>;
  readonly slowMs: number;
}

interface Fate {
  readonly trouble: keyof Trouble | 'none';
  readonly sentMs: number;
  readonly answeredMs: number;
  /** Even if its sender gives up or dies on the way. */
  readonly arrivesAnyway: boolean;
}

type CarryOut = (input: Input) => Promise<unknown>;

export class Network {
  readonly trouble: Record<Service, Trouble> = { kinesis: NO_TROUBLE, dynamodb: NO_TROUBLE };
  readonly #settings: NetworkSettings;
  readonly #time: VirtualTime;
  readonly #dice: Dice;
  readonly #rows: LeaseRows;
  readonly #trace: Trace;

  constructor(settings: NetworkSettings, time: VirtualTime, dice: Dice, rows: LeaseRows, trace: Trace) {
    this.#settings = settings;
    this.#time = time;
    this.#dice = dice;
    this.#rows = rows;
    this.#trace = trace;
  }

  /** The server as this caller reaches it. */
  connect<T extends object>(caller: Caller, service: Service, server: T): T {
    return new Proxy(server, {
      get: (target, operation) => {
        const method = Reflect.get(target, operation);
        if (typeof method !== 'function' || typeof operation === 'symbol') return method;
        return (input: Input, signal?: AbortSignal) => {
          if (signal?.aborted) return Promise.reject(awsError('AbortError'));
          const call = caller.begin(service, operation, input);
          // The connection of a subscription is closed by its signal; every other call goes on without its caller.
          const closing = operation === 'subscribeToShard' ? [signal] : [];
          return this.#send(call, signal, (given) => Reflect.apply(method, target, [given, ...closing]));
        };
      },
    });
  }

  #send(call: Call, signal: AbortSignal | undefined, carryOut: CarryOut): Promise<unknown> {
    const { actor } = call.caller;
    const fate = this.#drawFate(call);
    const timeoutMs = this.#settings.timeoutMs[call.service];
    const giveUpMs = this.#time.nowMs + timeoutMs;
    return new Promise((resolve, reject) => {
      let isOver = false;
      const end = (answer: Answer) => {
        if (isOver) return;
        isOver = true;
        signal?.removeEventListener('abort', abort);
        call.caller.told(call, answer);
        if (answer.error === undefined) return resolve(this.#subscribed(call, answer.value));
        this.#trace(actor.name, () => `${describe(call)} fails: ${answer.error.name}`);
        reject(answer.error);
      };
      const abort = () => end({ error: awsError('AbortError') });
      const giveUp = () => end({ error: awsError('TimeoutError') });
      signal?.addEventListener('abort', abort, { once: true });
      const isLost = fate.trouble === 'lostBefore' || fate.trouble === 'lostAfter';
      if (isLost || fate.sentMs + fate.answeredMs >= timeoutMs) this.#time.after(timeoutMs, giveUp, actor);
      if (fate.trouble === 'lostBefore') return;
      // A process that was frozen finds the answer and its own time-out at once: either may be first.
      const receive = (answer: Answer) =>
        this.#time.nowMs > giveUpMs && this.#dice.chance(0.5) ? giveUp() : end(answer);
      const arrive = async () => {
        if ((isOver || actor.isDead) && !fate.arrivesAnyway) return;
        const answer = await this.#carryOut(call, fate, carryOut);
        if (!isLost) this.#time.after(fate.answeredMs, () => receive(answer), actor);
      };
      this.#time.after(fate.sentMs, () => void arrive());
    });
  }

  /** What comes through a subscription comes late too, or not at all. */
  #subscribed({ caller, operation }: Call, value: unknown): unknown {
    if (operation !== 'subscribeToShard') return value;
    const { EventStream } = value as { EventStream: AsyncIterable<unknown> };
    const members = EventStream[Symbol.asyncIterator]();
    const next = () =>
      new Promise((resolve, reject) => {
        const { slow, throttled: _, empty: __, ...breaks } = this.trouble.kinesis;
        const isBroken = this.#dice.chance(Object.values(breaks).reduce((sum, rate) => sum + rate, 0));
        const receive = (end: () => void) => this.#time.after(this.#latencyMs(slow), end, caller.actor);
        members.next().then(
          (member) => receive(() => (isBroken ? reject(awsError('ECONNRESET')) : resolve(member))),
          (error) => receive(() => reject(error)),
        );
      });
    return { EventStream: { [Symbol.asyncIterator]: () => ({ next }) } };
  }

  #latencyMs(slow: number): number {
    return this.#dice.chance(slow) ? this.#dice.between(0, this.#settings.slowMs) : this.#dice.between(1, 20);
  }

  #drawFate({ caller, service, operation }: Call): Fate {
    const isCutOff = service === 'dynamodb' && caller.cutOffUntilMs > this.#time.nowMs;
    const { slow, ...rates } = isCutOff ? CUT_OFF : this.trouble[service];
    const none = Math.max(0, 1 - Object.values(rates).reduce((sum, rate) => sum + rate, 0));
    const trouble = this.#dice.weighted({ ...rates, none }) ?? 'none';
    return {
      trouble: trouble === 'empty' && operation !== 'getRecords' ? 'none' : trouble,
      sentMs: this.#latencyMs(slow),
      answeredMs: this.#latencyMs(slow),
      arrivesAnyway: this.#dice.chance(0.5),
    };
  }

  /** The servers do what they are asked in one turn; the answer tells of that moment. */
  async #carryOut(call: Call, { trouble }: Fate, carryOut: CarryOut): Promise<Answer> {
    if (trouble === 'throttled') return { error: awsError('ProvisionedThroughputExceededException') };
    if (trouble === 'failed') return { error: awsError('InternalFailure') };
    const { caller, shardId, holding } = call;
    const before = this.#rows.rows.get(shardId);
    const carriedOut = carryOut(trouble === 'empty' ? { ...call.input, Limit: 0 } : call.input);
    const after = this.#rows.rows.get(shardId);
    if (before !== after) {
      this.#rows.written(shardId, before, caller, holding);
      this.#trace(caller.id, () => `${describe(call)}: ${describeChange(before, after)}`);
    }
    try {
      const value = await carriedOut;
      return { value, tells: caller.whatItTells(call, value, before) };
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      return { error };
    }
  }
}

function describe({ operation, input }: Call): string {
  return `${operation} ${shortId(shardOf(input))}`.trim();
}
