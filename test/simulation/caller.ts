/** A process as the servers know it: what it asks of them, and what it has been told by them. */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { Holding } from './holding.ts';
import type { Row } from './leaseRow.ts';
import type { LeaseRows, Writer } from './leaseRows.ts';
import type { Service } from './network.ts';
import type { Report } from './violations.ts';
import type { Actor, VirtualTime } from './virtualTime.ts';

/** What of the inputs of all calls is looked at here. */
export interface Input {
  readonly Key?: Row;
  readonly Item?: Row;
  readonly ShardId?: string;
  readonly ShardIterator?: string;
  readonly ShardIteratorType?: string;
  readonly StartingPosition?: { readonly Type?: string };
  readonly Limit?: number;
  readonly UpdateExpression?: string;
  readonly ExpressionAttributeValues?: Row;
}

export interface Call {
  readonly caller: Caller;
  readonly service: Service;
  readonly operation: string;
  readonly input: Input;
  readonly shardId: string;
  /** What the caller had of the shard. */
  readonly holding: Holding | undefined;
  readonly beganTurn: number;
  readonly beganAwakeMs: number;
}

export type Answer =
  | { readonly value: unknown; readonly tells: () => void; readonly error?: undefined }
  | { readonly error: Error };

export class Caller implements Writer {
  readonly actor: Actor;
  readonly leavesChildrenToSync = false;
  readonly seenVersions = new Map<string, number>();
  readonly holdings = new Map<string, Holding>();
  /** The last write of this caller that it knows to have moved a row: the row then, and waking time when it began. */
  readonly moves = new Map<string, { readonly row: Row; readonly awakeMs: number }>();
  /** Until then its calls to DynamoDB come to nothing. */
  cutOffUntilMs = 0;
  readonly #time: VirtualTime;
  readonly #rows: LeaseRows;
  readonly #report: Report;
  /** The turn in which it learnt that a write to a row was refused. */
  readonly #refusedTurns = new Map<string, number>();

  constructor(actor: Actor, time: VirtualTime, rows: LeaseRows, report: Report) {
    this.actor = actor;
    this.#time = time;
    this.#rows = rows;
    this.#report = report;
  }

  get id(): string {
    return this.actor.name;
  }

  begin(service: Service, operation: string, input: Input): Call {
    const shardId = shardOf(input);
    const holding = this.holdings.get(shardId);
    const { turn, nowMs } = this.#time;
    const lostTurn = holding?.lossSeenTurn;
    if (operation === 'updateItem' && lostTurn !== undefined && turn > lostTurn && !this.#isTake(input))
      this.#report('writes after the loss of its lease', `${this.id} to ${shardId}: ${input.UpdateExpression}`);
    if (asksForLatest(input)) holding?.asksForLatest();
    const beganAwakeMs = this.actor.awakeMs(nowMs);
    return { caller: this, service, operation, input, shardId, holding, beganTurn: turn, beganAwakeMs };
  }

  /** To be asked in the turn in which the call is carried out; what it gives runs when the answer has arrived. */
  whatItTells(
    { operation, input, shardId, holding, beganTurn, beganAwakeMs }: Call,
    value: unknown,
    before?: Row,
  ): () => void {
    const { rows } = this.#rows;
    const row = rows.get(shardId);
    const shown = operation === 'scan' ? keysOf(value) : shardId === '' ? [] : [shardId];
    const versions = shown.map((key) => [key, this.#rows.versionOf(key)] as const);
    const latest = asksForLatest(input) ? holding?.log.records.length : undefined;
    return () => {
      // An older answer may come after a newer.
      for (const [key, version] of versions)
        this.seenVersions.set(key, Math.max(version, this.seenVersions.get(key) ?? 0));
      if (operation === 'getShardIterator' || operation === 'subscribeToShard') holding?.opened(latest);
      if (operation === 'updateItem' && row && before?.['leaseCounter']?.N !== row['leaseCounter']?.N)
        this.moves.set(shardId, { row, awakeMs: beganAwakeMs });
      const isCheck = operation === 'getItem' && this.#refusedTurns.get(shardId) === beganTurn;
      if (isCheck && holding && row?.['leaseOwner']?.S !== this.id) holding.lossSeenTurn ??= this.#time.turn;
    };
  }

  told({ operation, shardId }: Call, answer: Answer): void {
    if (answer.error === undefined) answer.tells();
    else if (operation === 'updateItem' && answer.error.name === 'ConditionalCheckFailedException')
      this.#refusedTurns.set(shardId, this.#time.turn);
  }

  #isTake({ UpdateExpression, ExpressionAttributeValues = {} }: Input): boolean {
    const isOwner = ({ S }: AttributeValue) => S === this.id;
    return !UpdateExpression?.includes('REMOVE') && Object.values(ExpressionAttributeValues).some(isOwner);
  }
}

export function shardOf({ Key, Item, ShardId, ShardIterator }: Input): string {
  return Key?.['leaseKey']?.S ?? Item?.['leaseKey']?.S ?? ShardId ?? ShardIterator?.split('@')[0] ?? '';
}

function asksForLatest({ ShardIteratorType, StartingPosition }: Input): boolean {
  return ShardIteratorType === 'LATEST' || StartingPosition?.Type === 'LATEST';
}

function keysOf(page: unknown): string[] {
  const { Items = [] } = page as { Items?: Row[] };
  return Items.map((row) => row['leaseKey']?.S ?? '');
}
