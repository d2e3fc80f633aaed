import { describe, expect, it } from 'vitest';
import { deaggregate } from '../../../src/kinesis/kplDeaggregator.ts';
import { field, kplContainer, signed } from '../../support/kpl.ts';

const container = kplContainer(
  [{ data: 'first' }, { data: 'second', key: 7, hashKey: 1 }],
  ['key-0', 'key-1'],
  ['0', '340282366920938463463374607431768211455'],
);
const message = container.subarray(4, -16);

describe('deaggregate', () => {
  it('gives the tables, and the user records in their order', () => {
    const data = expect.any(Uint8Array);
    const found = deaggregate(container);
    expect(found).toEqual({
      partitionKeys: ['key-0', 'key-1'],
      explicitHashKeys: ['0', '340282366920938463463374607431768211455'],
      records: [
        { partitionKeyIndex: 0, explicitHashKeyIndex: undefined, data },
        { partitionKeyIndex: 7, explicitHashKeyIndex: 1, data },
      ],
    });
    expect(found?.records.map((record) => Buffer.from(record.data).toString())).toEqual(['first', 'second']);
  });

  it('copies no data', () => {
    expect(deaggregate(container)?.records[0]?.data.buffer).toBe(container.buffer);
  });

  it('takes what the aggregation library of AWS for Python wrote', () => {
    const found = deaggregate(Buffer.from(MADE_BY_AWS, 'base64'));
    expect(found?.partitionKeys).toEqual(Array.from({ length: 8 }, (_, n) => `key-${n}`));
    expect(found?.explicitHashKeys.map((key) => Number((BigInt(key) * 7n) >> 128n))).toEqual([0, 2, 4, 6]);
    expect(
      found?.records.map((record) => `${record.explicitHashKeyIndex} ${Buffer.from(record.data).toString()}`),
    ).toEqual(['undefined d0', '0 d1', 'undefined d2', '1 d3', 'undefined d4', '2 d5', 'undefined d6', '3 d7']);
  });

  it.each([
    ['a plain record', Buffer.from('{"a":1}')],
    ['an empty record', Buffer.alloc(0)],
    ['magic bytes alone', Buffer.from('f3899ac2', 'hex')],
    ['a wrong digest', Buffer.concat([container.subarray(0, -1), Buffer.from([0])])],
    ['a message cut short under a right digest', signed(message.subarray(0, -3))],
    ['a container without user records', signed(field(1, Buffer.from('key-0')))],
    ['an endless varint', signed(Buffer.alloc(12, 0xff))],
    ['a user record without data', signed(field(3, Buffer.from([8, 0])))],
    ['a user record that reaches beyond itself', signed(Buffer.concat([field(3, Buffer.from([26, 9])), message]))],
    ['an unknown wire type', signed(Buffer.concat([Buffer.from([(9 << 3) | 3]), message]))],
  ])('leaves %s as it is', (_name, bytes) => {
    expect(deaggregate(bytes)).toBeUndefined();
  });

  it('passes over fields of other kinds', () => {
    const others = Buffer.concat([
      Buffer.from([(9 << 3) | 1]),
      Buffer.alloc(8),
      Buffer.from([(10 << 3) | 5]),
      Buffer.alloc(4),
      Buffer.from([11 << 3, 0x80, 1]),
      field(12, Buffer.from('more')),
    ]);
    expect(deaggregate(signed(Buffer.concat([others, message])))?.records).toHaveLength(2);
    const third = field(3, Buffer.concat([others, field(3, Buffer.from('third'))]));
    expect(deaggregate(signed(Buffer.concat([message, third])))?.records).toHaveLength(3);
  });

  it('takes a record whose bytes were changed for a plain one', () => {
    for (let i = 0; i < container.length; i++) {
      const changed = Buffer.from(container);
      changed[i] = (changed[i] as number) ^ 0xff;
      expect(deaggregate(changed)).toBeUndefined();
    }
  });

  it('never throws, whatever stands under a right digest', () => {
    for (let i = 0; i < message.length; i++) {
      const changed = Buffer.from(message);
      changed[i] = (changed[i] as number) ^ 0xff;
      expect(() => deaggregate(signed(changed))).not.toThrow();
    }
  });
});

/** `d0` to `d7` of `key-0` to `key-7`, every other with an explicit hash key: n sevenths of the largest. */
const MADE_BY_AWS =
  '84mawgoFa2V5LTAKBWtleS0xCgVrZXktMgoFa2V5LTMKBWtleS00CgVrZXktNQoFa2V5LTYKBWtleS03EiY0ODYxMTc2NjcwMjk5MTIwOTA2NjE5NjM3MjQ5MDI1MjYwMTYzNhInMTQ1ODM1MzAwMTA4OTczNjI3MTk4NTg5MTE3NDcwNzU3ODA0OTA5EicyNDMwNTg4MzM1MTQ5NTYwNDUzMzA5ODE4NjI0NTEyNjMwMDgxODISJzM0MDI4MjM2NjkyMDkzODQ2MzQ2MzM3NDYwNzQzMTc2ODIxMTQ1NRoGCAAaAmQwGggIARAAGgJkMRoGCAIaAmQyGggIAxABGgJkMxoGCAQaAmQ0GggIBRACGgJkNRoGCAYaAmQ2GggIBxADGgJkNxlb1dQV7tlFjW09Yhn/SNY=';
