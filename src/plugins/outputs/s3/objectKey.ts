/** Names of objects, exactly as Logstash builds them, and what every name must keep to. */

export type Encoding = 'none' | 'gzip';

/** S3's limit, in bytes of UTF-8. */
export const KEY_BYTES_MAX = 1024;

/** What is known of an object when its first event has come. */
export interface ObjectFacts {
  readonly uuid: string;
  readonly createdMs: number;
  readonly tags: readonly string[];
  /** How many objects there were before under the same prefix. */
  readonly part: number;
  readonly encoding: Encoding;
}

export function hasIllegalCharacters(prefix: string): boolean {
  return /[\^`><]/.test(prefix);
}

/**
 * An interpolated prefix that every S3 server takes: Logstash replaces ``^ ` > <``; segments of dots would walk up the
 * path of the request's URL, and a lone surrogate has no UTF-8.
 */
export function cleanPrefix(prefix: string): string {
  const cleaned = prefix.replace(/[\^`><]/g, '_').toWellFormed();
  if (!cleaned.includes('.')) return cleaned;
  return cleaned.replace(/(?<=^|\/)\.{1,2}(?=\/|$)/g, (dots) => '_'.repeat(dots.length));
}

/** Logstash's name of an object, without its prefix. */
export function logstashName({ uuid, createdMs, tags, part, encoding }: ObjectFacts): string {
  const tagText = tags.length === 0 ? '' : `.tag_${tags.join('.')}`;
  return `ls.s3.${uuid}.${localMinute(createdMs)}${tagText}.part${part}.${extensionOf(encoding)}`;
}

export function extensionOf(encoding: Encoding): string {
  return encoding === 'gzip' ? 'txt.gz' : 'txt';
}

export function joinKey(prefix: string, name: string): string {
  const joined = prefix === '' || prefix.endsWith('/') ? `${prefix}${name}` : `${prefix}/${name}`;
  return joined.replace(/^\//gm, '');
}

/** The folder of all objects, with its slash, as far as a prefix has it in plain text. */
export function constantFolder(prefix: string): string {
  const [plain = ''] = prefix.split('%{', 1);
  return plain === prefix ? joinKey(plain, '') : joinKey(plain.slice(0, plain.lastIndexOf('/') + 1), '');
}

/** `yyyy-MM-ddTHH.mm` in local time. */
function localMinute(epochMs: number): string {
  const date = new Date(epochMs);
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day}T${two(date.getHours())}.${two(date.getMinutes())}`;
}
