import * as library from '@elastic/elasticsearch';
import { describe, expect, it } from 'vitest';
import { defineNodePool } from '../../../../src/plugins/outputs/elasticsearch/nodePool.ts';
import { FakeClock } from '../../kinesis/fakes/fakeClock.ts';

function open(...origins: string[]) {
  const revived: string[] = [];
  const Pool = defineNodePool(library, {
    healthPath: '/',
    headers: {},
    resurrectDelayMs: 5000,
    timeoutMs: 1000,
    clock: new FakeClock(),
    onRevived: (node) => revived.push(node),
  });
  const pool = new Pool({ Connection: library.UndiciConnection });
  for (const origin of origins) pool.addConnection(origin);
  const choices = (count = 4) =>
    [...new Set(Array.from({ length: count }, () => pool.getConnection()?.url.origin))].sort();
  return { pool, revived, choices };
}

describe('the nodes of the pool', () => {
  it('are taken in turn', () => {
    const { pool } = open('http://a:1', 'http://b:2');
    expect([1, 2, 3].map(() => pool.getConnection()?.url.host)).toEqual(['a:1', 'b:2', 'a:1']);
  });

  it('can be replaced, and those that stay keep their connection and their health', () => {
    const { pool, choices, revived } = open('https://a:443', 'http://b:2', 'http://c:3');
    const [a, b] = pool.connections;
    if (b !== undefined) pool.markDead(b);
    pool.setNodes(['https://a:443', 'http://b:2', 'http://d:4']);
    expect(pool.connections.slice(0, 2)).toEqual([a, b]);
    expect([pool.size, choices()]).toEqual([3, ['http://d:4', 'https://a']]);
    expect(revived).toEqual([]);
  });

  it('that are gone can no longer be marked', () => {
    const { pool } = open('http://a:1', 'http://b:2');
    const [a] = pool.connections;
    pool.setNodes(['http://b:2']);
    if (a !== undefined) pool.markDead(a);
    expect(pool.hasLiveNode()).toBe(true);
    const [b] = pool.connections;
    if (b !== undefined) pool.markDead(b);
    expect(pool.hasLiveNode()).toBe(false);
  });

  it('end the pauses of those who wait when a new one comes to none that lives', () => {
    const { pool, revived } = open('http://a:1');
    const [a] = pool.connections;
    if (a !== undefined) pool.markDead(a);
    pool.setNodes(['http://a:1']);
    expect(revived).toEqual([]);
    pool.setNodes(['http://a:1', 'http://b:2']);
    expect(revived).toEqual(['http://a:1, http://b:2']);
  });
});
