import { setImmediate } from 'node:timers/promises';
import type { Event } from '../../event/event.ts';
import { defineInput, number, string, stringArray } from '../../plugin-api/index.ts';

export const generator = defineInput({
  name: 'generator',
  summary: 'Makes events, for trials and benchmarks.',
  options: {
    message: string({ doc: 'Text of each event; `stdin` reads one line first.', default: 'Hello world!' }),
    lines: stringArray({ doc: 'Texts to emit in turn instead of `message`.' }),
    count: number({ doc: 'How many times each text is emitted; 0 is endless.', default: 0 }),
    threads: number({ doc: 'Copies of this input that emit at once.', default: 1 }),
  },
  create(options, context) {
    let stopping = false;
    const total = options.count * options.threads;

    async function run(): Promise<void> {
      const lines = await texts();
      const codec = options.codec.open();
      let batch: Event[] = [];
      for (let sequence = 0; !stopping && (options.count === 0 || sequence < total); sequence++) {
        for (const line of lines) {
          for (const event of codec.decode(line, context.clock.now())) {
            event.setDefault('sequence', sequence);
            event.setDefault('host', context.hostName);
            batch.push(event);
          }
          if (batch.length < context.batchSize) continue;
          await context.emit(batch);
          batch = [];
          // Without this an endless generator would never let a signal or an answer of an output through.
          await setImmediate();
        }
      }
      await context.emit(batch);
    }

    async function texts(): Promise<Uint8Array[]> {
      const given = options.lines ?? [options.message === 'stdin' ? await firstLineOfStdin() : options.message];
      return given.map((text) =>
        Buffer.from(options.codec.name === 'line' || options.codec.name === 'json_lines' ? `${text}\n` : text),
      );
    }

    return {
      run,
      stop() {
        stopping = true;
      },
    };
  },
});

async function firstLineOfStdin(): Promise<string> {
  let text = '';
  for await (const chunk of process.stdin.setEncoding('utf8')) {
    text += chunk;
    if (text.includes('\n')) break;
  }
  return text.split('\n')[0] ?? '';
}
