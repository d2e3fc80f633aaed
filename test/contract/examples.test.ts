/** Every example of the reference is run as a user would run it. */
import { describe, expect, it } from 'vitest';
import type { FilterDefinition } from '../../src/plugin-api/index.ts';
import { runCase } from '../support/golden.ts';
import { registeredPlugins } from './support.ts';

const filters = (await registeredPlugins()).map(({ definition }) => definition).filter((d) => d.kind === 'filter');

async function run(config: string, event: object): Promise<unknown> {
  const record = Buffer.from(JSON.stringify(event));
  const { errors, outputs } = await runCase({ config: `filter { ${config} }`, records: [record] });
  if (errors.length > 0) return errors;
  if (outputs.length !== 1) return outputs.length === 0 ? null : outputs;
  const { '@timestamp': _time, '@version': _version, ...fields } = JSON.parse(outputs[0] ?? '');
  return fields;
}

describe.each(filters)('filter $name', ({ name, examples }: FilterDefinition) => {
  it('has an example that names it', () => {
    expect(examples.filter(({ config }) => config.includes(name)).length).toBeGreaterThan(0);
  });

  it.runIf(examples.length > 0).each(examples)('$title', async (example) => {
    expect(await run(example.config, example.in)).toEqual(example.out);
  });
});
