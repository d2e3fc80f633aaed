/** One plugin block to its definition and validated options. */
import { createHash } from 'node:crypto';
import type { AttributeNode, PluginNode, SourceFile, Span } from '../config/ast.ts';
import { missingVariableMessage } from '../config/variables.ts';
import { commonOptions } from '../plugin-api/commonOptions.ts';
import {
  type CodecFactory,
  type ConfigValue,
  type OptionContext,
  OptionError,
  type OptionSpec,
  PluginConfigError,
  type PluginContext,
  type PluginDefinition,
  type PluginKind,
  type PluginRegistry,
} from '../plugin-api/index.ts';
import { closest } from '../util/closest.ts';
import { joinedValue, UndefinedVariable, type ValueSettings } from './configValue.ts';
import type { Reporter } from './reporter.ts';

export interface ResolveSettings extends ValueSettings {
  readonly registry: PluginRegistry;
  readonly fileExists: (path: string) => boolean;
  readonly reporter: Reporter;
}

export interface ResolvedPlugin<D extends PluginDefinition = PluginDefinition> {
  readonly definition: D;
  /** Validated, with defaults; `codec` is a factory that needs `openCodec` first. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly id: string;
  readonly node: PluginNode;
  readonly file: SourceFile;
  /** The codec of an input or output, which is opened with the plugin's own context. */
  readonly codec: ResolvedPlugin | undefined;
}

/** `undefined` when a fault was reported. */
export async function resolvePlugin(
  kind: PluginKind,
  node: PluginNode,
  file: SourceFile,
  settings: ResolveSettings,
): Promise<ResolvedPlugin | undefined> {
  const definition = node.nameQuoted ? undefined : await settings.registry.load(kind, node.name);
  if (definition === undefined) {
    reportUnknownPlugin(kind, node, file, settings);
    return undefined;
  }
  return new PluginResolver(kind, definition, node, file, settings).resolve();
}

function reportUnknownPlugin(kind: PluginKind, node: PluginNode, file: SourceFile, settings: ResolveSettings): void {
  const names = settings.registry.names(kind);
  const near = closest(node.name, names);
  const hint = node.nameQuoted
    ? 'write the name without quotes'
    : near === undefined
      ? node.name === 'else'
        ? '`else` must follow the closing brace of its `if`'
        : `available: ${names.join(', ')}`
      : `did you mean \`${near}\`?`;
  const name = node.nameQuoted ? file.text.slice(node.nameSpan.start, node.nameSpan.end) : node.name;
  settings.reporter.error('LST301', file, node.nameSpan, `Couldn't find any ${kind} plugin named '${name}'`, hint);
}

class PluginResolver {
  readonly #kind: PluginKind;
  readonly #definition: PluginDefinition;
  readonly #node: PluginNode;
  readonly #file: SourceFile;
  readonly #settings: ResolveSettings;
  readonly #specs: Readonly<Record<string, OptionSpec<unknown>>>;
  #failed = false;
  /** A declared option is missing or could not be read. */
  #unreadable = false;

  constructor(
    kind: PluginKind,
    definition: PluginDefinition,
    node: PluginNode,
    file: SourceFile,
    settings: ResolveSettings,
  ) {
    this.#kind = kind;
    this.#definition = definition;
    this.#node = node;
    this.#file = file;
    this.#settings = settings;
    this.#specs = { ...commonOptions(kind), ...definition.options };
  }

  async resolve(): Promise<ResolvedPlugin | undefined> {
    const given = new Map<string, AttributeNode[]>();
    for (const attribute of this.#node.attributes) {
      const same = given.get(attribute.name);
      if (same === undefined) given.set(attribute.name, [attribute]);
      else same.push(attribute);
    }
    const options: Record<string, unknown> = {};
    let codec: ResolvedPlugin | undefined;
    for (const [name, spec] of Object.entries(this.#specs)) {
      const attributes = given.get(name);
      given.delete(name);
      if (name === 'codec' && spec.type === 'codec') codec = await this.#resolveCodec(attributes);
      else options[name] = attributes === undefined ? this.#absent(name, spec) : this.#parse(name, spec, attributes);
    }
    for (const attributes of given.values()) for (const attribute of attributes) this.#reportUnknown(attribute);
    // What cannot be read cannot be checked; a wrong name beside it can wait for nothing.
    if (!this.#unreadable) await this.#check(options);
    if (this.#failed) return undefined;
    this.#advise(options);
    const id = typeof options['id'] === 'string' ? options['id'] : this.#generatedId();
    return { definition: this.#definition, options, id, node: this.#node, file: this.#file, codec };
  }

  #absent(name: string, spec: OptionSpec<unknown>): unknown {
    if (spec.required) {
      this.#unreadable = true;
      this.#fail('LST303', this.#node.nameSpan, `${this.#what} needs \`${name}\``, spec.doc);
    }
    return spec.default;
  }

  #parse(name: string, spec: OptionSpec<unknown>, attributes: readonly AttributeNode[]): unknown {
    const last = attributes.at(-1) as AttributeNode;
    if (spec.refused !== undefined) {
      const text = spec.refused.obsolete
        ? `The setting \`${name}\` in plugin \`${this.#node.name}\` is obsolete and is no longer available`
        : `option \`${name}\` of ${this.#what} is not supported`;
      this.#fail(spec.refused.obsolete ? 'LST305' : 'LST307', last.nameSpan, text, spec.refused.reason);
      return undefined;
    }
    if (spec.deprecated !== undefined) {
      this.#settings.reporter.warning(
        'LST306',
        this.#file,
        last.nameSpan,
        `option \`${name}\` of ${this.#what} is deprecated`,
        spec.deprecated,
      );
    }
    const value = this.#value(attributes);
    if (value === undefined) {
      this.#unreadable = true;
      return undefined;
    }
    try {
      return spec.parse(value, this.#optionContext);
    } catch (error) {
      if (!(error instanceof OptionError)) throw error;
      this.#unreadable = true;
      const shown = spec.secret ? 'the value is not valid (it is not shown: it may be a secret)' : error.message;
      this.#fail('LST304', last.value.span, `invalid \`${name}\` of ${this.#what}: ${shown}`, `type: ${spec.type}`);
      return undefined;
    }
  }

  #value(attributes: readonly AttributeNode[]): ConfigValue | undefined {
    const last = attributes.at(-1) as AttributeNode;
    try {
      return joinedValue(attributes, this.#settings);
    } catch (error) {
      if (!(error instanceof UndefinedVariable)) throw error;
      this.#fail(
        'LST308',
        last.value.span,
        missingVariableMessage(error.variable),
        'set it, or give a default: `${NAME:default}`',
      );
      return undefined;
    }
  }

  readonly #optionContext: OptionContext = {
    fileExists: (path) => this.#settings.fileExists(path),
    codec: () => {
      throw new OptionError('a codec cannot be used here');
    },
  };

  async #resolveCodec(attributes: readonly AttributeNode[] | undefined): Promise<ResolvedPlugin | undefined> {
    const node = attributes === undefined ? this.#defaultCodecNode() : this.#codecNode(attributes);
    if (node === undefined) return undefined;
    const resolved = await resolvePlugin('codec', this.#streamingCodec(node), this.#file, this.#settings);
    if (resolved === undefined) this.#failed = true;
    return resolved;
  }

  #codecNode(attributes: readonly AttributeNode[]): PluginNode | undefined {
    const last = attributes.at(-1) as AttributeNode;
    const value = this.#value(attributes);
    if (value === undefined) return undefined;
    if (last.value.type === 'plugin') return last.value;
    if (typeof value === 'string') return namedCodec(value, last.value.span);
    this.#fail('LST304', last.value.span, `invalid \`codec\` of ${this.#what}: expected a name or a plugin block`);
    return undefined;
  }

  #defaultCodecNode(): PluginNode | undefined {
    if (!('defaultCodec' in this.#definition)) return undefined;
    return namedCodec(this.#definition.defaultCodec, this.#node.nameSpan);
  }

  /** A stream of bytes has no record ends, so Logstash reads `plain` as `line` there, and `json` as `json_lines`. */
  #streamingCodec(node: PluginNode): PluginNode {
    if (!('streaming' in this.#definition) || !this.#definition.streaming) return node;
    const name = node.name === 'plain' ? 'line' : node.name === 'json' ? 'json_lines' : node.name;
    return { ...node, name };
  }

  #reportUnknown(attribute: AttributeNode): void {
    const near = closest(attribute.name, Object.keys(this.#specs));
    this.#fail(
      'LST302',
      attribute.nameSpan,
      `unknown option \`${attribute.name}\` for ${this.#what}`,
      near === undefined ? undefined : `did you mean \`${near}\`?`,
    );
  }

  async #check(options: Record<string, unknown>): Promise<void> {
    const report = (error: PluginConfigError) => {
      this.#failed = true;
      reportPluginError(error, this.#node, this.#file, this.#settings.reporter);
    };
    try {
      await this.#definition.check?.(options, (message, option) => report(new PluginConfigError(message, option)));
    } catch (error) {
      if (!(error instanceof PluginConfigError)) throw error;
      report(error);
    }
  }

  #advise(options: Record<string, unknown>): void {
    const given = new Set(this.#node.attributes.map(({ name }) => name));
    for (const { message, option, hint } of this.#definition.advise?.(options, given) ?? []) {
      const attribute = this.#node.attributes.find(({ name }) => name === option);
      this.#settings.reporter.warning('LST311', this.#file, attribute?.nameSpan ?? this.#node.nameSpan, message, hint);
    }
  }

  get #what(): string {
    return `${this.#kind} \`${this.#node.name}\``;
  }

  #fail(code: Parameters<Reporter['error']>[0], span: Span, message: string, hint?: string): void {
    this.#failed = true;
    this.#settings.reporter.error(code, this.#file, span, message, hint);
  }

  /** Stable while the file is unchanged, as in Logstash. */
  #generatedId(): string {
    const { start, end } = this.#node.span;
    const place = `${this.#kind}\0${this.#file.path}\0${start}\0${this.#file.text.slice(start, end)}`;
    return createHash('sha256').update(place).digest('hex').slice(0, 32);
  }
}

function namedCodec(name: string, span: Span): PluginNode {
  return { type: 'plugin', name, nameSpan: span, nameQuoted: false, attributes: [], span };
}

/** Places the fault at the option it names, else at the plugin. */
export function reportPluginError(
  error: PluginConfigError,
  node: PluginNode,
  file: SourceFile,
  reporter: Reporter,
): void {
  const attribute = node.attributes.find((candidate) => candidate.name === error.option);
  reporter.error('LST310', file, attribute?.value.span ?? node.nameSpan, error.message);
}

/** @throws PluginConfigError */
export function openCodec(codec: ResolvedPlugin, context: PluginContext): CodecFactory {
  if (codec.definition.kind !== 'codec') throw new TypeError(`${codec.node.name} is no codec`);
  const { definition, options } = codec;
  return {
    name: codec.node.name,
    delimiter: definition.delimiter?.(options),
    open: definition.create(options, context),
  };
}
