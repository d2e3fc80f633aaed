/** How the output reaches a real search server: over TLS, by nodes that the cluster names, behind a password, short of room. */
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import type { SearchServer } from '../../../scripts/setup/searchServers.ts';
import { numbered, TestBatch } from '../../support/outputHarness.ts';
import { startHttpProxy } from '../../support/servers/httpProxy.ts';
import { type Server, startSearchServer } from '../../support/servers/index.ts';
import { startTlsFront } from '../../support/servers/tlsFront.ts';
import { kinesisBatch } from '../../unit/plugins/elasticsearch/support.ts';
import { countersOf, type Lab, openOutput, readIndex, until } from './suite.ts';

const START_MS = 600_000;

export function describeTls(lab: () => Lab): void {
  const file = (name: string) => new URL(`../../data/tls/${name}`, import.meta.url).pathname;

  async function front(options: { wantsClient?: boolean } = {}) {
    const started = await startTlsFront(lab().server.url, options);
    onTestFinished(() => started.stop());
    return started;
  }

  it.each([
    ['by the authority', { cacert: file('ca.pem') }],
    ['by authorities', { ssl_certificate_authorities: [file('client.pem'), file('ca.pem')] }],
    ['without a check', { ssl_verification_mode: 'none' }],
    ['by one version', { cacert: file('ca.pem'), ssl_supported_protocols: ['TLSv1.2'] }],
    ['by a suite', { cacert: file('ca.pem'), ssl_cipher_suites: ['TLS_AES_128_GCM_SHA256'] }],
  ])('writes over TLS: %s', async (_name, given) => {
    const { server, place, writeAll } = lab();
    const { index } = await place();
    const batch = new TestBatch(numbered(3));
    await writeAll({ hosts: (await front()).url, index, ...given }, batch.events);
    expect(await readIndex(server.url, index)).toHaveLength(3);
  });

  it.each([
    ['PEM files', { ssl_certificate: file('client.pem'), ssl_key: file('client.key') }],
    ['PKCS #12', { ssl_keystore_path: file('client.p12'), ssl_keystore_password: 'secret12' }],
  ])('shows a client certificate from %s', async (_name, given) => {
    const { server, place, writeAll } = lab();
    const { index } = await place();
    const started = await front({ wantsClient: true });
    await writeAll({ hosts: started.url, index, cacert: file('ca.pem'), ...given }, new TestBatch(numbered(3)).events);
    expect(new Set(started.clients)).toEqual(new Set(['writer']));
    expect(await readIndex(server.url, index)).toHaveLength(3);
  });

  it.each(['http', 'https'])('goes through a proxy to %s', async (scheme) => {
    const { server, place, writeAll } = lab();
    const { index } = await place();
    const target = scheme === 'http' ? server : await front();
    const proxy = await startHttpProxy({ localhost: target.url });
    onTestFinished(() => proxy.stop());
    const given = { hosts: `${scheme}://localhost:9209`, proxy: proxy.url.replace('//', '//me:secret%40@'), index };
    await writeAll({ ...given, cacert: file('ca.pem') }, new TestBatch(numbered(3)).events);
    expect(await readIndex(server.url, index)).toHaveLength(3);
    const { target: asked = '', authorization } = proxy.seen.at(-1) ?? {};
    expect(asked).toBe(scheme === 'http' ? 'http://localhost:9209/_bulk' : 'localhost:9209');
    expect(authorization).toBe(`Basic ${btoa('me:secret@')}`);
  });

  it('sends nothing to a server whose certificate is by a stranger', async () => {
    const { index } = await lab().place();
    const started = await front();
    const { output, lines } = await openOutput({ hosts: started.url, index });
    await until(() => lines.some((line) => /connection to .* fails.*(certificate|issuer)/.test(line)));
    expect(started.clients).toEqual([]);
    await output.close();
  });
}

export function describeSniffing(lab: () => Lab): void {
  it('finds the nodes and sends to them', async () => {
    const { server, place } = lab();
    const paths: string[] = [];
    const { proxy, index } = await place(({ url }) => {
      paths.push(url);
      return undefined;
    });
    const { output, lines } = await openOutput({ hosts: proxy.url, index, sniffing: 'true', sniffing_delay: 0.05 });
    await until(() => lines.some((line) => line.includes('the nodes to send to have changed')));
    proxy.setRule(() => ({ kind: 'reset' }));
    const batch = new TestBatch(numbered(10));
    await output.write(batch.events);
    await output.close();
    expect(batch.isSettled).toBe(true);
    expect(paths.filter((path) => path.startsWith('/_bulk'))).toEqual([]);
    expect(await readIndex(server.url, index)).toHaveLength(10);
  });

  it('goes on with the hosts it has when the cluster names none that it can reach', async () => {
    const { server, place } = lab();
    const nodes = { a: { roles: ['data'], http: { publish_address: '127.0.0.1:1' } } };
    let asked = 0;
    const { proxy, index } = await place(({ url }) => {
      if (!url.startsWith('/_nodes')) return undefined;
      asked++;
      return { kind: 'answer', status: 200, body: JSON.stringify({ nodes }) };
    });
    const { output, lines } = await openOutput({ hosts: proxy.url, index, sniffing: 'true', sniffing_delay: 0.2 });
    await until(() => asked > 0);
    const batch = new TestBatch(numbered(10));
    await output.write(batch.events);
    await until(() => batch.isSettled);
    await output.close();
    expect(lines.join('\n')).toMatch(/WARN asking for the nodes of the cluster fails/);
    expect(await readIndex(server.url, index)).toHaveLength(10);
  });
}

/** A write queue this short refuses what comes beside two bulks. */
const SHORT_QUEUE = { 'thread_pool.write.size': 1, 'thread_pool.write.queue_size': 1 };
const AUTH = 'writer:topsecret';

export function describeCramped(kind: SearchServer): void {
  let server: Server;
  beforeAll(async () => {
    server = await startSearchServer(kind, { settings: SHORT_QUEUE, auth: AUTH });
  }, START_MS);
  afterAll(() => server?.stop());

  async function count(index: string): Promise<number> {
    const headers = { authorization: `Basic ${btoa(AUTH)}` };
    await fetch(`${server.url}/${index}/_refresh`, { method: 'POST', headers });
    const { count: found } = (await (await fetch(`${server.url}/${index}/_count`, { headers })).json()) as {
      count: number;
    };
    return found;
  }

  it('loses and doubles nothing when its queue is full, and says so in a few lines', async () => {
    const given = { hosts: server.url, index: 'full', user: 'writer', password: 'topsecret' };
    const opened = await Promise.all([0, 1, 2].map(() => openOutput(given)));
    const batches = opened.map((_output, n) => kinesisBatch(20_000, n * 20_000));
    await Promise.all(opened.map(({ output }, n) => output.write(batches[n]?.events ?? [])));
    await Promise.all(opened.map(({ output }) => output.close()));
    expect(batches.map((batch) => batch.isSettled)).toEqual([true, true, true]);
    const totals = opened.map(({ context }) => countersOf(context));
    const sum = (name: string) => totals.reduce((total, counters) => total + (counters[name] ?? 0), 0);
    expect(sum('documents.retryable_failures') + sum('bulk_requests.responses.429')).toBeGreaterThan(0);
    expect(sum('documents.successes')).toBe(60_000);
    expect(await count('full')).toBe(60_000);
    const lines = opened.flatMap((output) => output.lines.filter((line) => line.startsWith('WARN')));
    expect(lines.join('\n')).toMatch(/refused for now with 429|answer 429/);
    expect(lines.length).toBeLessThan(20);
  }, 120_000);

  it('waits while its password is wrong', async () => {
    const { output, lines } = await openOutput({
      hosts: server.url.replace('//', '//writer:guessed@'),
      index: 'secret',
    });
    await until(() => lines.some((line) => line.includes('answer 401, it does not accept the credentials')));
    expect(lines.join()).not.toContain('guessed');
    await output.close();
    const again = await openOutput({ hosts: server.url, index: 'secret', cloud_auth: AUTH });
    const batch = new TestBatch(numbered(3));
    await again.output.write(batch.events);
    await again.output.close();
    expect(await count('secret')).toBe(3);
  });
}
