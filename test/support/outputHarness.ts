import { Event } from '../../src/event/event.ts';
import { SourceBatch } from '../../src/event/sourceBatch.ts';
import type { Value } from '../../src/event/value.ts';
import type { CodecFactory, OptionSpec, OutputContext, OutputDefinition } from '../../src/plugin-api/index.ts';
import { jsonLines } from '../../src/plugins/codecs/json_lines.ts';
import type { Logger } from '../../src/util/logger.ts';
import { type TestContext, testContext } from './pluginContext.ts';

/** Lines as `LEVEL message`, for a test to look into. */
export interface RecordedLog {
  readonly logger: Logger;
  readonly lines: string[];
}

export function recordLog(): RecordedLog {
  const lines: string[] = [];
  const at = (level: string) => (message: string) => void lines.push(`${level} ${message}`);
  const logger = {
    trace: at('TRACE'),
    debug: at('DEBUG'),
    info: at('INFO'),
    warn: at('WARN'),
    error: at('ERROR'),
    fatal: at('FATAL'),
  };
  return { logger, lines };
}

export type TestOutputContext = TestContext;

export function outputContext(overrides: Partial<OutputContext> = {}): TestOutputContext {
  return testContext(overrides);
}

export function jsonLinesCodec(): CodecFactory {
  const open = jsonLines.create({ ...defaultsOf(jsonLines.options), delimiter: '\n' }, testContext());
  return { name: 'json_lines', open };
}

export function defaultsOf(options: Readonly<Record<string, OptionSpec<unknown>>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(options).map(([name, spec]) => [name, spec.default]));
}

/** The output's options with their defaults, as the compiler would make them. */
export function outputOptions(
  definition: OutputDefinition,
  given: Readonly<Record<string, unknown>>,
): Parameters<OutputDefinition['create']>[0] {
  return { ...defaultsOf(definition.options), codec: jsonLinesCodec(), ...given } as Parameters<
    OutputDefinition['create']
  >[0];
}

/** Events that share one batch; how many of them are settled can be asked at any time. */
export class TestBatch {
  readonly events: Event[];
  readonly #batch = new SourceBatch();

  /** `origin` makes them events of a source that can bring them again. */
  constructor(
    data: readonly Readonly<Record<string, Value>>[],
    { origin, timestampMs = Date.UTC(2020, 9, 20, 3, 56) }: { origin?: string; timestampMs?: number } = {},
  ) {
    this.events = data.map((fields) => {
      const event = Event.fromMap({ ...fields }, timestampMs);
      event.batch = this.#batch;
      event.origin = origin;
      this.#batch.hold();
      return event;
    });
  }

  get settled(): number {
    return this.events.length + 1 - this.#batch.unsettled;
  }

  get isSettled(): boolean {
    return this.settled === this.events.length;
  }
}

/** `count` events `{ n, …fields }`. */
export function numbered(count: number, fields: Readonly<Record<string, Value>> = {}): Record<string, Value>[] {
  return Array.from({ length: count }, (_, n) => ({ n, ...fields }));
}
