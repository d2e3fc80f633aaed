/** Programs of others that do the same work, where they are installed. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findTool } from '../../scripts/setup/tools.ts';
import { logstashShape, type Shape } from './check.ts';
import { type Launch, measure } from './measure.ts';
import { intoFile, outcomeOf, type Program, type Work } from './programs.ts';
import { startSink } from './sinks.ts';

const USUAL_PLACE = '/usr/sbin/syslog-ng';
const HINT = 'syslog-ng is not here: apt-get install syslog-ng-core syslog-ng-mod-geoip2 syslog-ng-mod-http\n';

/** Those that are there; for others a line says what to install. */
export async function peers(work: Work): Promise<Program[]> {
  const command = findTool('syslog-ng') ?? (existsSync(USUAL_PLACE) ? USUAL_PLACE : undefined);
  if (command !== undefined) return [syslogNgToFile(work, command), await syslogNgToElasticsearch(work, command)];
  process.stderr.write(HINT);
  return [];
}

/** It writes empty texts for what a place does not have. */
const shape: Shape = (event) => {
  const { code, country, city, organisation } = logstashShape(event);
  return { code, country: country || undefined, city: city || undefined, organisation: organisation || undefined };
};

function syslogNgToFile(work: Work, command: string): Program {
  const outputFile = join(work.folder, 'syslog-ng.jsonl');
  return {
    id: 'syslog-ng A',
    title: 'syslog-ng A',
    shape,
    run: () => {
      const destination = `file("${outputFile}" template("${EVENT}\\n"))`;
      return intoFile({ ...syslogNg(work, command, destination), outputFile });
    },
    stop: async () => {},
  };
}

async function syslogNgToElasticsearch(work: Work, command: string): Promise<Program> {
  const sink = await startSink('bulkSink');
  const destination = `http(
    url("${sink.url}/_bulk") method("POST") headers("Content-Type: application/x-ndjson") workers(1)
    batch-lines(1000) batch-timeout(1000) delimiter("\\n") body-suffix("\\n")
    body("{\\"create\\":{\\"_index\\":\\"accesslog-202611\\"}}\\n${EVENT}"))`;
  return {
    id: 'syslog-ng B',
    title: 'syslog-ng B',
    shape,
    run: async () => outcomeOf(await measure(syslogNg(work, command, destination)), sink),
    stop: () => sink.stop(),
  };
}

/** What an event becomes: the fields that Logstash writes, under the same names. */
const PAIRS = [
  'code=int64(${code})',
  'size=int64(${size})',
  'remote_geoip.ip=${remote}',
  'remote_geoip.city_name=${city.city.names.en}',
  'remote_geoip.continent_code=${city.continent.code}',
  'remote_geoip.country_name=${city.country.names.en}',
  'remote_geoip.country_code2=${city.country.iso_code}',
  'remote_geoip.region_name=${city.subdivisions.0.names.en}',
  'remote_geoip.region_code=${city.subdivisions.0.iso_code}',
  'remote_geoip.postal_code=${city.postal.code}',
  'remote_geoip.timezone=${city.location.time_zone}',
  'remote_geoip.location.lat=${city.location.latitude}',
  'remote_geoip.location.lon=${city.location.longitude}',
  'remote_geoip_asn.asn=${asn.autonomous_system_number}',
  'remote_geoip_asn.as_org=${asn.autonomous_system_organization}',
];
const FIELDS = ['agent', 'host', 'logtype', 'method', 'path', 'referer', 'remote', 'time', 'user'];
const EVENT = `$(format-json --scope none ${[
  ...FIELDS.map((field) => `--key ${field}`),
  ...PAIRS.map((pair) => `--pair ${pair}`),
].join(' ')})`;

function syslogNg(work: Work, command: string, destination: string): Launch {
  const configPath = join(work.folder, 'syslog-ng.conf');
  const { city, asn } = work.databases;
  const config = `@version: current
options { stats-freq(0); on-error("fallback-to-string"); log-fifo-size(100000); };
log {
  source { stdin(flags(no-parse) log-iw-size(10000) log-fetch-limit(1000)); };
  parser { json-parser(); };
  if {
    filter { "\${logtype}" eq "accesslog" };
    parser { geoip2("\${remote}" prefix("city.") database("${city}")); };
    parser { geoip2("\${remote}" prefix("asn.") database("${asn}")); };
  };
  destination { ${destination}; };
  flags(flow-control);
};
`;
  writeFileSync(configPath, config);
  const at = (name: string) => join(work.folder, name);
  const state = ['-R', at('syslog-ng.persist'), '-c', at('syslog-ng.ctl'), '-p', at('syslog-ng.pid')];
  return {
    command,
    args: ['-F', '--no-caps', '-f', configPath, ...state],
    stdin: work.lines,
    // Its usual way of waiting for input cannot wait for a file on stdin.
    env: { IV_EXCLUDE_POLL_METHOD: 'epoll-timerfd epoll' },
  };
}
