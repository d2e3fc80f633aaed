import { createReadStream, fstatSync } from 'node:fs';
import type { Readable } from 'node:stream';
import type { Event } from '../../event/event.ts';
import { BlockLanes, blockInput, defineInput, type InputContext } from '../../plugin-api/index.ts';
import type { Clock } from '../../util/clock.ts';
import { LineBlocks } from '../../util/text.ts';

export const stdin = defineInput({
  name: 'stdin',
  summary: 'Reads standard input; ends when it ends.',
  defaultCodec: 'line',
  streaming: true,
  options: {},
  create(options, context) {
    const codec = options.codec.open();
    return stdinReader(context.clock, {
      take: (piece, arrivalMs) => emit(codec.decode(piece, arrivalMs), context),
      takeRest: (arrivalMs) => emit(codec.flush(arrivalMs), context),
    });
  },
  parallel: {
    isPossible: ({ codec }) => codec.delimiter === '\n',
    coordinate(_options, { workers, logger, clock }) {
      const lanes = new BlockLanes(workers, logger);
      const lines = new LineBlocks();
      return stdinReader(clock, {
        async take(piece, arrivalMs) {
          for (const block of lines.push(piece)) await lanes.give(block, arrivalMs);
        },
        async takeRest(arrivalMs) {
          const rest = lines.flush();
          if (rest.length > 0) await lanes.give(rest, arrivalMs);
        },
        whenTaken: () => lanes.whenTaken(),
      });
    },
    work: (options, context) =>
      blockInput(options.codec.open(), context, (events, onSettled) => emit(events, context, onSettled)),
  },
});

async function emit(events: Event[], context: InputContext, onSettled?: () => void): Promise<void> {
  let open = Math.ceil(events.length / context.batchSize);
  if (open === 0) onSettled?.();
  const settle = () => {
    open -= 1;
    if (open === 0) onSettled?.();
  };
  for (const event of events) event.setDefault('host', context.hostName);
  for (let i = 0; i < events.length; i += context.batchSize) {
    await context.emit(events.slice(i, i + context.batchSize), settle);
  }
}

interface Taker {
  /** A piece that may end anywhere. */
  take(piece: Buffer, arrivalMs: number): Promise<void>;
  /** What no line end has ended, at the end of the input. */
  takeRest(arrivalMs: number): Promise<void>;
  /** Resolves when all that was taken is emitted, where `take` does not wait for it. */
  whenTaken?(): Promise<void>;
}

function stdinReader(clock: Clock, { take, takeRest, whenTaken }: Taker) {
  const stream = openStdin();
  let stopping = false;

  async function read(): Promise<void> {
    try {
      for await (const piece of stream) {
        await take(piece as Buffer, clock.now());
        if (stopping) return;
      }
    } catch (error) {
      // A destroyed stream is how `stop` ends the wait for input that may never come.
      if (!stopping) throw error;
    }
    if (!stopping) await takeRest(clock.now());
  }

  return {
    async run() {
      await read();
      await whenTaken?.();
    },
    stop() {
      stopping = true;
      stream.destroy();
    },
  };
}

const STDIN = 0;
/** Node reads files in pieces of 64 KiB, which costs a tenth more. */
const PIECE_BYTES = 256 * 1024;

function openStdin(): Readable {
  return fstatSync(STDIN).isFile()
    ? createReadStream('', { fd: STDIN, autoClose: false, highWaterMark: PIECE_BYTES })
    : process.stdin;
}
