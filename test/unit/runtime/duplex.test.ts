import { MessageChannel } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { LinkLost } from '../../../src/plugin-api/index.ts';
import { Duplex } from '../../../src/runtime/threads/duplex.ts';

const channels: MessageChannel[] = [];

function pair(): [Duplex, Duplex] {
  const channel = new MessageChannel();
  channels.push(channel);
  return [new Duplex(channel.port1), new Duplex(channel.port2)];
}

afterEach(() => {
  for (const { port1 } of channels.splice(0)) port1.close();
});

describe('calls between two threads', () => {
  it('resolve to what the handler of that name on that channel gives', async () => {
    const [here, there] = pair();
    there.channel('a').handle('twice', (n: number) => n * 2);
    there.channel('b').handle('twice', async (n: number) => n * 20);
    expect(await here.channel('a').call('twice', 4)).toBe(8);
    expect(await here.channel('b').call('twice', 4)).toBe(80);
  });

  it('reject as the handler does', async () => {
    const [here, there] = pair();
    there.channel('a').handle('fail', () => {
      throw new RangeError('too far');
    });
    await expect(here.channel('a').call('fail')).rejects.toThrow(new RangeError('too far'));
    await expect(here.channel('a').call('unknown')).rejects.toThrow('nobody handles a unknown');
  });

  it('arrive in the order in which they were made, with what is sent between', async () => {
    const [here, there] = pair();
    const got: unknown[] = [];
    there.channel('a').handle('call', (n: number) => void got.push(n));
    there.channel('a').handle('send', (n: number) => void got.push(n));
    const link = here.channel('a');
    const first = link.call('call', 1);
    link.send('send', 2);
    await Promise.all([first, link.call('call', 3)]);
    expect(got).toEqual([1, 2, 3]);
  });

  it('go both ways at once', async () => {
    const [here, there] = pair();
    here.channel('a').handle('name', () => 'here');
    there.channel('a').handle('ask', async () => `${await there.channel('a').call('name')} asked`);
    expect(await here.channel('a').call('ask')).toBe('here asked');
  });

  it('reject when the other side dies, those that are made later too', async () => {
    const [here, there] = pair();
    there.channel('a').handle('never', () => new Promise(() => {}));
    const waiting = here.channel('a').call('never');
    here.lose('worker 1 has died');
    await expect(waiting).rejects.toThrow(LinkLost);
    await expect(here.channel('a').call('never')).rejects.toThrow('worker 1 has died');
    expect(() => here.channel('a').send('anything')).not.toThrow();
  });
});
