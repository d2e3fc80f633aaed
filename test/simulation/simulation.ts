/**
 * A fleet of workers on a fake Kinesis and DynamoDB in virtual time, under all the faults that its seed draws, then left in
 * peace. Every write to the lease table and every emitted event is checked as it happens: between two of them nothing
 * that the rules speak of can change.
 */
import { FakeDynamoDb } from '../unit/kinesis/fakes/fakeDynamoDb.ts';
import { Dice } from './dice.ts';
import { Fleet } from './fleet.ts';
import { checkpointOf } from './leaseRow.ts';
import { LeaseRows } from './leaseRows.ts';
import { Ledger } from './ledger.ts';
import { Network, NO_TROUBLE, type Service } from './network.ts';
import { type Action, drawPlan, drawTrouble, FAN_OUT_CONSUMER, type Plan } from './plan.ts';
import { Stream } from './stream.ts';
import type { Report, Violation } from './violations.ts';
import { BEGIN_MS, VirtualTime } from './virtualTime.ts';
import type { Surroundings } from './worker.ts';

export interface SimulationOptions {
  /** Fewer steps than the seed draws. */
  readonly steps?: number | undefined;
  /** Gets one line for all that happens. */
  readonly onTrace?: ((line: string) => void) | undefined;
}

export interface Outcome {
  readonly seed: number;
  readonly violations: readonly Violation[];
  /** Ended without a violation where nothing can be asked any more. */
  readonly isCutShort: boolean;
}

/** Stops at the first violation. The same seed gives the same outcome and trace. */
export function simulate(seed: number, options: SimulationOptions = {}): Promise<Outcome> {
  return new Simulation(seed, options).run();
}

class Simulation implements Surroundings {
  readonly dice: Dice;
  readonly time: VirtualTime;
  readonly ledger: Ledger;
  readonly stream: Stream;
  readonly dynamodb: FakeDynamoDb;
  readonly rows: LeaseRows;
  readonly network: Network;
  readonly #seed: number;
  readonly #plan: Plan;
  readonly #fleet: Fleet;
  readonly #options: SimulationOptions;
  readonly #violations: Violation[] = [];
  #isCalm = false;

  constructor(seed: number, options: SimulationOptions) {
    this.#seed = seed;
    this.#options = options;
    this.dice = new Dice(seed);
    this.#plan = drawPlan(this.dice);
    const { server, network, shardsAtStart, fanOut, failoverTimeMs } = this.#plan;
    this.time = new VirtualTime(this.dice, (error) => this.report('unexpected failure', `thrown: ${error}`));
    this.ledger = new Ledger(this.report);
    this.stream = new Stream(this.time.clockOf(undefined), this.dice, this.ledger, shardsAtStart);
    this.stream.kinesis.pageSize = server.pageSize;
    this.stream.kinesis.recordsACall = server.recordsACall;
    this.stream.kinesis.namesChildren = server.namesChildren;
    Object.assign(this.stream.kinesis.fanOut, fanOut);
    this.dynamodb = new FakeDynamoDb(server.tableExists);
    this.dynamodb.pageSize = server.pageSize;
    const stallMs = STALL * failoverTimeMs;
    this.rows = new LeaseRows(this.dynamodb.rows, this.ledger, this.stream, this.time, stallMs, this.report);
    this.network = new Network(network, this.time, this.dice, this.rows, this.trace);
    this.#fleet = new Fleet(this.#plan, this);
  }

  readonly report: Report = (kind, text) => {
    this.trace('VIOLATION', () => `${kind}: ${text}`);
    this.#violations.push({ kind, text, atMs: this.time.nowMs - BEGIN_MS });
    this.time.isStopped = true;
  };

  readonly trace = (who: string, text: () => string): void => {
    const { onTrace } = this.#options;
    if (onTrace === undefined) return;
    const seconds = ((this.time.nowMs - BEGIN_MS) / 1_000).toFixed(3).padStart(8);
    onTrace(`${seconds} ${who.padEnd(6)} ${text()}`);
  };

  async run(): Promise<Outcome> {
    const onRejection = (error: unknown) => this.report('unexpected failure', `rejected: ${error}`);
    process.on('unhandledRejection', onRejection);
    this.trace('plan', () => JSON.stringify(this.#plan));
    const steps = Math.min(this.#plan.steps, this.#options.steps ?? this.#plan.steps);
    for (const phase of [() => this.#past(), () => this.#storm(steps), () => this.#rest(), () => this.#end()]) {
      if (!this.time.isStopped) await phase();
    }
    process.off('unhandledRejection', onRejection);
    const isCutShort = this.time.isStopped && this.#violations.length === 0;
    return { seed: this.#seed, violations: this.#violations, isCutShort };
  }

  /** The stream is older than its readers. */
  async #past(): Promise<void> {
    const { stepsBefore, worker } = this.#plan;
    for (let step = 0; step < stepsBefore; step += 1) {
      this.#act(this.dice.pick<Action>(['put', 'put', 'split', 'merge']));
      await this.#pass(this.dice.between(0, 3_000));
    }
    const { initialPosition } = worker.consumer;
    if (initialPosition?.type !== 'AT_TIMESTAMP') return;
    await this.time.runUntil(initialPosition.timestampMs);
    for (const { records } of this.ledger.shards.values())
      this.ledger.writeOff(records.filter(({ arrivedMs }) => arrivedMs < initialPosition.timestampMs));
  }

  async #storm(steps: number): Promise<void> {
    const { usualTrouble, weights, stepMs } = this.#plan;
    Object.assign(this.network.trouble, usualTrouble);
    for (let step = 0; step < steps && !this.time.isStopped; step += 1) {
      if (this.#fleet.size === 0) this.#act('start');
      this.#act(this.dice.weighted(weights) ?? 'put');
      await this.#pass(this.dice.between(0, stepMs));
    }
  }

  /** The faults are over: all that was put arrives, and the fleet finds its balance and keeps still. */
  async #rest(): Promise<void> {
    const { failoverTimeMs, worker, isFaultless } = this.#plan;
    this.trace('world', () => 'calm');
    this.#isCalm = true;
    Object.assign(this.network.trouble, { kinesis: NO_TROUBLE, dynamodb: NO_TROUBLE });
    this.#fleet.calm();
    this.stream.putEverywhere();
    const { shardSyncIntervalMs = 0 } = worker.consumer;
    // What was under way comes to its end: until then the table may say of a worker what it no longer knows of.
    await this.#pass(LAST_STALL * failoverTimeMs);
    const limitMs = this.time.nowMs + REST_MS + 100 * failoverTimeMs + 30 * shardSyncIntervalMs;
    while (this.#fleet.unrest() !== undefined && this.time.nowMs < limitMs && !this.time.isStopped) {
      if (this.#fleet.size === 0) this.#fleet.start();
      await this.#pass(failoverTimeMs / 2);
    }
    if (this.time.isStopped) return;
    const unrest = this.#fleet.unrest();
    if (unrest !== undefined) return this.report('no rest', unrest);
    if (isFaultless) this.#checkDuplicates();
    const owners = this.#fleet.owners();
    await this.#pass(5 * failoverTimeMs);
    if (!this.time.isStopped && this.#fleet.owners() !== owners)
      this.report('no rest', `leases move: from ${owners} to ${this.#fleet.owners()}`);
  }

  async #end(): Promise<void> {
    const { closeTimeoutMs = 0 } = this.#plan.worker.consumer;
    const untilMs = this.time.nowMs + closeTimeoutMs + CLOSE_MS;
    this.#fleet.closeAll();
    while (this.#fleet.isClosing && this.time.nowMs < untilMs && !this.time.isStopped) await this.#pass(100);
    if (this.time.isStopped) return;
    if (this.#fleet.isClosing) return this.report('close hangs', `after ${closeTimeoutMs} ms`);
    const owners = this.#fleet.owners();
    if (/[^,]/.test(owners.replaceAll('nobody', '')))
      this.report('row not left to a successor', `after a clean close the owners are ${owners}`);
  }

  #act(action: Action): void {
    this.trace('world', () => action);
    const { failoverTimeMs, openShardsMax } = this.#plan;
    const room = openShardsMax - this.stream.openShards.length;
    const upTo = (times: number) => this.dice.between(1, times * failoverTimeMs);
    const actions: Record<Action, () => unknown> = {
      put: () => this.stream.put(this.dice.between(0.2, 1)),
      split: () => room > 0 && this.stream.split(),
      merge: () => this.stream.merge(),
      double: () => room >= this.stream.openShards.length && this.stream.double(),
      halve: () => this.stream.halve(),
      forget: () => this.stream.forgetOldest(RETENTION * failoverTimeMs, (shardId) => this.#mayGo(shardId)),
      start: () => this.#start(),
      close: () => this.#fleet.closeOne(Number.POSITIVE_INFINITY),
      closeHastily: () => this.#fleet.closeOne(upTo(1)),
      crash: () => this.#fleet.crashOne(),
      freeze: () => this.#fleet.freezeOne(upTo(3)),
      cutOff: () => this.#fleet.cutOffOne(upTo(8)),
      kinesisTrouble: () => this.#breakDown('kinesis', upTo(3)),
      dynamodbTrouble: () => this.#breakDown('dynamodb', upTo(3)),
      expireIterators: () => this.stream.kinesis.expireIterators(),
      cutSubscriptions: () => this.stream.kinesis.fanOut.cut(),
      deregister: () => this.stream.kinesis.fanOut.deregister(FAN_OUT_CONSUMER),
      foreignStart: () => this.#fleet.startForeign(),
      foreignDeath: () => this.#fleet.killForeign(),
    };
    actions[action]();
  }

  #start(): void {
    this.#fleet.start();
    // Who has read nothing yet has only the time of its start to go on from.
    if (this.#plan.isFaultless || !this.dice.chance(0.5)) return;
    this.time.after(this.dice.between(0, this.#plan.failoverTimeMs / 2), () => {
      this.stream.kinesis.expireIterators();
      this.stream.kinesis.fanOut.cut();
      this.stream.put(1);
    });
  }

  /** Rows at LATEST are made for whatever follows no shard of the stream that has a row: this link has to stay. */
  #mayGo(shardId: string): boolean {
    const row = this.rows.rows.get(shardId);
    const isLatest = this.#plan.worker.consumer.initialPosition?.type === 'LATEST';
    return !isLatest || row === undefined || checkpointOf(row) === 'SHARD_END';
  }

  #breakDown(service: Service, ms: number): void {
    this.network.trouble[service] = drawTrouble(this.dice, 1);
    this.time.after(ms, () => {
      this.network.trouble[service] = this.#isCalm ? NO_TROUBLE : this.#plan.usualTrouble[service];
    });
  }

  #checkDuplicates(): void {
    const twice = [...this.ledger.events.values()].find(({ emissions }) => emissions > 1);
    if (twice) this.report('duplicate without a fault', `${twice.id} was emitted ${twice.emissions} times`);
  }

  #pass(ms: number): Promise<void> {
    return this.time.runUntil(this.time.nowMs + Math.round(ms));
  }
}

/** In failover times: what slow calls and a frozen process take together, also when no more are to come. */
const STALL = 10;
const LAST_STALL = 7;
/** In failover times, what stands for the retention of a day. */
const RETENTION = 10;
/** The longest back-off of the code under test is half a minute. */
const REST_MS = 120_000;
/** What a close may take beside its own time-out: the calls under way. */
const CLOSE_MS = 1_000;
