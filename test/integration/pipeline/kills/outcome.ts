/** What the destinations hold at the end. */
import { execFile } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { runProgram } from '../../../support/program.ts';
import type { Stack, StoredObject } from '../harness.ts';

const PAGE = 10_000;
const FILES_A_CALL = 500;

interface Page {
  readonly _scroll_id: string;
  readonly hits: { readonly hits: readonly { readonly _source: { readonly id: number } }[] };
}

/** The `id` of every document. */
export async function documentIds({ elasticsearch }: Stack): Promise<number[]> {
  await fetch(`${elasticsearch.url}/_refresh`, { method: 'POST' });
  const indices = 'accesslog-*,api-*';
  const ids: number[] = [];
  let answer = await fetch(`${elasticsearch.url}/${indices}/_search?scroll=1m&size=${PAGE}&sort=_doc&_source=id`);
  for (;;) {
    const { _scroll_id, hits } = (await answer.json()) as Page;
    if (hits.hits.length === 0) return ids;
    for (const { _source } of hits.hits) ids.push(_source.id);
    const body = JSON.stringify({ scroll: '1m', scroll_id: _scroll_id });
    const headers = { 'content-type': 'application/json' };
    answer = await fetch(`${elasticsearch.url}/_search/scroll`, { method: 'POST', headers, body });
  }
}

/** The `id` of every event in the dead letter queue, as the user's tool lists it. */
export async function deadLetterIds(dataPath: string): Promise<number[]> {
  const { code, stdout, stderr } = await runProgram(['dlq', 'list', '--json', '--path.data', dataPath]);
  if (code !== 0) throw new Error(`dlq list ended with ${code}: ${stderr}`);
  const lines = stdout.split('\n').filter((line) => line !== '');
  return lines.map((line) => (JSON.parse(line) as { event: { id: number } }).event.id);
}

/** Rejects with what gzip says of an object that is broken. */
export async function testWithGzip(objects: readonly StoredObject[], folder: string): Promise<void> {
  mkdirSync(folder);
  const paths = objects.map(({ bytes }, n) => {
    const path = join(folder, `${n}.gz`);
    writeFileSync(path, bytes);
    return path;
  });
  for (let n = 0; n < paths.length; n += FILES_A_CALL) {
    await promisify(execFile)('gzip', ['-t', ...paths.slice(n, n + FILES_A_CALL)]);
  }
  rmSync(folder, { recursive: true });
}
