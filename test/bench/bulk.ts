/**
 * Documents a CPU second of the elasticsearch output, to a local sink, and of a real server that takes them: with ids made of
 * the records and with ids made by the server, with gzip and without. The output starts with events that are ready, so that the
 * figures are those of encoding, sending, and reading the answers.
 * Usage: node test/bench/bulk.ts [--documents N] [--rounds N] [--server 7.9.2 | none | another version of scripts/setup/searchServers.ts]
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { searchServers } from '../../scripts/setup/searchServers.ts';
import { Event } from '../../src/event/event.ts';
import { encodeJson } from '../../src/event/json.ts';
import { SourceBatch } from '../../src/event/sourceBatch.ts';
import type { ValueMap } from '../../src/event/value.ts';
import type { ConfigValue } from '../../src/plugin-api/index.ts';
import { fittedTemplate } from '../../src/plugins/outputs/elasticsearch/fittedTemplate.ts';
import { elasticsearch } from '../../src/plugins/outputs/elasticsearch/index.ts';
import { jsonLinesCodec, outputContext } from '../support/outputHarness.ts';
import { nodeArguments, type Server, startChild, startSearchServer } from '../support/servers/index.ts';
import { parseOptions } from '../unit/plugins/elasticsearch/support.ts';
import { accessLogLines } from './accessLog.ts';
import { median } from './statistics.ts';

const { values } = parseArgs({
  options: {
    documents: { type: 'string', default: '200000' },
    rounds: { type: 'string', default: '5' },
    server: { type: 'string', default: '7.9.2' },
  },
});
const documents = Number(values.documents);
const rounds = Number(values.rounds);

const SLICE = 500;
const SHARDS = 4;

interface Variant {
  readonly name: string;
  readonly given: Readonly<Record<string, ConfigValue>>;
}

const BY_RECORD: Variant = { name: 'id of the record', given: {} };
const VARIANTS: readonly Variant[] = [
  { name: "the server's ids", given: { idempotent: 'false' } },
  { name: "the server's ids, gzip", given: { idempotent: 'false', compression_level: 1 } },
  BY_RECORD,
  { name: 'id of the record, gzip', given: { compression_level: 1 } },
];
/** The same records once more: the server has them all. */
const REPLAY = 'id of the record, replayed: all 409';

/** What the user's filters make of access log lines. */
function makeEvents(): Event[] {
  return [...accessLogLines(SLICE)].map((line) => {
    const fields = JSON.parse(line) as ValueMap;
    const place = { country_name: 'South Korea', city_name: 'Seoul', location: { lat: 37.5, lon: 127.25 } };
    const remote_geoip = {
      ip: fields['remote'] ?? null,
      continent_code: 'AS',
      latitude: 37.5,
      longitude: 127.25,
      ...place,
    };
    return Event.fromMap({ ...fields, code: Number(fields['code']), size: 1234, remote_geoip }, Date.now());
  });
}

const events = makeEvents();
const documentBytes = events.reduce((sum, { data }) => sum + Buffer.byteLength(encodeJson(data)), 0) / events.length;

/** As Kinesis numbers records: 56 digits, growing by shard. */
const origins = Array.from({ length: documents }, (_, n) => {
  const sequence = 49_590_338_271_490_256_608n * 10n ** 36n + BigInt(n) * 16n;
  return `logs/shardId-00000000000${n % SHARDS}/${sequence}/0`;
});

async function write(url: string, index: string, { given }: Variant): Promise<void> {
  const context = outputContext();
  const options = parseOptions({ hosts: url, index, manage_template: 'false', ...given });
  const output = await elasticsearch.create({ ...options, codec: jsonLinesCodec() }, context);
  for (let n = 0; n < documents; n += SLICE) {
    const batch = new SourceBatch();
    for (const [place, event] of events.entries()) {
      batch.hold();
      event.batch = batch;
      event.origin = origins[n + place];
    }
    await output.write(events);
  }
  await output.close();
  const written = context.counters.get('documents.successes')?.value;
  if (written !== documents) throw new Error(`${written} of ${documents} documents are written`);
}

/** CPU seconds of this process. */
async function ownCpu(task: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  await task();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

const TICKS_A_SECOND = 100;

function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
}

/** CPU seconds of each variant, the median of all rounds but those that warm up; the order changes from round to round. */
async function measure(
  variants: readonly Variant[],
  warmUps: number,
  run: (variant: Variant, round: number) => Promise<ReadonlyMap<string, number>>,
): Promise<Map<string, number>> {
  const seconds = new Map<string, number[]>();
  for (let round = 0; round < warmUps + rounds; round++) {
    const turn = round % variants.length;
    for (const variant of [...variants.slice(turn), ...variants.slice(0, turn)]) {
      const taken = await run(variant, round);
      if (round < warmUps) continue;
      for (const [name, cpu] of taken) seconds.set(name, [...(seconds.get(name) ?? []), cpu]);
    }
  }
  return new Map([...seconds].map(([name, all]) => [name, median(all)]));
}

async function toSink(): Promise<Map<string, number>> {
  const child = await startChild({
    name: 'sink',
    command: process.execPath,
    args: nodeArguments('test/bench/bulkSink.ts'),
    ready: async (sink) => sink.stdout().includes('\n'),
  });
  const { url } = JSON.parse(child.stdout()) as { url: string };
  const seconds = await measure(VARIANTS, 1, async (variant) => {
    return new Map([[variant.name, await ownCpu(() => write(url, 'bench-202611', variant))]]);
  });
  await child.stop();
  return seconds;
}

async function call(server: Server, method: string, path: string, body?: object): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(server.url + path, { method, ...(body && { headers, body: JSON.stringify(body) }) });
  if (!answer.ok) throw new Error(`${method} ${path}: ${await answer.text()}`);
}

async function toServer(version: string): Promise<Map<string, number>> {
  const kind = searchServers.find((each) => each.version === version);
  if (kind === undefined) throw new Error(`no server of version ${version}`);
  const server = await startSearchServer(kind);
  const place = { field: '[remote_geoip][location]', type: 'geo_point' } as const;
  const settings = { patterns: ['bench-*'], fieldTypes: [place], api: 'composable', isDataStream: false } as const;
  await call(server, 'PUT', '/_index_template/bench', fittedTemplate(settings));

  /** The JVM compiles for long: it needs more rounds to warm up. */
  const seconds = await measure(VARIANTS, 3, async (variant, round) => {
    const index = `bench-${round}-${VARIANTS.indexOf(variant)}`;
    const taken = new Map([[variant.name, await serverCpu(server, index, variant)]]);
    if (variant === BY_RECORD) taken.set(REPLAY, await serverCpu(server, index, variant));
    await call(server, 'DELETE', `/${index}`);
    return taken;
  });
  await server.stop();
  return seconds;
}

async function serverCpu(server: Server, index: string, variant: Variant): Promise<number> {
  const before = cpuOf(server.pid ?? 0);
  await write(server.url, index, variant);
  await call(server, 'POST', `/${index}/_flush`);
  return cpuOf(server.pid ?? 0) - before;
}

const own = await toSink();
const theirs = values.server === 'none' ? new Map<string, number>() : await toServer(values.server);
const rate = (seconds: number | undefined) =>
  seconds === undefined ? '-' : Math.round(documents / seconds).toLocaleString('en');
const row = (name: string, left: string, right: string) =>
  `${name.padEnd(38)}${left.padStart(16)}${right.padStart(16)}\n`;
process.stdout.write(
  `${documents} documents of ${Math.round(documentBytes)} bytes, median of ${rounds} rounds; documents a CPU second\n`,
);
process.stdout.write(row('', 'our process', values.server === 'none' ? '' : `server ${values.server}`));
for (const name of [...VARIANTS.map((variant) => variant.name), REPLAY]) {
  process.stdout.write(row(name, rate(own.get(name)), rate(theirs.get(name))));
}
