import { expect, it } from 'vitest';
import { buildProgram, compile } from '../../../src/compiler/index.ts';
import { registry } from '../../../src/plugins/index.ts';
import { silentLogger } from '../../../src/util/logger.ts';
import { testContext } from '../../support/pluginContext.ts';

async function faultsOf(text: string): Promise<string[]> {
  const { pipeline, reporter } = await compile([{ path: 'x.conf', text }], {
    registry,
    variable: () => undefined,
    supportEscapes: false,
    fileExists: () => true,
  });
  await buildProgram(pipeline, {
    supportEscapes: false,
    reporter,
    logger: silentLogger,
    contextOf: () => testContext(),
    onPoisoned: () => {},
  });
  return reporter.diagnostics.map(({ code, span }) => `${span.start} ${code}`);
}

it('tells all faults of one plugin at once, in the order of their places', async () => {
  const text =
    'filter { mutate { gsub => ["a", "(", "b", "c"] conver => {} convert => { "a" => "int" "b" => "text" } } }';
  const gsub = text.indexOf('["a"');
  const convert = text.indexOf('{ "a" => "int"');
  expect(await faultsOf(text)).toEqual([
    `${gsub} LST310`,
    `${gsub} LST310`,
    `${text.indexOf('conver =>')} LST302`,
    `${convert} LST310`,
    `${convert} LST310`,
  ]);
});

it('checks the options of a plugin whose codec is unknown', async () => {
  const text =
    'input { kinesis { kinesis_stream_name => "a" codec => nope additional_settings => { "max_record" => 1 } } }';
  expect(await faultsOf(text)).toEqual([`${text.indexOf('nope')} LST301`, `${text.indexOf('{ "max_record"')} LST310`]);
});

const input = (options: string) => `kinesis { kinesis_stream_name => ${options} }`;

it('refuses a second stream on one lease table, where Logstash would starve one of them', async () => {
  const text = `input { ${input('"a"')} ${input('"b"')} }`;
  expect(await faultsOf(text)).toEqual([`${text.lastIndexOf('kinesis {')} LST310`]);
});

it.each([
  ['the same stream twice', input('"a"')],
  ['a table of its own', input('"b" application_name => "other"')],
  ['the same name in another region', input('"b" region => "eu-west-1"')],
])('takes %s beside it', async (_name, second) => {
  expect(await faultsOf(`input { ${input('"a"')} ${second} }`)).toEqual([]);
});
