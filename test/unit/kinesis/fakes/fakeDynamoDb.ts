import type { AttributeValue, CreateTableCommandInput, UpdateItemCommandInput } from '@aws-sdk/client-dynamodb';
import type { DynamoDbApi } from '../../../../src/kinesis/awsApi.ts';
import { awsError, Faults } from './faults.ts';

type Item = Record<string, AttributeValue>;
type Expressions = Pick<
  UpdateItemCommandInput,
  'ConditionExpression' | 'UpdateExpression' | 'ExpressionAttributeNames' | 'ExpressionAttributeValues'
>;

/** One table in memory. It understands as much of DynamoDB's expressions as the lease table uses. */
export class FakeDynamoDb implements DynamoDbApi {
  readonly faults = new Faults();
  readonly rows = new Map<string, Item>();
  readonly calls: string[] = [];
  created: CreateTableCommandInput | undefined;
  /** How many times `describeTable` says CREATING. */
  creatingFor = 0;
  pageSize = 100;

  constructor(exists = false) {
    if (exists) this.created = { TableName: 'made before' } as CreateTableCommandInput;
  }

  row(leaseKey: string): Record<string, unknown> | undefined {
    const row = this.rows.get(leaseKey);
    return row && Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plain(value)]));
  }

  put(row: Item): void {
    this.rows.set(row['leaseKey']?.S ?? '', row);
  }

  describeTable: DynamoDbApi['describeTable'] = (_name, signal) =>
    this.#call('describeTable', signal, () => {
      if (!this.created) throw awsError('ResourceNotFoundException');
      this.creatingFor -= 1;
      return { Table: { TableStatus: this.creatingFor >= 0 ? 'CREATING' : 'ACTIVE' } };
    });

  createTable: DynamoDbApi['createTable'] = (input, signal) =>
    this.#call('createTable', signal, () => {
      if (this.created) throw awsError('ResourceInUseException');
      this.created = input;
    });

  getItem: DynamoDbApi['getItem'] = (input, signal) =>
    this.#call('getItem', signal, () => {
      const row = this.rows.get(keyOf(input.Key));
      return row ? { Item: { ...row } } : {};
    });

  scan: DynamoDbApi['scan'] = (input, signal) =>
    this.#call('scan', signal, () => {
      const keys = [...this.rows.keys()].sort();
      const from = input.ExclusiveStartKey ? keys.indexOf(keyOf(input.ExclusiveStartKey)) + 1 : 0;
      const page = keys.slice(from, from + this.pageSize);
      const more = from + this.pageSize < keys.length;
      return {
        Items: page.map((key) => ({ ...this.rows.get(key) })),
        ...(more && { LastEvaluatedKey: { leaseKey: { S: page.at(-1) as string } } }),
      };
    });

  putItem: DynamoDbApi['putItem'] = (input, signal) =>
    this.#call('putItem', signal, () => {
      const key = keyOf(input.Item);
      check(this.rows.get(key), input);
      this.rows.set(key, { ...input.Item });
    });

  updateItem: DynamoDbApi['updateItem'] = (input, signal) =>
    this.#call('updateItem', signal, () => {
      const key = keyOf(input.Key);
      check(this.rows.get(key), input);
      this.rows.set(key, updated(this.rows.get(key) ?? { leaseKey: { S: key } }, input));
    });

  deleteItem: DynamoDbApi['deleteItem'] = (input, signal) =>
    this.#call('deleteItem', signal, () => {
      const key = keyOf(input.Key);
      check(this.rows.get(key), input);
      this.rows.delete(key);
    });

  #call<T>(operation: string, signal: AbortSignal | undefined, task: () => T): Promise<T> {
    this.calls.push(operation);
    return this.faults.around(operation, signal, task);
  }
}

function keyOf(key: Item | undefined): string {
  return key?.['leaseKey']?.S ?? '';
}

function plain(value: AttributeValue): unknown {
  return value.S ?? (value.N === undefined ? value.SS : Number(value.N));
}

function check(row: Item | undefined, input: Expressions): void {
  for (const term of (input.ConditionExpression ?? '').split(' AND ').filter(Boolean)) {
    if (!holds(row, term, input)) throw awsError('ConditionalCheckFailedException');
  }
}

function holds(row: Item | undefined, term: string, input: Expressions): boolean {
  if (term === 'attribute_not_exists(leaseKey)') return row === undefined;
  const [name = '', operator, value = ''] = term.split(' ');
  const is = JSON.stringify(row?.[attribute(name, input)]);
  const given = JSON.stringify(input.ExpressionAttributeValues?.[value]);
  if (given === undefined) throw awsError('ValidationException', `no value ${value}`);
  return operator === '=' ? is === given : is !== given;
}

function attribute(name: string, input: Expressions): string {
  const found = input.ExpressionAttributeNames?.[name];
  if (found === undefined) throw awsError('ValidationException', `no name ${name}`);
  return found;
}

function updated(row: Item, input: Expressions): Item {
  const next = { ...row };
  const value = (name: string) => {
    const found = input.ExpressionAttributeValues?.[name];
    if (found === undefined) throw awsError('ValidationException', `no value ${name}`);
    return found;
  };
  for (const [, verb, list = ''] of (input.UpdateExpression ?? '').matchAll(
    /(SET|ADD|REMOVE) (.*?)(?= ADD | REMOVE |$)/g,
  )) {
    for (const part of list.split(', ')) {
      const [name = '', ...rest] = part.split(/\s+(?:=\s+)?/);
      const target = attribute(name, input);
      if (verb === 'SET') next[target] = value(rest[0] ?? '');
      else if (verb === 'ADD')
        next[target] = { N: String(Number(next[target]?.N ?? 0) + Number(value(rest[0] ?? '').N)) };
      else delete next[target];
    }
  }
  return next;
}
