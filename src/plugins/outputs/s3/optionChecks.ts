/** Rules across the options of the s3 output that need no outside world. */
import { timeZoneOf } from '../../../event/timeZone.ts';
import { type Advice, type OptionValues, PluginConfigError } from '../../../plugin-api/index.ts';
import { messageOf } from '../../../util/errors.ts';
import { checkAdditionalSettings } from './additionalSettings.ts';
import { KeyTemplate } from './keyTemplate.ts';
import { hasIllegalCharacters } from './objectKey.ts';
import type { s3Options } from './options.ts';

type Values = OptionValues<typeof s3Options>;

/** @throws PluginConfigError */
export function checkOptions(options: Values): void {
  if (options.bucket === '') throw new PluginConfigError('`bucket` must not be empty', 'bucket');
  if (options.signature_version === 'v2') {
    throw new PluginConfigError(
      'Signature version v2 does not exist here: use `v4`, or leave the option out',
      'signature_version',
    );
  }
  for (const name of ['upload_workers_count', 'upload_queue_size', 'max_open_files'] as const) {
    if (!(options[name] >= 1)) throw new PluginConfigError(`\`${name}\` must be at least 1`, name);
  }
  checkNames(options);
  checkRotation(options);
  if (!Number.isInteger(options.gzip_level) || options.gzip_level < 1 || options.gzip_level > 9) {
    throw new PluginConfigError('`gzip_level` must be a whole number from 1 to 9', 'gzip_level');
  }
  checkEndpoint(options.endpoint, 'endpoint');
  checkEndpoint(options.proxy_uri, 'proxy_uri');
  checkAdditionalSettings(options.additional_settings);
}

function checkNames({ prefix, object_key, timezone }: Values): void {
  if (hasIllegalCharacters(prefix)) {
    throw new PluginConfigError('The prefix must not contain any of ^ ` > <', 'prefix');
  }
  explained('timezone', () => timeZoneOf(timezone));
  if (object_key === undefined) return;
  if (hasIllegalCharacters(object_key)) {
    throw new PluginConfigError('`object_key` must not contain any of ^ ` > <', 'object_key');
  }
  explained('object_key', () => new KeyTemplate(object_key, timeZoneOf(timezone)));
}

function explained(option: string, check: () => void): void {
  try {
    check();
  } catch (error) {
    throw new PluginConfigError(messageOf(error), option, error);
  }
}

function checkRotation({ rotation_strategy, size_file, time_file }: Values): void {
  if (rotation_strategy !== 'time' && !(size_file > 0)) {
    throw new PluginConfigError('`size_file` must be greater than 0', 'size_file');
  }
  if (rotation_strategy !== 'size' && !(time_file > 0)) {
    throw new PluginConfigError('`time_file` must be greater than 0', 'time_file');
  }
}

function checkEndpoint(url: string | undefined, option: string): void {
  if (url === undefined || /^https?:\/\/[^/]/.test(url)) return;
  throw new PluginConfigError(`\`${option}\` must be a URL that begins with http:// or https://`, option);
}

/** What is allowed and surprises. */
export function adviseOptions(options: Values, given: ReadonlySet<string>): readonly Advice[] {
  const { size_file, time_file, object_key, tags, timezone } = options;
  const advice: Advice[] = [];
  if (given.has('time_file') && !given.has('rotation_strategy') && !given.has('size_file')) {
    advice.push({
      option: 'time_file',
      message: `\`time_file => ${time_file}\` is not the only limit: an object also ends at ${size_file} bytes (\`size_file\`)`,
      hint: 'by time alone: `rotation_strategy => "time"`; if both are meant, "size_and_time" says so',
    });
  }
  if (object_key !== undefined && tags.length > 0 && !new KeyTemplate(object_key, timeZoneOf(timezone)).hasTags) {
    advice.push({
      option: 'tags',
      message: '`tags` do not appear in the names of `object_key`',
      hint: 'add %{tags} to `object_key`, or leave `tags` out',
    });
  }
  return advice;
}
