import { createReadStream, fstatSync } from 'node:fs';
import type { Readable } from 'node:stream';
import type { Event } from '../../event/event.ts';
import { defineInput } from '../../plugin-api/index.ts';

export const stdin = defineInput({
  name: 'stdin',
  summary: 'Reads standard input; ends when it ends.',
  defaultCodec: 'line',
  streaming: true,
  options: {},
  create(options, context) {
    const codec = options.codec.open();
    let stopping = false;
    const stream = openStdin();

    async function emit(events: Event[]): Promise<void> {
      for (const event of events) event.setDefault('host', context.hostName);
      for (let i = 0; i < events.length && !stopping; i += context.batchSize) {
        await context.emit(events.slice(i, i + context.batchSize));
      }
    }

    return {
      async run() {
        try {
          for await (const chunk of stream) {
            await emit(codec.decode(chunk as Buffer, context.clock.now()));
            if (stopping) return;
          }
        } catch (error) {
          // A destroyed stream is how `stop` ends the wait for input that may never come.
          if (!stopping) throw error;
          return;
        }
        await emit(codec.flush(context.clock.now()));
      },
      stop() {
        stopping = true;
        stream.destroy();
      },
    };
  },
});

const STDIN = 0;
/** Node reads files in pieces of 64 KiB, which costs a tenth more. */
const PIECE_BYTES = 256 * 1024;

function openStdin(): Readable {
  return fstatSync(STDIN).isFile()
    ? createReadStream('', { fd: STDIN, autoClose: false, highWaterMark: PIECE_BYTES })
    : process.stdin;
}
