import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { resolveTls } from '../../../../src/plugins/outputs/elasticsearch/tls.ts';
import { type Given, parseOptions } from './support.ts';

const DATA = new URL('../../../data/tls/', import.meta.url).pathname;
const file = (name: string) => join(DATA, name);
const tls = (given: Given) => resolveTls(parseOptions(given));

describe('encrypted connections of the elasticsearch output', () => {
  it.each<[string, Given, object]>([
    ['nothing given', {}, { rejectUnauthorized: true }],
    ['no check', { ssl_certificate_verification: 'false' }, { rejectUnauthorized: false }],
    ['no check, newer name', { ssl_verification_mode: 'none' }, { rejectUnauthorized: false }],
    ['a full check', { ssl_verification_mode: 'full' }, { rejectUnauthorized: true }],
    ['an authority', { cacert: file('ca.pem') }, { ca: [expect.stringContaining('BEGIN CERTIFICATE')] }],
    [
      'authorities',
      { ssl_certificate_authorities: [file('ca.pem'), file('server.pem')] },
      { ca: [expect.stringContaining('BEGIN'), expect.stringContaining('BEGIN')] },
    ],
    [
      'a client certificate',
      { ssl_certificate: file('client.pem'), ssl_key: file('client.key') },
      { cert: expect.stringContaining('BEGIN CERTIFICATE'), key: expect.stringContaining('PRIVATE KEY') },
    ],
    ['a key store', { keystore: file('client.p12'), keystore_password: 'secret12' }, { passphrase: 'secret12' }],
    [
      'a key store, newer names',
      { ssl_keystore_path: file('client.p12'), ssl_keystore_password: 'secret12', ssl_keystore_type: 'pkcs12' },
      { pfx: expect.any(Buffer), passphrase: 'secret12' },
    ],
    ['one version', { ssl_supported_protocols: 'TLSv1.3' }, { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' }],
    ['versions', { ssl_supported_protocols: ['TLSv1.3', 'TLSv1.2'] }, { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3' }],
    [
      'cipher suites',
      {
        ssl_cipher_suites: [
          'TLS_AES_256_GCM_SHA384',
          'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384',
          'TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256',
          'TLS_RSA_WITH_AES_128_CBC_SHA',
          'ECDHE-RSA-AES128-GCM-SHA256',
        ],
      },
      {
        ciphers:
          'TLS_AES_256_GCM_SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:AES128-SHA:ECDHE-RSA-AES128-GCM-SHA256',
      },
    ],
  ])('%s', (_name, given, expected) => {
    expect(tls(given)).toMatchObject(expected);
  });

  it.each<[string, Given, RegExp, string]>([
    ['no file', { cacert: '/no/such.pem' }, /no\/such\.pem cannot be read: ENOENT/, 'cacert'],
    ['no certificate', { cacert: file('client.p12') }, /holds no PEM certificate/, 'cacert'],
    [
      'no key',
      { ssl_certificate: file('client.pem'), ssl_key: file('client.pem') },
      /holds no PEM private key/,
      'ssl_key',
    ],
    [
      "another's key",
      { ssl_certificate: file('client.pem'), ssl_key: file('server.key') },
      /key values mismatch/,
      'ssl_key',
    ],
    ['a certificate alone', { ssl_certificate: file('client.pem') }, /set `ssl_key`/, 'ssl_certificate'],
    ['a key alone', { ssl_key: file('client.key') }, /set `ssl_certificate`/, 'ssl_key'],
    [
      'two certificates',
      { ssl_certificate: file('client.pem'), ssl_key: file('client.key'), keystore: file('client.p12') },
      /given twice/,
      'keystore',
    ],
    [
      'a wrong password',
      { keystore: file('client.p12'), keystore_password: 'topsecret' },
      /^(?!.*topsecret).*password of the key store is wrong/,
      'keystore',
    ],
    [
      'an old key store',
      { ssl_keystore_path: file('legacy.p12'), ssl_keystore_password: 'secret12' },
      /openssl pkcs12 -legacy/,
      'ssl_keystore_path',
    ],
    [
      'a Java key store',
      { keystore: file('client.jks') },
      /keytool -importkeystore -srckeystore \S+client\.jks/,
      'keystore',
    ],
    [
      'a Java key store by its type',
      { ssl_keystore_path: file('client.p12'), ssl_keystore_type: 'jks' },
      /only Java reads/,
      'ssl_keystore_path',
    ],
    ['a gap', { ssl_supported_protocols: ['TLSv1.1', 'TLSv1.3'] }, /without a gap/, 'ssl_supported_protocols'],
    [
      'an unknown version',
      { ssl_supported_protocols: ['SSLv3'] },
      /Expected versions out of/,
      'ssl_supported_protocols',
    ],
    ['an unknown suite', { ssl_cipher_suites: ['TLS_NULL'] }, /TLS_NULL is not known/, 'ssl_cipher_suites'],
    [
      'two names of the authority',
      { cacert: file('ca.pem'), ssl_certificate_authorities: file('ca.pem') },
      /`cacert` and `ssl_certificate_authorities` mean the same/,
      'cacert',
    ],
    [
      'two names of the check',
      { ssl_certificate_verification: 'true', ssl_verification_mode: 'none' },
      /mean the same/,
      'ssl_certificate_verification',
    ],
  ])('refuses %s', (_name, given, message, option) => {
    expect(() => tls(given)).toThrow(expect.objectContaining({ message: expect.stringMatching(message), option }));
  });
});
