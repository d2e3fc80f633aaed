/** The resolved pipeline as one generated function. */
import type { SourceFile } from '../config/ast.ts';
import { positionAt } from '../config/position.ts';
import type { Event } from '../event/event.ts';
import {
  emitSteps,
  type Filter,
  type FilterDefinition,
  type OutputDefinition,
  PluginConfigError,
  type PluginContext,
} from '../plugin-api/index.ts';
import type { Logger } from '../util/logger.ts';
import { loadRegexCompiler, type RegexCompiler } from '../util/rubyRegex.ts';
import { CodeWriter } from './codeWriter.ts';
import { type ConditionContext, conditionCode, conditionHelpers } from './condition.ts';
import { type FilterDecorationOptions, filterDecorations } from './decorate.ts';
import { eventFailure } from './eventFailure.ts';
import type { Reporter } from './reporter.ts';
import type { ResolvedBranch, ResolvedPipeline, ResolvedStatement } from './resolve.ts';
import { type ResolvedPlugin, reportPluginError } from './resolvePlugin.ts';

/** What happened to events inside the program. */
export interface ProgramStats {
  /** Cancelled by a filter. */
  dropped: number;
  /** Reached no output. */
  unrouted: number;
  /** Comparisons at which Logstash's worker would have died. */
  incomparable: number;
  /** Exceptions of filters, after which the event went on with a tag. */
  filterExceptions: number;
}

export interface Program {
  /**
   * Filters the events and appends each that lives to the list of every output it reaches, with a hold on its batch. Lists
   * stand in the order of `outputs`.
   */
  readonly process: (events: readonly Event[], lists: readonly Event[][]) => void;
  readonly filters: readonly Filter[];
  readonly outputs: readonly ResolvedPlugin<OutputDefinition>[];
  readonly stats: ProgramStats;
  /** The generated function's body, for people. */
  readonly source: string;
}

export interface ProgramSettings {
  /** `config.support_escapes` */
  readonly supportEscapes: boolean;
  readonly reporter: Reporter;
  readonly contextOf: (plugin: ResolvedPlugin) => PluginContext;
  /** Takes an event that makes the generated code itself throw. Lists that have it already keep it. */
  readonly onPoisoned: (event: Event, error: unknown) => void;
  /** For what is only found out while events run. */
  readonly logger: Logger;
}

/** Creates the filters and generates the code. Faults go to the reporter; the program is then not to be run. */
export async function buildProgram(pipeline: ResolvedPipeline, settings: ProgramSettings): Promise<Program> {
  const builder = new ProgramBuilder(settings, await regexCompilerFor(pipeline));
  return builder.build(pipeline);
}

/** Loaded only when a condition matches something. */
async function regexCompilerFor(pipeline: ResolvedPipeline): Promise<RegexCompiler> {
  const branches = [...branchesOf(pipeline.filters), ...branchesOf(pipeline.outputs)];
  const hasMatch = branches.some((branch) =>
    JSON.stringify(branch.arms.map((arm) => arm.condition)).includes('"match"'),
  );
  if (hasMatch) return loadRegexCompiler();
  return () => {
    throw new Error('the regular expression compiler was not loaded');
  };
}

function branchesOf<D extends FilterDefinition | OutputDefinition>(
  statements: readonly ResolvedStatement<D>[],
): ResolvedBranch<D>[] {
  return statements.flatMap((statement) =>
    statement.type === 'plugin'
      ? []
      : [statement, ...statement.arms.flatMap((arm) => branchesOf(arm.body)), ...branchesOf(statement.otherwise)],
  );
}

class ProgramBuilder {
  readonly #settings: ProgramSettings;
  readonly #regex: RegexCompiler;
  readonly #code = new CodeWriter();
  readonly #filters: Filter[] = [];
  readonly #outputs: ResolvedPlugin<OutputDefinition>[] = [];
  readonly #stats: ProgramStats = { dropped: 0, unrouted: 0, incomparable: 0, filterExceptions: 0 };

  constructor(settings: ProgramSettings, regex: RegexCompiler) {
    this.#settings = settings;
    this.#regex = regex;
  }

  async build(pipeline: ResolvedPipeline): Promise<Program> {
    const filters = await this.#createFilters(pipeline.filters);
    const code = this.#code;
    const stats = code.constant(this.#stats);
    const writeBody = () => {
      code.line('let matched;');
      this.#statements(pipeline.filters, ({ plugin }) => {
        const filter = filters.get(plugin);
        if (filter !== undefined) this.#filterStep(plugin, filter);
        code.line(`if (e.cancelled) { ${stats}.dropped++; continue; }`);
      });
      code.line('let reached = false;');
      this.#statements(pipeline.outputs, ({ plugin }) => {
        const index = this.#outputs.push(plugin) - 1;
        code.line(`e.batch.hold(); lists[${index}].push(e); reached = true;`);
      });
      code.line(`if (!reached) ${stats}.unrouted++;`);
    };
    code.block('for (let i = 0; i < events.length; i++)', () => {
      code.line('const e = events[i];');
      code.block('try', writeBody, `} catch (error) { ${code.constant(this.#settings.onPoisoned)}(e, error); }`);
    });
    const process = code.compile('events, lists', conditionHelpers) as Program['process'];
    return { process, filters: this.#filters, outputs: this.#outputs, stats: this.#stats, source: code.source };
  }

  #statements<D extends FilterDefinition | OutputDefinition>(
    statements: readonly ResolvedStatement<D>[],
    write: (statement: { plugin: ResolvedPlugin<D> }) => void,
  ): void {
    for (const statement of statements) {
      if (statement.type === 'plugin') {
        write(statement);
        continue;
      }
      const context = this.#conditionContext(statement.file);
      for (const [index, arm] of statement.arms.entries()) {
        const head = `${index === 0 ? '' : 'else '}if (${conditionCode(arm.condition, context)})`;
        this.#code.block(head, () => this.#statements(arm.body, write));
      }
      if (statement.otherwise.length > 0) {
        this.#code.block('else', () => this.#statements(statement.otherwise, write));
      }
    }
  }

  #conditionContext(file: SourceFile): ConditionContext {
    return {
      code: this.#code,
      file,
      reporter: this.#settings.reporter,
      regex: this.#regex,
      supportEscapes: this.#settings.supportEscapes,
      onIncomparable: (where, offset) => this.#incomparable(where, offset),
    };
  }

  /** Says it once per place: one bad field would otherwise fill the log. */
  #incomparable(file: SourceFile, offset: number): () => void {
    let said = false;
    return () => {
      this.#stats.incomparable++;
      if (said) return;
      said = true;
      const { line, column } = positionAt(file, offset);
      this.#settings.logger.warn(
        `${file.path}:${line}:${column}: values that cannot be compared; the condition is false (said once)`,
      );
    };
  }

  async #createFilters(
    statements: readonly ResolvedStatement<FilterDefinition>[],
  ): Promise<Map<ResolvedPlugin<FilterDefinition>, Filter>> {
    const filters = new Map<ResolvedPlugin<FilterDefinition>, Filter>();
    for (const plugin of pluginsOf(statements)) {
      const filter = await this.#createFilter(plugin);
      if (filter === undefined) continue;
      this.#filters.push(filter);
      filters.set(plugin, filter);
    }
    return filters;
  }

  async #createFilter(plugin: ResolvedPlugin<FilterDefinition>): Promise<Filter | undefined> {
    try {
      return await plugin.definition.create(plugin.options, this.#settings.contextOf(plugin));
    } catch (error) {
      if (!(error instanceof PluginConfigError)) throw error;
      reportPluginError(error, plugin.node, plugin.file, this.#settings.reporter);
      return undefined;
    }
  }

  /** Where Logstash's worker would die of an exception, the event goes on. */
  #filterStep(plugin: ResolvedPlugin<FilterDefinition>, filter: Filter): void {
    const code = this.#code;
    const { logger } = this.#settings.contextOf(plugin);
    const stats = this.#stats;
    const failed = eventFailure(plugin.definition, logger, () => stats.filterExceptions++);
    const writeWork = () => {
      code.line('matched = false;');
      if (filter.emitCode === undefined) code.line(`matched = ${code.constant(filter)}.apply(e);`);
      else filter.emitCode(code);
    };
    code.block('try', writeWork, `} catch (error) { matched = false; ${code.constant(failed)}(e, error); }`);
    // The resolver has validated them against the schema of common options.
    const decorations = filterDecorations(plugin.options as unknown as FilterDecorationOptions);
    if (decorations.length === 0) return;
    const undecorated = filter.decorationFailed?.bind(filter) ?? failed;
    code.block(
      'if (matched) try',
      () => {
        emitSteps(code, decorations);
      },
      `} catch (error) { ${code.constant(undecorated)}(e, error); }`,
    );
  }
}

/** Every plugin of the statements, in written order. */
function pluginsOf<D extends FilterDefinition | OutputDefinition>(
  statements: readonly ResolvedStatement<D>[],
): ResolvedPlugin<D>[] {
  return statements.flatMap((statement) =>
    statement.type === 'plugin'
      ? [statement.plugin]
      : [...statement.arms.flatMap((arm) => pluginsOf(arm.body)), ...pluginsOf(statement.otherwise)],
  );
}
