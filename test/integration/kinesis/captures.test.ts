/** Every form in which Fluent Bit writes records, each on a stream of its own, read by one process with an ordinary configuration. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  CAPTURES,
  type Capture,
  canonical,
  eventsOfLogLines,
  type Fields,
  isHere,
  linesOf,
  logLinesAreHere,
  plainEvents,
  recordsOf,
} from './captures.ts';
import { type Lab, startLab } from './harness.ts';
import { Logstash } from './logstash.ts';

const EVENTS = 2_164;
const SAMPLE = 'go_seed_imds';
const SAMPLE_EVENTS = 600;
/** What Fluent Bit's `aws` filter adds. */
const AWS_FIELDS = [
  'account_id',
  'ami_id',
  'az',
  'ec2_instance_id',
  'ec2_instance_type',
  'hostname',
  'private_ip',
  'vpc_id',
];

const captures = CAPTURES.filter(isHere);
const expected = plainEvents('go_seed_noimds').map(canonical).sort();

describe(`${captures.length} of ${CAPTURES.length} captures of Fluent Bit are here: one process`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'logstash-ts-captures-'));
  let lab: Lab | undefined;
  let logstash: Logstash | undefined;
  let exitCode: number | string | undefined;

  beforeAll(async () => {
    const started = await startLab();
    lab = started;
    for (const capture of captures) {
      await started.createStream(capture, 2);
      await started.put(capture, recordsOf(capture));
    }
    const configPath = join(folder, 'captures.conf');
    writeFileSync(configPath, configuration(started, folder));
    logstash = new Logstash({ configPath, dataPath: join(folder, 'data') });
    logstash.start();
    const counts = () => captures.map((capture) => [capture, eventsOf(folder, capture).length]);
    const all = captures.map((capture) => [capture, capture === SAMPLE ? SAMPLE_EVENTS : EVENTS]);
    await vi.waitFor(() => expect(counts()).toEqual(all), { timeout: 120_000, interval: 500 });
    exitCode = await logstash.end('SIGTERM');
  }, 240_000);

  afterAll(async () => {
    await logstash?.end('SIGKILL');
    await lab?.stop();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  it('stops by itself when it is told to', () => expect(exitCode).toBe(0));

  for (const capture of captures.filter((name) => name !== SAMPLE)) {
    it(`${capture}: the same ${EVENTS} events`, () => {
      expect(eventsOf(folder, capture).map(canonical).sort()).toEqual(expected);
    });
  }

  if (captures.includes(SAMPLE)) {
    it(`${SAMPLE}: its own ${SAMPLE_EVENTS} events, which are some of the others with fields of the machine`, () => {
      const events = eventsOf(folder, SAMPLE);
      expect(events.map(canonical).sort()).toEqual(plainEvents(SAMPLE).map(canonical).sort());
      const others = new Set(expected);
      const plain = events.map((event) => canonical(without(event, AWS_FIELDS)));
      expect(plain.filter((text) => !others.has(text))).toEqual([]);
    });
  }
});

describe(`the log lines behind them are ${logLinesAreHere ? 'here' : 'not here: nothing is compared with them'}`, () => {
  it(`the expected events are ${expected.length}`, () => expect(expected).toHaveLength(EVENTS));

  if (logLinesAreHere) {
    it('the expected events are what the rules make of the lines', () => {
      expect(expected).toEqual(eventsOfLogLines().map(canonical).sort());
    });
  }
});

function configuration({ kinesisUrl, dynamodbUrl }: Lab, folder: string): string {
  const inputs = captures.map(
    (capture) => `
  kinesis {
    kinesis_stream_name => "${capture}"
    application_name => "captures-${capture}"
    codec => json
    add_field => { "[@metadata][capture]" => "${capture}" }
    additional_settings => { "kinesis_endpoint" => "${kinesisUrl}" "dynamodb_endpoint" => "${dynamodbUrl}" }
  }`,
  );
  return `input {${inputs.join('')}\n}\noutput { file { path => "${folder}/%{[@metadata][capture]}.jsonl" codec => json_lines } }\n`;
}

/** Without what every event gets. */
function eventsOf(folder: string, capture: Capture): Fields[] {
  const path = join(folder, `${capture}.jsonl`);
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  return linesOf(text).map((line) => without(JSON.parse(line), ['@timestamp', '@version']));
}

function without(event: Fields, names: readonly string[]): Fields {
  return Object.fromEntries(Object.entries(event).filter(([name]) => !names.includes(name)));
}
