import { readFileSync } from 'node:fs';
import type { SecureContextOptions, SecureVersion } from 'node:tls';
import { PluginConfigError, type Secret } from '../../../plugin-api/index.ts';
import { messageOf } from '../../../util/errors.ts';
import type { Options } from './options.ts';

/** How an encrypted connection is made: as the client library and Node take it. */
export interface TlsSettings extends SecureContextOptions {
  readonly rejectUnauthorized: boolean;
}

export type TlsOptions = Pick<
  Options,
  | 'ssl_certificate_verification'
  | 'ssl_verification_mode'
  | 'cacert'
  | 'ssl_certificate_authorities'
  | 'ssl_certificate'
  | 'ssl_key'
  | 'keystore'
  | 'keystore_password'
  | 'ssl_keystore_path'
  | 'ssl_keystore_password'
  | 'ssl_keystore_type'
  | 'ssl_supported_protocols'
  | 'ssl_cipher_suites'
>;

/** Loaded only for encrypted connections: it takes ten milliseconds. */
const nodeTls = () => process.getBuiltinModule('node:tls');

/** Reads the files, and has Node try them. @throws PluginConfigError */
export function resolveTls(options: TlsOptions): TlsSettings {
  const settings = {
    rejectUnauthorized: checksCertificates(options),
    ...authorities(options),
    ...clientCertificate(options),
    ...versions(options.ssl_supported_protocols),
    ...ciphers(options.ssl_cipher_suites),
  };
  tryOut(settings, options);
  return settings;
}

export function checksCertificates(options: TlsOptions): boolean {
  const { ssl_certificate_verification: older, ssl_verification_mode: mode } = options;
  refuseBoth(options, 'ssl_certificate_verification', 'ssl_verification_mode');
  return mode === undefined ? (older ?? true) : mode === 'full';
}

/** Two names of one option. @throws PluginConfigError */
export function refuseBoth(options: Partial<Options>, older: keyof Options, newer: keyof Options): void {
  const isGiven = (name: keyof Options) => {
    const value = options[name];
    return Array.isArray(value) ? value.length > 0 : value !== undefined;
  };
  if (!isGiven(older) || !isGiven(newer)) return;
  throw new PluginConfigError(`\`${older}\` and \`${newer}\` mean the same: leave \`${older}\` out`, older);
}

/** None given: those that Node brings. */
function authorities(options: TlsOptions): SecureContextOptions {
  refuseBoth(options, 'cacert', 'ssl_certificate_authorities');
  const { cacert, ssl_certificate_authorities: paths } = options;
  if (cacert !== undefined) return { ca: [readPem(cacert, 'CERTIFICATE', 'cacert')] };
  if (paths.length === 0) return {};
  return { ca: paths.map((path) => readPem(path, 'CERTIFICATE', 'ssl_certificate_authorities')) };
}

function clientCertificate(options: TlsOptions): SecureContextOptions {
  refuseBoth(options, 'keystore', 'ssl_keystore_path');
  refuseBoth(options, 'keystore_password', 'ssl_keystore_password');
  const { ssl_certificate: certificate, ssl_key: key, ssl_keystore_type: type } = options;
  const storeOption = options.keystore === undefined ? 'ssl_keystore_path' : 'keystore';
  const store = options[storeOption];
  if (store !== undefined) {
    if (certificate !== undefined) {
      throw new PluginConfigError('a client certificate is given twice: as a file and in a key store', storeOption);
    }
    return readStore(store, storeOption, type, options.ssl_keystore_password ?? options.keystore_password);
  }
  if (certificate === undefined && key === undefined) return {};
  if (key === undefined) throw new PluginConfigError('a certificate needs its key: set `ssl_key`', 'ssl_certificate');
  if (certificate === undefined) {
    throw new PluginConfigError('a key needs its certificate: set `ssl_certificate`', 'ssl_key');
  }
  return {
    cert: readPem(certificate, 'CERTIFICATE', 'ssl_certificate'),
    key: readPem(key, 'PRIVATE KEY', 'ssl_key'),
  };
}

/** First bytes of the two formats of Java's own. */
const JAVA_STORES = ['feedfeed', 'cececece'];

function readStore(
  path: string,
  option: 'keystore' | 'ssl_keystore_path',
  type: Options['ssl_keystore_type'],
  password: Secret | undefined,
): SecureContextOptions {
  const bytes = readFile(path, option);
  if (type === 'jks' || JAVA_STORES.includes(bytes.toString('hex', 0, 4))) {
    throw new PluginConfigError(
      `${path} is a Java key store, which only Java reads: convert it by \`keytool -importkeystore -srckeystore ${path} -destkeystore client.p12 -deststoretype pkcs12\``,
      option,
    );
  }
  return { pfx: bytes, ...(password === undefined ? {} : { passphrase: password.reveal() }) };
}

function readPem(path: string, what: 'CERTIFICATE' | 'PRIVATE KEY', option: keyof Options): string {
  const text = readFile(path, option).toString('latin1');
  if (new RegExp(`-----BEGIN [A-Z ]*${what}-----`).test(text)) return text;
  throw new PluginConfigError(`${path} holds no PEM ${what.toLowerCase()}`, option);
}

function readFile(path: string, option: keyof Options): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new PluginConfigError(`${path} cannot be read: ${messageOf(error)}`, option, error);
  }
}

const VERSIONS: readonly string[] = ['TLSv1.1', 'TLSv1.2', 'TLSv1.3'] satisfies SecureVersion[];

function versions(given: readonly string[]): SecureContextOptions {
  if (given.length === 0) return {};
  const places = given.map((version) => VERSIONS.indexOf(version));
  const [first, last] = [Math.min(...places), Math.max(...places)];
  if (first < 0 || new Set(places).size !== last - first + 1) {
    throw new PluginConfigError(
      `Expected versions out of ${VERSIONS.join(', ')} without a gap, got ${given.join(', ')}`,
      'ssl_supported_protocols',
    );
  }
  return { minVersion: VERSIONS[first] as SecureVersion, maxVersion: VERSIONS[last] as SecureVersion };
}

function ciphers(given: readonly string[]): SecureContextOptions {
  if (given.length === 0) return {};
  const known = new Set(nodeTls().getCiphers());
  const names = given.map((name) => {
    const found = [name, openSslName(name)].find((candidate) => known.has(candidate.toLowerCase()));
    if (found !== undefined) return found;
    throw new PluginConfigError(`the cipher suite ${name} is not known to Node.js`, 'ssl_cipher_suites');
  });
  return { ciphers: names.join(':') };
}

/** `TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384` is `ECDHE-RSA-AES256-GCM-SHA384` to OpenSSL. */
function openSslName(name: string): string {
  return name
    .replace(/^TLS_/, '')
    .replace(/^RSA_WITH_/, '')
    .replace('_WITH_', '-')
    .replace(/AES_(\d+)/, 'AES$1')
    .replace(/_CBC/, '')
    .replace(/(CHACHA20_POLY1305)_SHA256$/, '$1')
    .replaceAll('_', '-');
}

/** A wrong password, or a key of another certificate, is better found now than at each connection. */
function tryOut(settings: TlsSettings, options: TlsOptions): void {
  try {
    nodeTls().createSecureContext(settings);
  } catch (error) {
    throw new PluginConfigError(explain(error), suspect(settings, options), error);
  }
}

function explain(error: unknown): string {
  const message = messageOf(error);
  if (/mac verify failure/i.test(message)) return 'the password of the key store is wrong';
  if (/unsupported/i.test(message)) {
    return `${message}: the key store is encrypted as was usual long ago; write it anew by \`openssl pkcs12 -legacy -in <file> -nodes -out all.pem && openssl pkcs12 -export -in all.pem -out client.p12\``;
  }
  return message;
}

function suspect(settings: TlsSettings, options: TlsOptions): keyof Options {
  if (settings.pfx !== undefined) return options.keystore === undefined ? 'ssl_keystore_path' : 'keystore';
  if (settings.key !== undefined) return 'ssl_key';
  return options.cacert === undefined ? 'ssl_certificate_authorities' : 'cacert';
}
