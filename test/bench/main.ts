/**
 * CPU cost an event of the user's filters: lines on stdin, json, mutate, geoip twice, null; beside a bare loop of
 * `JSON.parse` and `JSON.stringify` over the same lines in the same run. Usage: npm run bench -- [--events N] [--json]
 */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { accessLogLines } from './accessLog.ts';

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '200000' },
    rounds: { type: 'string', default: '3' },
    json: { type: 'boolean' },
  },
});
const events = Number(values.events);
const folder = mkdtempSync(join(tmpdir(), 'logstash-ts-bench-'));

const CONFIG = `
input { stdin { codec => json } }
filter {
  if [logtype] in "accesslog" {
    mutate { convert => { "code" => "integer" "size" => "integer" } }
    geoip { source => "remote" target => "remote_geoip" database => "${resolve('geoip/GeoLite2-City-Test.mmdb')}" }
    geoip { source => "remote" target => "remote_geoip_asn" database => "${resolve('geoip/GeoLite2-ASN-Test.mmdb')}" }
  }
}
output { null { } }
`;

async function writeLines(path: string, count: number): Promise<void> {
  const file = createWriteStream(path);
  for (const line of accessLogLines(count)) if (!file.write(`${line}\n`)) await once(file, 'drain');
  file.end();
  await once(file, 'close');
}

/** CPU microseconds of a bare loop over the file. */
function baseline(path: string): number {
  const { stdout } = spawnSync(process.execPath, ['test/bench/baseline.ts', path], { encoding: 'utf8' });
  return JSON.parse(stdout).cpuUs;
}

/** CPU microseconds of the whole process, its start included. */
function pipeline(path: string): number {
  const configPath = join(folder, 'bench.conf');
  writeFileSync(configPath, CONFIG);
  const script = 'bin/logstash-ts -f "$1" --path.data "$2" --log.level error; echo "exit $?"; times';
  const { stdout } = spawnSync('sh', ['-c', script, 'sh', configPath, join(folder, 'data')], {
    encoding: 'utf8',
    stdio: [openSync(path, 'r'), 'pipe', 'inherit'],
  });
  if (!stdout.includes('exit 0')) throw new Error(`the pipeline failed: ${stdout}`);
  const children = stdout.trim().split('\n').at(-1) ?? '';
  const cpuUs = [...children.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, [, minutes, seconds]) => sum + (Number(minutes) * 60 + Number(seconds)) * 1e6,
    0,
  );
  return cpuUs;
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] as number;
}

try {
  const path = join(folder, 'lines.jsonl');
  const tiny = join(folder, 'one.jsonl');
  await writeLines(path, events);
  await writeLines(tiny, 1);
  const rounds = Array.from({ length: Number(values.rounds) }, () => ({
    loop: baseline(path),
    start: pipeline(tiny),
    whole: pipeline(path),
  }));
  const loopUs = median(rounds.map(({ loop }) => loop / events));
  const wholeUs = median(rounds.map(({ whole }) => whole / events));
  const eventUs = median(rounds.map(({ whole, start }) => (whole - start) / events));
  const figures = {
    events,
    loopCpuUsPerEvent: loopUs,
    cpuUsPerEvent: wholeUs,
    cpuUsPerEventWithoutStart: eventUs,
    ratio: wholeUs / loopUs,
    ratioWithoutStart: eventUs / loopUs,
  };
  if (values.json) process.stdout.write(`${JSON.stringify(figures)}\n`);
  else
    for (const [name, value] of Object.entries(figures))
      process.stdout.write(`${name.padEnd(28)} ${value.toFixed(2)}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
