import { describe, expect, it } from 'vitest';
import { parseNodes, sniff } from '../../../../src/plugins/outputs/elasticsearch/sniffer.ts';
import type { WireAnswer } from '../../../../src/plugins/outputs/elasticsearch/wire.ts';
import { recordLog } from '../../../support/outputHarness.ts';
import { FakeClock } from '../../kinesis/fakes/fakeClock.ts';

function node(address: string | undefined, roles?: string[]) {
  return { ...(roles && { roles }), ...(address === undefined ? {} : { http: { publish_address: address } }) };
}

function answerOf(...nodes: object[]): string {
  return JSON.stringify({ nodes: Object.fromEntries(nodes.map((one, n) => [`id${n}`, one])) });
}

describe('nodes of a cluster', () => {
  it.each<[string, object[], string[]]>([
    ['an address', [node('10.0.0.1:9200')], ['http://10.0.0.1:9200']],
    ['a name with its address', [node('es-1.example/10.0.0.1:9200')], ['http://es-1.example:9200']],
    ['no name before the slash', [node('/10.0.0.1:9200')], ['http://10.0.0.1:9200']],
    ['IPv6', [node('[::1]:9200')], ['http://[::1]:9200']],
    ['the same twice', [node('a:1'), node('a:1')], ['http://a:1']],
    ['no HTTP', [node('a:1'), node(undefined)], ['http://a:1']],
    ['a master with data', [node('a:1', ['master', 'data'])], ['http://a:1']],
    ['a coordinator', [node('a:1', [])], ['http://a:1']],
    ['a pure master', [node('a:1', ['data']), node('b:2', ['master'])], ['http://a:1']],
    [
      'pure masters of other kinds',
      [
        node('a:1', ['ingest']),
        node('b:2', ['master', 'voting_only']),
        node('c:3', ['cluster_manager', 'remote_cluster_client']),
      ],
      ['http://a:1'],
    ],
  ])('%s', (_name, nodes, origins) => {
    expect(parseNodes(answerOf(...nodes), 'http')).toEqual(origins);
  });

  it.each<[string, string, RegExp]>([
    ['none', answerOf(), /no node to send to/],
    ['pure masters alone', answerOf(node('a:1', ['master'])), /no node to send to/],
    ['another document', '{"error":"x"}', /no node to send to/],
    ['no JSON', '<html>', /JSON/],
    ['a flood', answerOf(...Array.from({ length: 1001 }, (_, n) => node(`a${n}:1`))), /lists 1001 nodes/],
  ])('refused: %s', (_name, text, message) => {
    expect(() => parseNodes(text, 'http')).toThrow(message);
  });
});

describe('the sniffer', () => {
  function start(answers: (() => WireAnswer | Error)[], isAlive = true) {
    const clock = new FakeClock();
    const { logger, lines } = recordLog();
    const stop = new AbortController();
    const sets: (readonly string[])[] = [];
    const state = { asked: 0, isAlive };
    const ask = async () => {
      const answer = answers[Math.min(state.asked++, answers.length - 1)]?.() ?? new Error('no answer');
      if (answer instanceof Error) throw answer;
      return answer;
    };
    const pool = {
      setNodes: (origins: readonly string[]) => void sets.push(origins),
      hasLiveNode: () => state.isAlive,
    };
    const done = sniff({ ask, pool, seeds: ['http://seed:9200'], delayMs: 5000, clock, logger }, stop.signal);
    return { clock, lines, stop, sets, state, done };
  }
  const ok = (...addresses: string[]) => ({ status: 200, text: answerOf(...addresses.map((one) => node(one))) });

  it('asks at once and then each delay, and tells the pool only of changes', async () => {
    const run = start([() => ok('a:1'), () => ok('a:1'), () => ok('a:1', 'b:2'), () => ok('b:2')]);
    await run.clock.advance(0);
    expect([run.state.asked, run.sets]).toEqual([1, [['http://a:1']]]);
    await run.clock.advance(5000);
    expect([run.state.asked, run.sets.length]).toEqual([2, 1]);
    await run.clock.advance(10_000);
    expect(run.sets).toEqual([['http://a:1'], ['http://a:1', 'http://b:2'], ['http://b:2']]);
    expect(run.lines.filter((line) => line.includes('have changed'))).toHaveLength(3);
    run.stop.abort();
    await run.done;
    await run.clock.advance(60_000);
    expect(run.state.asked).toBe(4);
  });

  it('keeps the nodes it has while the question fails and one of them lives', async () => {
    const run = start([() => ok('a:1'), () => ({ status: 403, text: '' }), () => new Error('reset'), () => ok('a:1')]);
    await run.clock.advance(15_000);
    expect(run.sets).toEqual([['http://a:1']]);
    expect(run.lines.filter((line) => line.startsWith('WARN'))).toEqual([
      'WARN asking for the nodes of the cluster fails and is tried again: answer 403',
    ]);
    expect(run.lines.at(-1)).toMatch(/^INFO asking for the nodes of the cluster works again/);
    run.stop.abort();
    await run.done;
  });

  it('goes back to the configured hosts when no node can be reached', async () => {
    const run = start([() => ok('10.0.0.1:9200'), () => new Error('timeout'), () => ok('10.0.0.1:9200')]);
    await run.clock.advance(0);
    run.state.isAlive = false;
    await run.clock.advance(5000);
    expect(run.sets.at(-1)).toEqual(['http://seed:9200']);
    await run.clock.advance(5000);
    expect(run.sets.at(-1)).toEqual(['http://10.0.0.1:9200']);
    run.stop.abort();
    await run.done;
  });

  it('asks one question at a time', async () => {
    let answer = (_: WireAnswer) => {};
    const clock = new FakeClock();
    let asked = 0;
    const ask = () => {
      asked++;
      return new Promise<WireAnswer>((resolve) => {
        answer = resolve;
      });
    };
    const stop = new AbortController();
    const pool = { setNodes: () => {}, hasLiveNode: () => true };
    const { logger } = recordLog();
    const done = sniff({ ask, pool, seeds: ['http://a:1'], delayMs: 5000, clock, logger }, stop.signal);
    await clock.advance(60_000);
    expect(asked).toBe(1);
    stop.abort();
    answer(ok('a:1'));
    await done;
  });
});
