import type { Event } from '../../../event/event.ts';
import { compileTemplateIn, type Template } from '../../../event/template.ts';
import { timeZoneOf } from '../../../event/timeZone.ts';
import { configText } from '../../../plugin-api/index.ts';
import { KeyTemplate } from './keyTemplate.ts';
import { cleanPrefix, type Encoding, joinKey, KEY_BYTES_MAX, logstashName, type ObjectFacts } from './objectKey.ts';
import type { S3Options } from './options.ts';

export class KeyTooLong extends Error {
  override name = 'KeyTooLong';
}

/** Which events share an object, and how it is named. */
export class ObjectNames {
  readonly encoding: Encoding;
  readonly #prefix: Template;
  readonly #key: KeyTemplate | undefined;
  readonly #tags: readonly string[];
  #lastRawPrefix: string | undefined;
  #lastPrefix = '';

  constructor(options: Pick<S3Options, 'prefix' | 'object_key' | 'timezone' | 'tags' | 'encoding'>) {
    const { prefix, object_key, timezone, tags, encoding } = options;
    const zone = timeZoneOf(timezone);
    this.encoding = encoding;
    this.#prefix = compileTemplateIn(zone, prefix);
    this.#key = object_key === undefined ? undefined : new KeyTemplate(object_key, zone);
    this.#tags = tags.map(configText);
  }

  /** Events of one group share objects. */
  groupOf(event: Event): string {
    const prefix = this.#prefixOf(event);
    return this.#key === undefined ? prefix : prefix + this.#key.fieldsOf(event);
  }

  /** @throws KeyTooLong */
  keyOf(event: Event, object: Pick<ObjectFacts, 'uuid' | 'createdMs' | 'part'>): string {
    const facts = { ...object, tags: this.#tags, encoding: this.encoding };
    const prefix = this.#prefixOf(event);
    const name = this.#key === undefined ? logstashName(facts) : cleanPrefix(this.#key.nameOf(event, facts));
    const key = joinKey(prefix, name);
    const keyBytes = Buffer.byteLength(key);
    if (keyBytes <= KEY_BYTES_MAX) return key;
    throw new KeyTooLong(`the object's name would have ${keyBytes} bytes, S3 takes ${KEY_BYTES_MAX}`);
  }

  #prefixOf(event: Event): string {
    const raw = this.#prefix.apply(event);
    if (raw !== this.#lastRawPrefix) {
      this.#lastPrefix = this.#prefix.isConstant ? raw : cleanPrefix(raw);
      this.#lastRawPrefix = raw;
    }
    return this.#lastPrefix;
  }
}
