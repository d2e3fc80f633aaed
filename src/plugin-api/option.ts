import type { CodecFactory } from './codec.ts';
import { type ConfigHash, type ConfigValue, configText, isHash } from './values.ts';

/** What is wrong with an option's value; the compiler adds the place. */
export class OptionError extends Error {
  override name = 'OptionError';
}

export interface OptionContext {
  readonly fileExists: (path: string) => boolean;
  /** Opens a codec given by name or as a nested plugin. */
  readonly codec: (value: ConfigValue) => CodecFactory;
}

/** One option of a plugin: from it come validation, coercion, the static type, the default and the reference page. */
export interface OptionSpec<T> {
  /** As the reference page names it. */
  readonly type: string;
  readonly doc: string;
  readonly required: boolean;
  readonly default: T | undefined;
  /** Shown where the default depends on the machine or on another option. */
  readonly defaultDoc: string | undefined;
  readonly secret: boolean;
  /** What to use instead; setting the option warns. */
  readonly deprecated: string | undefined;
  /** Why setting the option is refused, and what to do instead. */
  readonly refused: { readonly reason: string; readonly obsolete: boolean } | undefined;
  /** @throws OptionError */
  parse(value: ConfigValue, context: OptionContext): T;
}

export type OptionSchema = Readonly<Record<string, OptionSpec<unknown>>>;

export type OptionValues<S extends OptionSchema> = {
  readonly [K in keyof S]: S[K] extends OptionSpec<infer T> ? T : never;
};

export interface OptionSettings<T> {
  doc: string;
  required?: boolean;
  default?: T;
  defaultDoc?: string;
  deprecated?: string;
}

type Given<T> = OptionSettings<T> & ({ required: true } | { default: T });

export interface OptionBuilder<T> {
  (settings: Given<T>): OptionSpec<T>;
  (settings: OptionSettings<T>): OptionSpec<T | undefined>;
}

type Parse<T> = OptionSpec<T>['parse'];

function builder<T>(type: string, parse: Parse<T>, secret = false): OptionBuilder<T> {
  function build(settings: Given<T>): OptionSpec<T>;
  function build(settings: OptionSettings<T>): OptionSpec<T | undefined>;
  function build(settings: OptionSettings<T>): OptionSpec<T | undefined> {
    return {
      type,
      doc: settings.doc,
      required: settings.required ?? false,
      default: settings.default,
      defaultDoc: settings.defaultDoc,
      secret,
      deprecated: settings.deprecated,
      refused: undefined,
      parse,
    };
  }
  return build;
}

/** A text kept from every log line, error and page. */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return '<password>';
  }

  toJSON(): string {
    return '<password>';
  }
}

function got(value: ConfigValue): string {
  return configText(value);
}

/** Logstash takes a number, a hash or a list of at most one element for a string too, and uses its text. */
function parseString(value: ConfigValue): string {
  if (Array.isArray(value)) {
    const [only] = value;
    if (only === undefined) return '';
    if (value.length !== 1) throw new OptionError(`Expected string, got ${got(value)}`);
    return configText(only);
  }
  return configText(value);
}

function parseNumber(value: ConfigValue): number {
  const single = Array.isArray(value) && value.length === 1 ? (value[0] as ConfigValue) : value;
  const text = configText(single);
  if (typeof single === 'object' && !/^-?\d/.test(text)) throw new OptionError(`Expected number, got ${got(value)}`);
  if (!/^-?\d+(\.\d*)?$/.test(text))
    throw new OptionError(`Expected number, got ${got(value)} (type ${rubyType(value)})`);
  return Number(text);
}

function rubyType(value: ConfigValue): string {
  return Array.isArray(value) ? 'Array' : isHash(value) ? 'Hash' : 'String';
}

function parseBoolean(value: ConfigValue): boolean {
  const text = parseString(value);
  if (text === 'true') return true;
  if (text === 'false') return false;
  throw new OptionError(`Expected boolean 'true' or 'false', got ${JSON.stringify(text)}`);
}

/** A hash becomes the list of its pairs, as Ruby's `Array()` makes it. */
function parseArray(value: ConfigValue): ConfigValue[] {
  if (isHash(value)) return [...value];
  return Array.isArray(value) ? value : [value];
}

/** A list of even length is taken as keys and values; a repeated key collects its values. */
function parseHash(value: ConfigValue): ConfigHash {
  if (isHash(value)) return value;
  const items = parseArray(value);
  if (items.length % 2 !== 0) {
    throw new OptionError(`This field must contain an even number of items, got ${items.length}`);
  }
  const hash: ConfigHash = new Map();
  for (let i = 0; i < items.length; i += 2) {
    const key = configText(items[i] as ConfigValue);
    const item = items[i + 1] as ConfigValue;
    const earlier = hash.get(key);
    hash.set(key, earlier === undefined ? item : Array.isArray(earlier) ? [...earlier, item] : [earlier, item]);
  }
  return hash;
}

const BYTE_UNITS: Readonly<Record<string, number>> = {
  b: 1,
  k: 1000,
  kb: 1000,
  m: 1000 ** 2,
  mb: 1000 ** 2,
  g: 1000 ** 3,
  gb: 1000 ** 3,
  t: 1000 ** 4,
  tb: 1000 ** 4,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
  tib: 1024 ** 4,
};

function parseBytes(value: ConfigValue): number {
  const text = parseString(value);
  const [, amount, unit = 'b'] = /^\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*$/.exec(text) ?? [];
  const factor = BYTE_UNITS[unit.toLowerCase() || 'b'];
  if (amount === undefined || factor === undefined) throw new OptionError(`Unparseable filesize: ${text}`);
  return Math.round(Number(amount) * factor);
}

function parsePath(value: ConfigValue, context: OptionContext): string {
  const path = parseString(value);
  if (!context.fileExists(path)) throw new OptionError(`File does not exist or cannot be opened ${path}`);
  return path;
}

function parseUri(value: ConfigValue): URL {
  const text = parseString(value);
  // Logstash's hosts may lack a scheme (`localhost:9200`) or have only its slashes (`//127.0.0.1`).
  const url = /^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(text)
    ? text
    : text.startsWith('//')
      ? `unset:${text}`
      : `unset://${text}`;
  if (!URL.canParse(url)) throw new OptionError(`Expected a URI, got ${JSON.stringify(maskCredentials(text))}`);
  return new PrivateUrl(url);
}

/** A URL whose JSON shows no credentials; `href` has them. */
class PrivateUrl extends URL {
  override toJSON(): string {
    return maskCredentials(this.href);
  }
}

function maskCredentials(text: string): string {
  return text.replace(/\/\/[^/@]*@/, '//<credentials>@');
}

export const string = builder('string', parseString);
export const number = builder('number', parseNumber);
export const boolean = builder('boolean', parseBoolean);
export const array = builder('array', parseArray);
export const stringArray = builder('array', (value) => parseArray(value).map(configText));
export const hash = builder('hash', parseHash);
export const password = builder('password', (value) => new Secret(parseString(value)), true);
/** A URI; its scheme is `unset:` when the text has none. */
export const uri = builder('uri', parseUri, true);
/** Several URIs; one text may hold several, separated by blanks. */
export const uriList = builder(
  'list of uri',
  (value) => parseArray(value).flatMap((item) => parseString(item).split(/\s+/).filter(Boolean).map(parseUri)),
  true,
);
/** An existing file. */
export const path = builder('path', parsePath);
export const bytes = builder('bytes', parseBytes);
export const codec = builder('codec', (value, context) => context.codec(value));

export function oneOf<const V extends string>(values: readonly V[]): OptionBuilder<V> {
  return builder(`one of ${values.map((v) => JSON.stringify(v)).join(', ')}`, (value) => {
    const text = parseString(value);
    const found = values.find((candidate) => candidate === text);
    if (found === undefined) {
      throw new OptionError(`Expected one of ${JSON.stringify(values)}, got ${JSON.stringify(text)}`);
    }
    return found;
  });
}

/** An option of the original that this plugin knows and refuses; `reason` says why and what to do instead. */
export function unsupported(reason: string): OptionSpec<undefined> {
  return refusedOption(reason, false);
}

/** An option that Logstash itself removed: setting it is an error there too. */
export function obsolete(advice: string): OptionSpec<undefined> {
  return refusedOption(advice, true);
}

function refusedOption(reason: string, isObsolete: boolean): OptionSpec<undefined> {
  return {
    type: isObsolete ? 'obsolete' : 'not supported',
    doc: reason,
    required: false,
    default: undefined,
    defaultDoc: undefined,
    secret: false,
    deprecated: undefined,
    refused: { reason, obsolete: isObsolete },
    parse: () => undefined,
  };
}
