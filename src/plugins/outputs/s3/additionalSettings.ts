/** `additional_settings`: the options of the Ruby SDK's S3 client, as far as they have a counterpart here. */
import type { S3ClientConfig } from '@aws-sdk/client-s3';
import { type ConfigHash, configText, PluginConfigError } from '../../../plugin-api/index.ts';

/** What the settings change, beside the plain options of the plugin. */
export interface ClientSettings {
  readonly config: S3ClientConfig;
  readonly region: string | undefined;
  readonly endpoint: string | undefined;
  readonly proxy: string | undefined;
  readonly profile: string | undefined;
  readonly keyId: string | undefined;
  readonly secret: string | undefined;
  readonly sessionToken: string | undefined;
  readonly connectTimeoutMs: number | undefined;
  readonly readTimeoutMs: number | undefined;
  readonly verifiesCertificates: boolean;
  readonly caFile: string | undefined;
}

type Mutable = { -readonly [K in keyof ClientSettings]: ClientSettings[K] };
type Setter = (settings: Mutable, text: string, name: string) => void;

const OPTION = 'additional_settings';

const SETTERS: Readonly<Record<string, Setter>> = {
  region: (settings, text) => {
    settings.region = text;
  },
  endpoint: (settings, text) => {
    settings.endpoint = text;
  },
  http_proxy: (settings, text) => {
    settings.proxy = text;
  },
  profile: (settings, text) => {
    settings.profile = text;
  },
  access_key_id: (settings, text) => {
    settings.keyId = text;
  },
  secret_access_key: (settings, text) => {
    settings.secret = text;
  },
  session_token: (settings, text) => {
    settings.sessionToken = text;
  },
  http_open_timeout: (settings, text, name) => {
    settings.connectTimeoutMs = secondsOf(text, name);
  },
  http_read_timeout: (settings, text, name) => {
    settings.readTimeoutMs = secondsOf(text, name);
  },
  ssl_verify_peer: (settings, text, name) => {
    settings.verifiesCertificates = booleanOf(text, name);
  },
  ssl_ca_bundle: (settings, text) => {
    settings.caFile = text;
  },
  force_path_style: flag('forcePathStyle'),
  follow_redirects: flag('followRegionRedirects'),
  use_accelerate_endpoint: flag('useAccelerateEndpoint'),
  use_dualstack_endpoint: flag('useDualstackEndpoint'),
  use_fips_endpoint: flag('useFipsEndpoint'),
  s3_use_arn_region: flag('useArnRegion'),
  s3_disable_multiregion_access_points: flag('disableMultiregionAccessPoints'),
  compute_checksums: (settings, text, name) => {
    settings.config.requestChecksumCalculation = booleanOf(text, name) ? 'WHEN_SUPPORTED' : 'WHEN_REQUIRED';
  },
  retry_limit: (settings, text, name) => {
    settings.config.maxAttempts = numberOf(text, name) + 1;
  },
  retry_mode: (settings, text, name) => {
    const mode = oneOfTexts(text, name, ['legacy', 'standard', 'adaptive']);
    settings.config.retryMode = mode === 'legacy' ? 'standard' : mode;
  },
  signature_version: (_settings, text, name) => {
    oneOfTexts(text, name, ['v4', 's3v4']);
  },
};

const OTHER_SDK = 'it belongs to the internals of the Ruby SDK';
const TIMING = 'the client times its retries itself: use `retry_limit`, `retry_count` and `retry_delay`';
const LOGGING = 'requests are not logged: use `--log.level debug`';
const REFUSED: Readonly<Record<string, string>> = {
  credentials: 'use `access_key_id` and `secret_access_key`, or `role_arn`',
  http_continue_timeout: 'uploads do not wait for `100 Continue`',
  http_idle_timeout: 'the client decides how long idle connections stay open',
  http_wire_trace: LOGGING,
  instance_profile_credentials_retries: 'set AWS_METADATA_SERVICE_NUM_ATTEMPTS in the environment',
  instance_profile_credentials_timeout: 'set AWS_METADATA_SERVICE_TIMEOUT in the environment',
  log_formatter: LOGGING,
  log_level: LOGGING,
  logger: LOGGING,
  retry_backoff: TIMING,
  retry_base_delay: TIMING,
  retry_jitter: TIMING,
  retry_max_delay: TIMING,
  adaptive_retry_wait_to_fill: TIMING,
  max_attempts: 'use `retry_limit`',
  correct_clock_skew: 'clock skew is always corrected',
  s3_us_east_1_regional_endpoint: 'us-east-1 is always reached by its regional endpoint',
  require_https_for_sse_cpk: 'keys of the customer are not sent',
  ssl_ca_directory: 'use `ssl_ca_bundle` with one file',
  ssl_ca_store: 'use `ssl_ca_bundle` with one file',
  stub_responses: 'there are no stubbed answers',
  validate_params: OTHER_SDK,
  convert_params: OTHER_SDK,
  raise_response_errors: OTHER_SDK,
  simple_json: OTHER_SDK,
  disable_host_prefix_injection: OTHER_SDK,
  endpoint_discovery: 'S3 has no endpoint discovery',
};

/** @throws PluginConfigError for a key that would have no effect, or a value that cannot be */
export function checkAdditionalSettings(given: ConfigHash): void {
  parseAdditionalSettings(given);
}

/** @throws PluginConfigError */
export function parseAdditionalSettings(given: ConfigHash): ClientSettings {
  const settings: Mutable = {
    config: {},
    region: undefined,
    endpoint: undefined,
    proxy: undefined,
    profile: undefined,
    keyId: undefined,
    secret: undefined,
    sessionToken: undefined,
    connectTimeoutMs: undefined,
    readTimeoutMs: undefined,
    verifiesCertificates: true,
    caFile: undefined,
  };
  for (const [key, value] of given) {
    const name = key.replace(/^:/, '');
    const set = Object.hasOwn(SETTERS, name) ? SETTERS[name] : undefined;
    if (set === undefined) throw new PluginConfigError(refusal(name), OPTION);
    set(settings, configText(value), name);
  }
  return settings;
}

function refusal(name: string): string {
  const reason = Object.hasOwn(REFUSED, name) ? REFUSED[name] : undefined;
  if (reason !== undefined) return `\`${name}\` in additional_settings is not supported: ${reason}`;
  return `Unknown key \`${name}\` in additional_settings; known are ${Object.keys(SETTERS).sort().join(', ')}`;
}

type FlagName =
  | 'forcePathStyle'
  | 'followRegionRedirects'
  | 'useAccelerateEndpoint'
  | 'useDualstackEndpoint'
  | 'useFipsEndpoint'
  | 'useArnRegion'
  | 'disableMultiregionAccessPoints';

function flag(option: FlagName): Setter {
  return (settings, text, name) => {
    settings.config[option] = booleanOf(text, name);
  };
}

function booleanOf(text: string, name: string): boolean {
  return oneOfTexts(text, name, ['true', 'false']) === 'true';
}

function secondsOf(text: string, name: string): number {
  return numberOf(text, name) * 1000;
}

function numberOf(text: string, name: string): number {
  if (!/^\d+(\.\d+)?$/.test(text)) {
    throw new PluginConfigError(
      `\`${name}\` in additional_settings must be a number, got ${JSON.stringify(text)}`,
      OPTION,
    );
  }
  return Number(text);
}

function oneOfTexts(text: string, name: string, allowed: readonly string[]): string {
  if (allowed.includes(text)) return text;
  const expected = allowed.join(', ');
  throw new PluginConfigError(
    `\`${name}\` in additional_settings must be one of ${expected}, got ${JSON.stringify(text)}`,
    OPTION,
  );
}
