/**
 * The calls on the lease table, each conditional as KCL makes it, so that KCL workers and ours may share a table. A
 * write that its condition refused gives `null` or `false`; every other failure rejects.
 */
import type { UpdateItemCommandInput } from '@aws-sdk/client-dynamodb';
import type { Clock } from '../util/clock.ts';
import type { DynamoDbApi } from './awsApi.ts';
import { isConditionFailed, isNotFound } from './awsErrors.ts';
import { fromItem, type Item, type Lease, numberValue, SHARD_END, toItem } from './lease.ts';
import type { Position, TableBilling } from './types.ts';

const TABLE_POLL_MS = 1_000;

export class LeaseTable {
  readonly name: string;
  readonly #dynamodb: DynamoDbApi;

  constructor(name: string, dynamodb: DynamoDbApi) {
    this.name = name;
    this.#dynamodb = dynamodb;
  }

  /** Makes the table when it is missing and waits until it can be used. Resolves to whether it was made. */
  async ensure(billing: TableBilling, clock: Clock, signal: AbortSignal): Promise<boolean> {
    let status = await this.#status(signal);
    const created = status === undefined && (await this.#createTable(billing, signal));
    while (status !== 'ACTIVE' && status !== 'UPDATING' && !signal.aborted) {
      status = await this.#status(signal);
      if (status !== 'ACTIVE') await clock.sleep(TABLE_POLL_MS, signal);
    }
    return created;
  }

  async list(signal?: AbortSignal): Promise<Lease[]> {
    const leases: Lease[] = [];
    let from: Item | undefined;
    do {
      const page = await this.#dynamodb.scan(
        { TableName: this.name, ConsistentRead: true, ...(from && { ExclusiveStartKey: from }) },
        signal,
      );
      for (const item of page.Items ?? []) leases.push(fromItem(item));
      from = page.LastEvaluatedKey;
    } while (from !== undefined);
    return leases;
  }

  async get(leaseKey: string, signal?: AbortSignal): Promise<Lease | null> {
    const input = { TableName: this.name, Key: key(leaseKey), ConsistentRead: true };
    const { Item } = await this.#dynamodb.getItem(input, signal);
    return Item ? fromItem(Item) : null;
  }

  /** Resolves to `false` when the row is there already. */
  async create(lease: Lease, signal?: AbortSignal): Promise<boolean> {
    const condition = { ConditionExpression: 'attribute_not_exists(leaseKey)' };
    return accepted(this.#dynamodb.putItem({ TableName: this.name, Item: toItem(lease), ...condition }, signal));
  }

  async renew(lease: Lease, signal?: AbortSignal): Promise<Lease | null> {
    const moved = { ...lease, leaseCounter: lease.leaseCounter + 1 };
    return (await this.#update(lease, counterMove(lease), signal)) ? moved : null;
  }

  async take(lease: Lease, owner: string, signal?: AbortSignal): Promise<Lease | null> {
    const switched = lease.leaseOwner !== null && lease.leaseOwner !== owner;
    const moved: Lease = {
      ...lease,
      leaseOwner: owner,
      leaseCounter: lease.leaseCounter + 1,
      ownerSwitchesSinceCheckpoint: lease.ownerSwitchesSinceCheckpoint + (switched ? 1 : 0),
    };
    const change = counterMove(lease);
    change.set['leaseOwner'] = { S: owner };
    if (switched) change.add['ownerSwitchesSinceCheckpoint'] = numberValue(1);
    return (await this.#update(lease, change, signal)) ? moved : null;
  }

  /**
   * Clears the owner, so that a successor need not wait until the lease expires. The counter moves from where it is, which
   * the owner does not know when the answer to its last write was lost.
   */
  async release(lease: Lease, signal?: AbortSignal): Promise<boolean> {
    const change: Change = {
      when: { leaseOwner: { S: lease.leaseOwner ?? '' } },
      set: {},
      add: { leaseCounter: numberValue(1) },
      remove: ['leaseOwner'],
    };
    return (await this.#update(lease, change, signal)) !== null;
  }

  /** Writes how far the shard is read. A row at SHARD_END stays there. */
  async checkpoint(lease: Lease, position: Position | typeof SHARD_END, signal?: AbortSignal): Promise<Lease | null> {
    const moved: Lease = {
      ...lease,
      leaseCounter: lease.leaseCounter + 1,
      ownerSwitchesSinceCheckpoint: 0,
      checkpoint: position === SHARD_END ? SHARD_END : position.sequenceNumber,
      checkpointSubSequenceNumber: position === SHARD_END ? 0 : position.subSequenceNumber,
    };
    const change = counterMove(lease);
    const { leaseKey: _key, leaseOwner: _owner, parentShardId: _parents, ...written } = toItem(moved);
    change.set = written;
    change.remove = ['pendingCheckpoint', 'pendingCheckpointSubSequenceNumber'];
    if (position !== SHARD_END) change.unless = { checkpoint: { S: SHARD_END } };
    return (await this.#update(lease, change, signal)) ? moved : null;
  }

  /** Makes the row as it is to be, without an owner; not when it has changed since it was seen. */
  async reposition(seen: Lease, lease: Lease, signal?: AbortSignal): Promise<boolean> {
    const { leaseKey: _key, parentShardId: _parents, ...written } = toItem({ ...lease, leaseOwner: null });
    const change: Change = {
      when: {
        leaseCounter: numberValue(seen.leaseCounter),
        checkpoint: { S: seen.checkpoint },
        ...(seen.leaseOwner !== null && { leaseOwner: { S: seen.leaseOwner } }),
      },
      set: written,
      add: {},
      remove: ['leaseOwner', 'pendingCheckpoint', 'pendingCheckpointSubSequenceNumber'],
    };
    return (await this.#update(seen, change, signal)) !== null;
  }

  /** Does not move the counter. Resolves to `false` when the row is gone. */
  async setChildren(leaseKey: string, childShardIds: readonly string[], signal?: AbortSignal): Promise<boolean> {
    const change: Change = {
      when: { leaseKey: { S: leaseKey } },
      set: { childShardIds: { SS: [...childShardIds] } },
      add: {},
      remove: [],
    };
    return (await this.#update({ leaseKey }, change, signal)) !== null;
  }

  /** Removes the row of an ended shard; any other row stays. */
  async deleteEnded(leaseKey: string, signal?: AbortSignal): Promise<boolean> {
    const condition = {
      ConditionExpression: '#checkpoint = :end',
      ExpressionAttributeNames: { '#checkpoint': 'checkpoint' },
      ExpressionAttributeValues: { ':end': { S: SHARD_END } },
    };
    return accepted(this.#dynamodb.deleteItem({ TableName: this.name, Key: key(leaseKey), ...condition }, signal));
  }

  async #status(signal: AbortSignal): Promise<string | undefined> {
    try {
      return (await this.#dynamodb.describeTable(this.name, signal)).Table?.TableStatus ?? 'CREATING';
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async #createTable(billing: TableBilling, signal: AbortSignal): Promise<boolean> {
    try {
      await this.#dynamodb.createTable(
        {
          TableName: this.name,
          KeySchema: [{ AttributeName: 'leaseKey', KeyType: 'HASH' }],
          AttributeDefinitions: [{ AttributeName: 'leaseKey', AttributeType: 'S' }],
          BillingMode: billing.mode,
          ...(billing.mode === 'PROVISIONED' && {
            ProvisionedThroughput: {
              ReadCapacityUnits: billing.readCapacity,
              WriteCapacityUnits: billing.writeCapacity,
            },
          }),
        },
        signal,
      );
      return true;
    } catch (error) {
      // Another worker of the fleet was faster.
      if (error instanceof Error && error.name === 'ResourceInUseException') return false;
      throw error;
    }
  }

  async #update(lease: { leaseKey: string }, change: Change, signal?: AbortSignal): Promise<true | null> {
    const input = { TableName: this.name, Key: key(lease.leaseKey), ...expressions(change) };
    return (await accepted(this.#dynamodb.updateItem(input, signal))) || null;
  }
}

interface Change {
  /** Attributes that have to be as given. */
  when: Item;
  /** Attributes that must not be as given. */
  unless?: Item;
  set: Item;
  add: Item;
  remove: string[];
}

function counterMove(lease: Lease): Change {
  return {
    when: { leaseCounter: numberValue(lease.leaseCounter) },
    set: { leaseCounter: numberValue(lease.leaseCounter + 1) },
    add: {},
    remove: [],
  };
}

function key(leaseKey: string): Item {
  return { leaseKey: { S: leaseKey } };
}

type Expressions = Pick<
  UpdateItemCommandInput,
  'UpdateExpression' | 'ConditionExpression' | 'ExpressionAttributeNames' | 'ExpressionAttributeValues'
>;

/** Every name and value goes through a placeholder: `checkpoint` and others may become reserved words. */
function expressions(change: Change): Expressions {
  const names: Record<string, string> = {};
  const values: Item = {};
  const name = (attribute: string) => {
    names[`#${attribute}`] = attribute;
    return `#${attribute}`;
  };
  const terms = (item: Item, prefix: string, operator: string) =>
    Object.entries(item).map(([attribute, value]) => {
      values[`:${prefix}${attribute}`] = value;
      return `${name(attribute)} ${operator} :${prefix}${attribute}`;
    });
  const clauses = {
    SET: terms(change.set, 'set_', '='),
    ADD: terms(change.add, 'add_', ''),
    REMOVE: change.remove.map(name),
  };
  const used = Object.entries(clauses).filter(([, parts]) => parts.length > 0);
  return {
    UpdateExpression: used.map(([verb, parts]) => `${verb} ${parts.join(', ')}`).join(' '),
    ConditionExpression: [...terms(change.when, 'is_', '='), ...terms(change.unless ?? {}, 'not_', '<>')].join(' AND '),
    ExpressionAttributeNames: names,
    ExpressionAttributeValues: values,
  };
}

async function accepted(call: Promise<unknown>): Promise<boolean> {
  try {
    await call;
    return true;
  } catch (error) {
    if (isConditionFailed(error)) return false;
    throw error;
  }
}
