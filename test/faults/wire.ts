/** Faults on the way to a server, and servers that are away. */
import { setTimeout as wait } from 'node:timers/promises';
import { until } from '../integration/pipeline/harness.ts';
import type { Fault, FaultRule } from '../support/servers/index.ts';
import type { FaultLab, ServerName } from './lab.ts';

/** What goes wrong; resolves when it is over. */
export type Disturbance = (lab: FaultLab) => Promise<void>;

export type ProxiedRequest = Parameters<FaultRule>[0];

export interface WireFault {
  readonly on: ServerName;
  readonly requests: (request: ProxiedRequest) => boolean;
  /** `hang`: no answer while the fault lasts; then the request is executed, late. */
  readonly fault: Fault | 'hang' | FaultRule;
  /** Only each so-manieth of the requests. */
  readonly each?: number;
}

export interface Duration {
  readonly ms?: number;
  /** It lasts until so many requests were hit, by each of the faults. */
  readonly hits?: number;
  /** It lasts as long as this other one. */
  readonly beside?: Disturbance;
}

const MS = 1_500;
const HITS = 3;
const HIT_WITHIN_MS = 40_000;

export const any: WireFault['requests'] = () => true;
export const isBulk: WireFault['requests'] = ({ url }) => url.includes('_bulk');
export const isUpload: WireFault['requests'] = ({ method, url }) => method === 'PUT' && url.includes('/ls.s3.');
export const isCall =
  (...operations: string[]): WireFault['requests'] =>
  ({ operation }) =>
    operations.includes(operation);

export function onTheWire(faults: readonly WireFault[], { ms = MS, hits = HITS, beside }: Duration = {}): Disturbance {
  return async (lab) => {
    const counts = faults.map(() => 0);
    let end = () => {};
    const ended = new Promise<void>((done) => {
      end = done;
    });
    for (const server of new Set(faults.map(({ on }) => on))) {
      lab.proxies[server].setRule((request) => {
        const index = faults.findIndex(({ on, requests }) => on === server && requests(request));
        const found = faults[index];
        if (found === undefined) return undefined;
        const count = (counts[index] ?? 0) + 1;
        counts[index] = count;
        if (count % (found.each ?? 1) !== 0) return undefined;
        if (found.fault === 'hang') return { kind: 'hold', until: ended };
        return typeof found.fault === 'function' ? found.fault(request) : found.fault;
      });
    }
    await Promise.all([
      wait(ms),
      beside?.(lab),
      until(
        async () => counts,
        () => counts.every((count, index) => count >= hits * (faults[index]?.each ?? 1)),
        HIT_WITHIN_MS,
        20,
      ),
    ]);
    for (const { on } of faults) lab.proxies[on].setRule(undefined);
    end();
  };
}

/** The most usual: one fault on one way. */
export function on(
  server: ServerName,
  requests: WireFault['requests'],
  fault: WireFault['fault'],
  duration?: Duration,
): Disturbance {
  return onTheWire([{ on: server, requests, fault }], duration);
}

/** Nothing but what the events bring, until so many are fed. */
export function fed(count: number): Disturbance {
  return async (lab) => {
    await until(
      async () => lab.records,
      (records) => records >= count,
    );
  };
}

/** Connections are refused. */
export function away(servers: readonly ServerName[], ms = 2 * MS): Disturbance {
  return async (lab) => {
    await Promise.all(servers.map((server) => lab.proxies[server].goAway()));
    await wait(ms);
    await Promise.all(servers.map((server) => lab.proxies[server].comeBack()));
  };
}

export function atOnce(...disturbances: readonly Disturbance[]): Disturbance {
  return async (lab) => {
    await Promise.all(disturbances.map((disturb) => disturb(lab)));
  };
}

/** Of the items of a bulk only each third is refused, by 429; the others are executed. */
export const refuseEachThirdItem: FaultRule = ({ body, count }) => {
  const lines = body.toString('utf8').split('\n').slice(0, -1);
  const isRefused = Array.from({ length: lines.length / 2 }, (_, item) => (item + count) % 3 === 0);
  const kept = lines.filter((_line, index) => !isRefused[index >> 1]).map((line) => `${line}\n`);
  const error = { type: 'es_rejected_execution_exception', reason: 'rejected execution, by a test' };
  const merge = (items: readonly object[]) => {
    const executed = items.values();
    const all = isRefused.map((refused) => (refused ? { create: { status: 429, error } } : executed.next().value));
    return Buffer.from(JSON.stringify({ took: 1, errors: isRefused.includes(true), items: all }));
  };
  if (kept.length === 0) {
    const headers = { 'content-type': 'application/json' };
    return { kind: 'answer', status: 200, headers, body: merge([]).toString() };
  }
  return {
    kind: 'rewrite',
    body: Buffer.from(kept.join('')),
    answer: (answer) => merge((JSON.parse(answer.toString('utf8')) as { items: object[] }).items),
  };
};

export const RESET: Fault = { kind: 'reset' };
export const LOSE_REPLY: Fault = { kind: 'loseReply' };
export const CUT: Fault = { kind: 'cut', afterBytes: 1 };

export function refusedByElasticsearch(status: number, type: string): Fault {
  const body = JSON.stringify({ error: { type, reason: 'by a test' }, status });
  return { kind: 'answer', status, headers: { 'content-type': 'application/json' }, body };
}

export function refusedByS3(status: number, code: string): Fault {
  const body = `<Error><Code>${code}</Code><Message>By a test.</Message></Error>`;
  return { kind: 'answer', status, headers: { 'content-type': 'application/xml' }, body };
}
