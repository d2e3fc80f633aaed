import { buildProgram, compile } from '../../../src/compiler/index.ts';
import type { Diagnostic } from '../../../src/config/diagnostic.ts';
import { positionAt } from '../../../src/config/position.ts';
import { Event } from '../../../src/event/event.ts';
import { encodeJson, parseJson } from '../../../src/event/json.ts';
import type { ValueMap } from '../../../src/event/value.ts';
import type { PluginRegistry } from '../../../src/plugin-api/index.ts';
import { registry } from '../../../src/plugins/index.ts';
import { recordLog } from '../../support/outputHarness.ts';
import { testContext } from '../../support/pluginContext.ts';

export interface Settings {
  readonly variables?: Readonly<Record<string, string>>;
  readonly supportEscapes?: boolean;
  readonly plugins?: PluginRegistry;
}

/** `code at line:column message`. */
export function faultText({ code, file, span, message }: Diagnostic): string {
  const { line, column } = positionAt(file, span.start);
  return `${code} ${line}:${column} ${message}`;
}

/** A configuration compiled, with what it makes of events. */
export async function build(
  text: string,
  { variables = {}, supportEscapes = false, plugins = registry }: Settings = {},
) {
  const { pipeline, reporter } = await compile([{ path: 'test.conf', text }], {
    registry: plugins,
    variable: (name) => variables[name],
    supportEscapes,
    fileExists: () => true,
  });
  const { logger, lines } = recordLog();
  const program = await buildProgram(pipeline, {
    supportEscapes,
    reporter,
    logger,
    contextOf: () => testContext({ logger }),
    onPoisoned: (_event, error) => {
      throw error;
    },
  });
  return {
    pipeline,
    program,
    log: lines,
    faults: () => reporter.diagnostics.map(faultText),
    /** Runs one event; gives its fields, and the numbers of the outputs it reached. */
    run(given: string | Event): { event: Event; json: string; reached: number[] } {
      if (reporter.hasErrors) throw new Error(reporter.diagnostics.map(faultText).join('\n'));
      const event = typeof given === 'string' ? new Event(parseJson(given, 'double') as ValueMap, {}) : given;
      const lists: Event[][] = program.outputs.map(() => []);
      program.process([event], lists);
      return { event, json: encodeJson(event.data), reached: lists.flatMap((list, n) => (list.length > 0 ? [n] : [])) };
    },
  };
}

/** The options of the first filter, as the plugin gets them. */
export async function filterOptions(block: string, settings: Settings = {}) {
  const built = await build(`filter { ${block} }`, settings);
  const [statement] = built.pipeline.filters;
  const options = statement?.type === 'plugin' ? statement.plugin.options : {};
  return { options: options as Readonly<Record<string, unknown>>, faults: built.faults() };
}
