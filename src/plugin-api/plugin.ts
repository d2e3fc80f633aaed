import type { Event } from '../event/event.ts';
import type { Clock } from '../util/clock.ts';
import type { Logger } from '../util/logger.ts';
import type { CodecFactory } from './codec.ts';
import type { OptionSchema, OptionValues } from './option.ts';
import type { Link, WorkerLink } from './parallel.ts';
import type { StepCode } from './stepCode.ts';

/** Thrown by `create` or `check` for options that parse but cannot work; the compiler adds the place of `option`. */
export class PluginConfigError extends Error {
  override name = 'PluginConfigError';
  readonly option: string | undefined;

  constructor(message: string, option?: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.option = option;
  }
}

/** A number that only grows, shown with the plugin's metrics. */
export interface Counter {
  value: number;
}

/** What every plugin instance is given. */
export interface PluginContext {
  /** The `id` option, or one made of the plugin's place in the configuration. */
  readonly id: string;
  readonly logger: Logger;
  readonly clock: Clock;
  /** The counter of that name, made at the first call. */
  readonly counter: (name: string) => Counter;
  /** One instance a process of what is costly and never changes, such as a GeoIP database; opened at the first call. */
  readonly shared: <T>(key: string, open: () => Promise<T>) => Promise<T>;
  /** `path.data`; exists and is writable. */
  readonly dataPath: string;
  readonly pipelineId: string;
  readonly hostName: string;
}

export interface FilterContext extends PluginContext {}

export interface Filter {
  /** Changes the event in place. True on success, which is when the common options (`add_field` …) apply. */
  apply(event: Event): boolean;
  /**
   * Writes statements that do what `apply` does, with `matched = true` for the answer true; for a filter whose own work costs not much
   * more than the call. What they throw, and the common options, are as with `apply`.
   */
  emitCode?(code: StepCode): void;
  /** A common option could not be applied after success, such as an illegal reference in `add_field`. */
  decorationFailed?(event: Event): void;
  close?(): void | Promise<void>;
}

/** Of plugins that may have to set an event aside. */
interface DeliveryContext extends PluginContext {
  /**
   * Takes what cannot go on: what a destination refuses for good, or what an input cannot make an event of. Resolves when
   * it is on disk: it may then be settled. Rejects when the disk does not take it; `Burial` in `src/delivery` tries again.
   */
  readonly deadLetter: (event: Event, reason: string) => Promise<void>;
}

export interface InputContext extends DeliveryContext {
  /**
   * Hands over decoded events in order; they share one source batch. `onSettled` runs once when each of them is written,
   * in the dead letter queue, or dropped by the pipeline. Wait for the result before emitting more: it is the back-pressure.
   */
  readonly emit: (events: Event[], onSettled?: () => void) => void | Promise<void>;
  /** Events a batch should hold (`pipeline.batch.size`). */
  readonly batchSize: number;
}

export interface Input {
  /** Resolves when the source has ended, or after `stop`; nothing is emitted later. A rejection restarts nothing: it stops the pipeline. */
  run(): Promise<void>;
  /** Asks `run` to end soon. May be called before `run` and more than once. */
  stop(): void;
  /** After the outputs have settled all that was emitted: the last checkpoint, and the release of leases. */
  close?(): Promise<void>;
  /** Clock time at which the oldest event was emitted that is not settled yet; `undefined` when there is none. */
  unsettledSinceMs?(): number | undefined;
  /** One line for people: where it reads, how far behind it is. */
  status?(): Readonly<Record<string, unknown>>;
}

export interface OutputContext extends DeliveryContext {
  /** Types that filters give to fields of the events that come here, as far as the configuration tells. */
  readonly fieldTypes: readonly FieldType[];
}

/**
 * An output settles each event exactly once, by `event.batch.settle()`, when it is durably written or in the dead letter
 * queue; never before.
 */
export interface Output {
  /** Checks that the destination can be written at all. A rejection is a fatal configuration fault. */
  open?(): Promise<void>;
  /**
   * Takes events; encode what is needed at once, an event may change after the call. The promise is the back-pressure: given
   * only while the buffer is full. Never throws because of one event: what cannot be encoded goes to the dead letter queue
   * (`Burial.isolate`). A throw is a plugin that breaks down; a second try, even in halves, would write again what it had
   * taken before.
   */
  write(events: readonly Event[]): void | Promise<void>;
  /** Writes and settles all that is buffered, then frees what it holds. Idempotent. */
  close(): Promise<void>;
  /** Clock time at which the oldest event came that is not settled yet; `undefined` when there is none. */
  unsettledSinceMs?(): number | undefined;
  status?(): Readonly<Record<string, unknown>>;
}

interface Definition<S extends OptionSchema> {
  readonly name: string;
  readonly summary: string;
  readonly options: S;
  /** Rules across options that need no outside world. Several faults go to `report`; one may be thrown. @throws PluginConfigError */
  check?(options: OptionValues<S>, report: ReportFault): void | Promise<void>;
  /** What works, but is likely meant otherwise: shown as warnings. `given` has the names of the options that are set. */
  advise?(options: OptionValues<S>, given: ReadonlySet<string>): readonly Advice[];
}

export interface Advice {
  readonly message: string;
  /** The one to point at. */
  readonly option: string;
  /** What to write instead. */
  readonly hint: string;
}

/** `option` names the one to point at. */
export type ReportFault = (message: string, option: string) => void;

export interface FilterDefinition<S extends OptionSchema = OptionSchema> extends Definition<S> {
  readonly kind: 'filter';
  readonly examples: readonly FilterExample[];
  /** Types of fields that it sets or changes, for the mappings of search engines. */
  fieldTypes?(options: OptionValues<S>): readonly FieldType[];
  create(options: OptionValues<S>, context: FilterContext): Filter | Promise<Filter>;
}

/** What a search engine has to know of a field before the first document comes: values alone would not tell, or not for sure. */
export interface FieldType {
  /** A field reference. */
  readonly field: string;
  readonly type: 'geo_point' | 'ip' | 'integer' | 'float' | 'half_float' | 'boolean' | 'keyword';
}

/** Shown in the reference and run as a test. `in` and `out` are events without `@timestamp` and `@version`; `null` is a dropped event. */
export interface FilterExample {
  readonly title: string;
  readonly config: string;
  readonly in: Readonly<Record<string, unknown>>;
  readonly out: Readonly<Record<string, unknown>> | null;
}

/** Something outside that inputs of one pipeline may share only when they use it for the same thing. */
export interface Claim {
  /** Names the thing: `lease table "logstash" in us-east-1`. */
  readonly resource: string;
  /** What it is used for; two claims with different purposes are refused. */
  readonly purpose: string;
  /** The option to change. */
  readonly option: string;
  /** What to say to the second, given the first's purpose. */
  readonly refusal: (otherPurpose: string) => string;
}

export interface CoordinatorContext extends PluginContext {
  readonly workers: readonly WorkerLink[];
}

export interface WorkerInputContext extends InputContext {
  readonly coordinator: Link;
  /** Aborts when the coordinator has ended: nothing more comes from it, and `run` is to end. */
  readonly ended: AbortSignal;
  /** How many there are. */
  readonly workerCount: number;
}

/**
 * An input over several workers, which are threads: one part of it leads, where leases and signals are, and each worker has
 * a part that reads and emits.
 */
export interface ParallelInput<S extends OptionSchema = OptionSchema> {
  /** Whether it can with these options; by default it can. Where not, the input runs whole in one worker. */
  isPossible?(options: OptionValues<S> & { codec: CodecFactory }): boolean;
  /** Its `run` ends when no worker will be given more; its `close` comes after the workers have settled all they can. */
  coordinate(options: OptionValues<S>, context: CoordinatorContext): Input | Promise<Input>;
  /** Its `stop` is called on a stop of the pipeline, beside that of the coordinator. */
  work(options: OptionValues<S> & { codec: CodecFactory }, context: WorkerInputContext): Input | Promise<Input>;
}

export interface InputDefinition<S extends OptionSchema = OptionSchema> extends Definition<S> {
  readonly kind: 'input';
  /** Asked after `check`. */
  claims?(options: OptionValues<S>): readonly Claim[];
  readonly defaultCodec: string;
  /** The bytes come in pieces that need not end with a line: `plain` then means `line`, and `json` means `json_lines`. */
  readonly streaming: boolean;
  /** Its source keeps what is not settled and brings it again, so that no persisted queue need keep it. */
  readonly replays: boolean;
  /** How several workers share its work; without it one of them does it all. */
  readonly parallel?: ParallelInput<S> | undefined;
  create(options: OptionValues<S> & { codec: CodecFactory }, context: InputContext): Input | Promise<Input>;
}

export interface OutputDefinition<S extends OptionSchema = OptionSchema> extends Definition<S> {
  readonly kind: 'output';
  readonly defaultCodec: string;
  create(options: OptionValues<S> & { codec: CodecFactory }, context: OutputContext): Output | Promise<Output>;
}

export interface CodecDefinition<S extends OptionSchema = OptionSchema> extends Definition<S> {
  readonly kind: 'codec';
  /** The byte behind which a stream may be cut, since no event goes beyond it; none where an event may. */
  delimiter?(options: OptionValues<S>): string | undefined;
  create(options: OptionValues<S>, context: PluginContext): CodecFactory['open'];
}

export type PluginDefinition = InputDefinition | FilterDefinition | OutputDefinition | CodecDefinition;

type Declared<D> = Omit<D, 'kind' | 'examples' | 'streaming' | 'replays' | 'defaultCodec'>;

export function defineFilter<S extends OptionSchema>(
  declaration: Declared<FilterDefinition<S>> & { examples?: readonly FilterExample[] },
): FilterDefinition {
  return { kind: 'filter', examples: [], ...declaration } as FilterDefinition<S> as FilterDefinition;
}

export function defineInput<S extends OptionSchema>(
  declaration: Declared<InputDefinition<S>> & { defaultCodec?: string; streaming?: boolean; replays?: boolean },
): InputDefinition {
  return {
    kind: 'input',
    defaultCodec: 'plain',
    streaming: false,
    replays: false,
    ...declaration,
  } as InputDefinition<S> as InputDefinition;
}

export function defineOutput<S extends OptionSchema>(
  declaration: Declared<OutputDefinition<S>> & { defaultCodec?: string },
): OutputDefinition {
  return { kind: 'output', defaultCodec: 'plain', ...declaration } as OutputDefinition<S> as OutputDefinition;
}

export function defineCodec<S extends OptionSchema>(declaration: Declared<CodecDefinition<S>>): CodecDefinition {
  return { kind: 'codec', ...declaration } as CodecDefinition<S> as CodecDefinition;
}
