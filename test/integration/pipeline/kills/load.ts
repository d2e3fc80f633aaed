/** Records as the user's Fluent Bit puts them, told apart by `id`. */
import type { KinesisRecord, Stack } from '../harness.ts';

const DAY_MS = 86_400_000;

/** Elasticsearch refuses these for good. */
export function isRefused(id: number): boolean {
  return id % 50 === 7;
}

/** The others go to Elasticsearch only. */
export function goesToS3(id: number): boolean {
  return id % 10 !== 9;
}

export function recordOf(id: number): KinesisRecord {
  // Some come late and so have an object of their own, which fills slowly.
  const isLate = id % 16 === 0;
  const event = {
    logtype: goesToS3(id) ? 'accesslog' : 'api-responselog',
    id,
    remote: '2.125.160.216',
    method: 'GET',
    path: `/api/v1/orders/${id}?page=${id % 7}&sort=desc`,
    code: '200',
    size: String((id * 7919) % 250_000),
    ...(isRefused(id) && { refused: 'no number' }),
    ...(isLate && { '@timestamp': new Date(Date.now() - DAY_MS).toISOString() }),
  };
  return { PartitionKey: `key-${id}`, Data: Buffer.from(JSON.stringify(event)) };
}

/** Makes Elasticsearch refuse what `isRefused` says. */
export async function refuseSome({ elasticsearch }: Stack): Promise<void> {
  const properties = { refused: { type: 'integer' }, id: { type: 'long' } };
  const template = { index_patterns: ['accesslog-*', 'api-*'], order: 1, mappings: { properties } };
  const headers = { 'content-type': 'application/json' };
  const init = { method: 'PUT', headers, body: JSON.stringify(template) };
  const answer = await fetch(`${elasticsearch.url}/_template/refusing`, init);
  if (!answer.ok) throw new Error(`the template was refused: ${answer.status} ${await answer.text()}`);
}
