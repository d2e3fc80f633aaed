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

    async function emit(events: Event[]): Promise<void> {
      for (const event of events) event.setDefault('host', context.hostName);
      for (let i = 0; i < events.length && !stopping; i += context.batchSize) {
        await context.emit(events.slice(i, i + context.batchSize));
      }
    }

    return {
      async run() {
        try {
          for await (const chunk of process.stdin) {
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
        process.stdin.destroy();
      },
    };
  },
});
